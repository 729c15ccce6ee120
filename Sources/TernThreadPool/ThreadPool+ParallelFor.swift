internal import CTernCPU

// A parallel loop, from the side of the thread that owns it: decide whether to share it, describe it
// in a frame, publish the frame, work, close, wait for the helpers that are inside.
//
// Costs without help: the description, one store to publish, one addition per block, one locked
// operation to close. A helper that comes late finds the latch closed and costs nothing.

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
    ///   - predictedSerialNanoseconds: What the whole loop would take on one thread, if known. Below
    ///     about 4 µs it stays on this thread, from about 100 µs on it may wake sleeping workers
    ///     (``HandOffCosts``). Unknown, the first part is timed.
    ///   - body: What to do with one part.
    package func parallelFor(
        count: Int,
        grain: Int = 1,
        predictedSerialNanoseconds: Int? = nil,
        _ body: (Range<Int>) -> Void
    ) {
        precondition(count >= 0, "a loop cannot have a negative count")
        precondition(grain > 0, "a loop's grain must be at least 1")
        let isShared =
            count > grain
            && (predictedSerialNanoseconds ?? .max) >= core.sharingThresholdNanoseconds
            && shareLoop(count, grain, predictedSerialNanoseconds, body)
        if !isShared { runAlone(count, grain, body) }
    }

    /// Runs the loop so that others can help.
    ///
    /// - Returns: False, with nothing done, if nobody could: there are no other workers, no place for
    ///   a guest, or too many loops around this one.
    private func shareLoop(
        _ count: Int,
        _ grain: Int,
        _ predicted: Int?,
        _ body: (Range<Int>) -> Void
    ) -> Bool {
        let core = core
        guard core.workerCount > 0,
            unsafe core.storage.pointee.stalls.allows(
                predicted,
                now: tern_monotonic_nanoseconds()
            ),
            // As many requests as workers: each runs on its own thread, unless it is so long that
            // another will end before it.
            !core.isFullyBusy || (predicted ?? .max) >= core.wakingThresholdNanoseconds
        else { return false }
        var isShared = false
        let hasPlace = unsafe core.withParticipant { participant in
            let isWorker = unsafe participant.pointee.index < core.workerCount
            guard unsafe participant.pointee.depth < Participant.frameCount,
                core.workerCount > 1 || !isWorker
            else { return }
            isShared = true
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
        }
        return hasPlace && isShared
    }
}

/// A loop as its owner sees it.
@safe private struct OwnedLoop {
    let core: PoolCore
    let participant: ParticipantPointer
    let count: Int
    let grain: Int
    let predicted: Int?

    /// Runs the whole loop, with whoever helps.
    func run(_ body: RangeClosureWords) {
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

        if unsafe core.storage.pointee.sleep.needsWaking {
            if mayWake {
                core.wakeOne()
            } else if predicted == nil {
                unsafe timeFirstBlock(frame)
            }
        }
        _ = unsafe core.work(participant, frame, leavesForJobs: false)

        unsafe participant.pointee.published.word.storeRelaxed(others)
        if unsafe !frame.pointee.latch.close() {
            let waited = unsafe core.wait(participant, for: frame.pointee.latch)
            if waited > 0 {
                unsafe core.storage.pointee.stalls.note(
                    waited: waited,
                    predicted: predicted,
                    now: tern_monotonic_nanoseconds()
                )
            }
        }
        unsafe participant.pointee.depth = level
    }

    /// Runs one block with a watch in hand, and wakes a worker if the rest will take long.
    @inline(never)
    private func timeFirstBlock(_ frame: UnsafeMutablePointer<LoopFrame<PoolWord>>) {
        let start = tern_monotonic_nanoseconds()
        let home = unsafe core.homeSlice(of: participant, among: frame.pointee.shape.sliceCount)
        guard unsafe frame.pointee.runFromHead(of: home) else { return }
        let elapsed = Int(clamping: tern_monotonic_nanoseconds() &- start)
        let (rest, overflow) = unsafe elapsed.multipliedReportingOverflow(
            by: frame.pointee.unclaimedBlockCount
        )
        if overflow || rest >= core.wakingThresholdNanoseconds {
            unsafe frame.pointee.allowWaking()
            core.wakeOne()
        }
    }
}
