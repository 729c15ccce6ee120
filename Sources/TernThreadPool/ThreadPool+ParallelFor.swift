internal import CTernCPU

// A parallel loop, from the side of the thread that owns it: decide whether to share it, describe it
// in a frame, publish the frame, work, close, wait for the helpers that are inside.
//
// Costs without help: the description, one store to publish, one addition per block, one locked
// operation to close. A helper that comes late finds the latch closed and costs nothing.
//
// The decision, by what the loop takes on one thread:
//
//     below 1 µs              alone, without another look
//     up to where waking      what was measured of this loop decides (LoopHistory.swift); alone
//     pays (about 100 µs)     while every worker sleeps, without publishing anything
//     longer, or unknown      shared, waking a worker if need be
//
// Short loops wake nobody. But many of them one after the other are as good as a long one: when a
// thread has run so many alone, while all slept, that one loop of their length would have woken a
// worker, the next one wakes one, who stays awake if they go on. Each time that this was in vain,
// because the worker found nothing before it slept again, the sum must be twice as large the next time,
// up to 32 times.

extension ThreadPool {
    /// Calls `body` with parts of `0..<count` that cover it exactly once, on this thread and on
    /// workers that are idle, and returns when all of it is done.
    ///
    /// The parts are the same whatever the number of threads: each starts at a multiple of `grain`
    /// and has `grain` indices, the last perhaps fewer. `body` runs on several threads at once and
    /// in any order; it must only write what belongs to its part. Everything written by the parts is
    /// visible to the caller afterwards.
    ///
    /// Never waits for a sleeping worker, allocates nothing, may be nested.
    ///
    /// - Parameters:
    ///   - count: How many indices there are.
    ///   - grain: How many indices form one part; a part should take a microsecond or more.
    ///   - predictedSerialNanoseconds: What the whole loop would take on one thread, roughly, if known.
    ///     Short loops are timed and then go by that (`LoopHistory`); from about 100 µs on a loop may
    ///     wake sleeping workers (``HandOffCosts``). Unknown, the first part is timed.
    ///   - site: What tells this loop, with its count and prediction, from others of the same lengths;
    ///     as a rule its line in the source.
    ///   - body: What to do with one part.
    package func parallelFor(
        count: Int,
        grain: Int = 1,
        predictedSerialNanoseconds: Int? = nil,
        site: UInt = #line,
        _ body: (Range<Int>) -> Void
    ) {
        precondition(count >= 0, "a loop cannot have a negative count")
        precondition(grain > 0, "a loop's grain must be at least 1")
        guard count > grain, core.workerCount > 0 else { return runAlone(count, grain, body) }
        let predicted = predictedSerialNanoseconds
        if let predicted, predicted < core.wakingThresholdNanoseconds {
            guard predicted >= LoopHistory.shortestNanoseconds else {
                return runAlone(count, grain, body)
            }
            runShort(
                count,
                grain,
                predicted,
                LoopKey(site: site, count: count, predicted: predicted),
                body
            )
        } else {
            runLong(count, grain, predicted, body)
        }
    }

    /// Runs a loop for which waking a worker pays, or of unknown length.
    private func runLong(
        _ count: Int,
        _ grain: Int,
        _ predicted: Int?,
        _ body: (Range<Int>) -> Void
    ) {
        let isInDebt = unsafe core.storage.pointee.stalls.isInDebt
        let start = isInDebt ? tern_monotonic_nanoseconds() : 0
        let help = shareLoop(count, grain, predicted, body)
        if help == .impossible { return runAlone(count, grain, body) }
        guard isInDebt, help == .came, let predicted else { return }
        // Predictions are rough; what may be none is not to count as a gain.
        noteGain(from: predicted / 4 * 3, to: tern_monotonic_nanoseconds() &- start)
    }

    /// Sets off what a loop gained against what was lost by waiting for helpers.
    private func noteGain(from alone: Int, to elapsed: UInt64) {
        guard elapsed < UInt64(alone) else { return }
        unsafe core.storage.pointee.stalls.noteGain(nanoseconds: UInt64(alone) - elapsed)
    }

    /// Runs a loop of 1 to about 100 µs as its history tells.
    private func runShort(
        _ count: Int,
        _ grain: Int,
        _ predicted: Int,
        _ key: LoopKey,
        _ body: (Range<Int>) -> Void
    ) {
        let core = core
        // SAFETY: the key's place is one of those allocated.
        let entry = unsafe core.storage.pointee.histories + key.place
        let random = tern_thread_random()
        let word = unsafe entry.pointee.loadRelaxed()
        let isTaken = LoopHistory.isTaken(word, mark: key.mark, random: random)
        var history = LoopHistory(word, mark: key.mark)
        let expected = history.aloneNanoseconds(predicted: predicted)
        var choice = history.choice(
            threshold: core.trialThresholdNanoseconds,
            random: random
        )
        if isTaken {
            choice = .init(
                isShared: predicted >= core.sharingThresholdNanoseconds,
                isTimed: false
            )
        }
        if expected >= core.wakingThresholdNanoseconds {
            return runLong(count, grain, expected, body)
        }
        if core.isAsleep { choice.isShared = wakesForManyLoops(expected) }
        let isInDebt = unsafe core.storage.pointee.stalls.isInDebt
        if isInDebt { choice.isTimed = true }
        let start = choice.isTimed ? tern_monotonic_nanoseconds() : 0
        let help = choice.isShared ? shareLoop(count, grain, expected, body) : .impossible
        if help == .impossible { runAlone(count, grain, body) }
        guard choice.isTimed else { return }
        let elapsed = tern_monotonic_nanoseconds() &- start
        switch help {
        case .impossible: history.noteAlone(nanoseconds: elapsed)
        case .came:
            history.noteShared(nanoseconds: elapsed)
            if isInDebt { noteGain(from: expected, to: elapsed) }
        // Says nothing about the loop.
        case .stayedAway, .stalled: return
        }
        if !isTaken { unsafe entry.pointee.storeRelaxed(history.word) }
    }

    /// Runs all parts on the calling thread.
    @inline(__always)
    private func runAlone(_ count: Int, _ grain: Int, _ body: (Range<Int>) -> Void) {
        var lower = 0
        while lower < count {
            let upper = count &- lower > grain ? lower &+ grain : count
            body(lower..<upper)
            lower = upper
        }
    }

    /// Counts a short loop for which all workers sleep; wakes one if there were many.
    ///
    /// - Returns: Whether it did, so that this loop should be shared.
    @inline(__always)
    private func wakesForManyLoops(_ nanoseconds: Int) -> Bool {
        guard nanoseconds >= core.trialThresholdNanoseconds else { return false }
        let sum = tern_add_unshared_nanoseconds(UInt64(nanoseconds))
        let vainWakes = unsafe core.storage.pointee.vainWakes.word.loadRelaxed()
        return sum >= UInt64(core.wakingThresholdNanoseconds) << vainWakes
            && wakesForManyLoops(nanoseconds, vainWakes)
    }

    @inline(never)
    private func wakesForManyLoops(_ nanoseconds: Int, _ vainWakes: UInt64) -> Bool {
        tern_reset_unshared_nanoseconds()
        guard
            unsafe core.storage.pointee.stalls.allows(
                nanoseconds,
                now: tern_monotonic_nanoseconds()
            )
        else { return false }
        unsafe core.storage.pointee.vainWakes.word.storeRelaxed(min(vainWakes + 1, 5))
        if unsafe core.storage.pointee.sleep.needsWaking { core.wakeOne() }
        return true
    }

    /// Runs the loop so that others can help.
    ///
    /// - Returns: What became of it; if help was impossible, nothing is done.
    private func shareLoop(
        _ count: Int,
        _ grain: Int,
        _ predicted: Int?,
        _ body: (Range<Int>) -> Void
    ) -> Help {
        let core = core
        guard
            unsafe core.storage.pointee.stalls.allows(
                predicted,
                now: tern_monotonic_nanoseconds()
            ),
            // As many requests as workers: each runs on its own thread, unless it is so long that
            // another will end before it.
            !core.isFullyBusy || (predicted ?? .max) >= core.wakingThresholdNanoseconds
        else { return .impossible }
        var help = Help.impossible
        _ = unsafe core.withParticipant { participant in
            let isWorker = unsafe participant.pointee.index < core.workerCount
            guard unsafe participant.pointee.depth < Participant.frameCount,
                core.workerCount > 1 || !isWorker
            else { return }
            var loop = unsafe OwnedLoop(
                core: core,
                participant: participant,
                count: count,
                grain: grain,
                predicted: predicted
            )
            unsafe withUnsafeMutablePointer(to: &loop) { pointer in
                unsafe withClosureWords(
                    body,
                    { code, context, state in
                        // SAFETY: the state is the loop above.
                        let loop = unsafe state!.assumingMemoryBound(to: OwnedLoop.self)
                        let words = unsafe RangeClosureWords(code: code, context: context)
                        unsafe loop.pointee.run(words)
                    },
                    pointer
                )
            }
            help = loop.help
        }
        return help
    }
}

/// What became of a loop that others could help with.
private enum Help {
    /// Nobody could: helpers were lately in the way, each runs a job, there is no place for a guest, or
    /// there are too many loops around this one.
    case impossible
    /// Nobody did.
    case stayedAway
    /// Others ran some of the blocks.
    case came
    /// Others ran some of the blocks, and were put off their processor in the middle of one.
    case stalled
}

/// A loop as its owner sees it.
@safe private struct OwnedLoop {
    let core: PoolCore
    let participant: ParticipantPointer
    let count: Int
    let grain: Int
    let predicted: Int?
    /// What became of it, in the end.
    private(set) var help = Help.stayedAway

    /// Runs the whole loop, with whoever helps.
    mutating func run(_ body: RangeClosureWords) {
        let level = unsafe participant.pointee.depth
        let frame = unsafe participant.pointee.frames + level
        let isGuest = unsafe participant.pointee.index >= core.workerCount
        let mayWake = (predicted ?? 0) >= core.wakingThresholdNanoseconds
        // In a longer loop, helper and owner take turns on one processor without losing much.
        let isShort = (predicted ?? .max) < StallWatch<PoolWord>.longLoopNanoseconds
        unsafe frame.pointee.shape = LoopShape(
            body: body,
            count: count,
            grain: grain,
            threadCount: core.workerCount + (isGuest ? 1 : 0),
            processor: isShort ? tern_current_processor() : LoopShape.anyProcessor
        )
        unsafe frame.pointee.prepare(root: participant.pointee.root, mayWake: mayWake)
        unsafe participant.pointee.depth = level + 1
        unsafe frame.pointee.latch.open()
        let others = unsafe participant.pointee.published.word.loadRelaxed()
        // Release: pairs with the load in `help`, which then finds the latch open.
        unsafe participant.pointee.published.word.storeRelease(others | 1 << UInt64(level))

        var ownBlockCount = 0
        if unsafe core.storage.pointee.sleep.needsWaking {
            if mayWake {
                core.wakeOne()
            } else if predicted == nil {
                ownBlockCount = unsafe timeFirstBlock(frame)
            }
        }
        ownBlockCount += unsafe core.work(participant, frame, leavesForJobs: false).blockCount
        if ownBlockCount < (unsafe frame.pointee.shape.blockCount) { help = .came }
        if help == .came, unsafe core.storage.pointee.vainWakes.word.loadRelaxed() != 0 {
            unsafe core.storage.pointee.vainWakes.word.storeRelaxed(0)
        }

        unsafe participant.pointee.published.word.storeRelaxed(others)
        if unsafe !frame.pointee.latch.close() {
            let waited = unsafe core.wait(participant, for: frame.pointee.latch)
            if waited > 0 {
                help = .stalled
                unsafe core.storage.pointee.stalls.noteWait(
                    nanoseconds: waited,
                    predicted: predicted,
                    now: tern_monotonic_nanoseconds()
                )
            }
        }
        unsafe participant.pointee.depth = level
    }

    /// Runs one block with a watch in hand, and wakes a worker if the rest will take long.
    ///
    /// - Returns: How many blocks it ran: 1, or 0 if none was left.
    @inline(never)
    private func timeFirstBlock(_ frame: UnsafeMutablePointer<LoopFrame<PoolWord>>) -> Int {
        let start = tern_monotonic_nanoseconds()
        let home = unsafe core.homeSlice(of: participant, among: frame.pointee.shape.sliceCount)
        guard unsafe frame.pointee.runFromHead(of: home) else { return 0 }
        let elapsed = Int(clamping: tern_monotonic_nanoseconds() &- start)
        let (rest, overflow) = unsafe elapsed.multipliedReportingOverflow(
            by: frame.pointee.unclaimedBlockCount
        )
        if overflow || rest >= core.wakingThresholdNanoseconds {
            unsafe frame.pointee.allowWaking()
            core.wakeOne()
        }
        return 1
    }
}
