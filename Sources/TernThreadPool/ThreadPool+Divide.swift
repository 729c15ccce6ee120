internal import CTernCPU

// A range that is divided when somebody asks, for loops whose parts are short or uneven.
//
// The thread that has a range works through it tile by tile, with no atomic operation but one relaxed
// load for each tile: does anybody ask (Demand.swift)? An idle thread that finds a range marked and
// nothing on the deque asks. At the next tile the worker puts the second half of what is left on its
// deque, as a fork, goes on with the first half, and then takes the second half back or waits for the
// thief, as in ThreadPool+Join.swift. Who took a half has a range of its own and can be asked, too.
// So a range that nobody helps with costs nothing, and one that is helped with is divided about as
// often as somebody ran out of work: no grain has to be tuned. Each division halves the rest, so that
// they nest at most 63 deep.

extension ThreadPool {
    /// Calls `body` with parts of `0..<count` that cover it exactly once, on this thread and on
    /// workers that ask for a share, and returns when all of it is done.
    ///
    /// Like ``parallelFor(count:grain:predictedSerialNanoseconds:_:)``, with the same parts, for
    /// ranges that are nested in other parallel work or whose parts differ much in length. Threads
    /// don't keep to the same indices from one range to the next.
    ///
    /// - Parameters:
    ///   - count: How many indices there are.
    ///   - grain: How many indices form one part; it bounds how long a thread that asks waits.
    ///   - predictedSerialNanoseconds: What the whole range would take on one thread, if known. Below
    ///     about 4 µs it stays on this thread; below about 100 µs no sleeping worker is woken
    ///     (``HandOffCosts``). Unknown, one may be woken.
    ///   - body: What to do with one part.
    package func divide(
        count: Int,
        grain: Int = 1,
        predictedSerialNanoseconds: Int? = nil,
        _ body: (Range<Int>) -> Void
    ) {
        precondition(count >= 0, "a range cannot have a negative count")
        precondition(grain > 0, "a range's grain must be at least 1")
        let predicted = predictedSerialNanoseconds ?? .max
        guard count > grain, predicted >= core.sharingThresholdNanoseconds,
            shareRange(count, grain, predicted, body)
        else { return runAlone(count, grain, body) }
    }

    /// Runs all parts on the calling thread.
    @inline(__always)
    func runAlone(_ count: Int, _ grain: Int, _ body: (Range<Int>) -> Void) {
        var lower = 0
        while lower < count {
            let upper = count &- lower > grain ? lower &+ grain : count
            body(lower..<upper)
            lower = upper
        }
    }

    private func shareRange(
        _ count: Int,
        _ grain: Int,
        _ predicted: Int,
        _ body: (Range<Int>) -> Void
    ) -> Bool {
        let core = core
        guard core.workerCount > 0 else { return false }
        var isShared = false
        let hasPlace = unsafe core.withParticipant { participant in
            guard core.workerCount > 1 || (unsafe participant.pointee.index >= core.workerCount)
            else { return }
            isShared = true
            var owned = unsafe OwnedRange(
                core: core,
                participant: participant,
                count: count,
                grain: grain,
                mayWake: predicted >= core.wakingThresholdNanoseconds
            )
            unsafe withUnsafeMutablePointer(to: &owned) { pointer in
                unsafe withClosureWords(
                    body,
                    { code, context, state in
                        // SAFETY: the state is the range above.
                        let owned = unsafe state!.assumingMemoryBound(to: OwnedRange.self)
                        unsafe owned.pointee.run(RangeClosureWords(code: code, context: context))
                    },
                    pointer
                )
            }
        }
        return hasPlace && isShared
    }
}

/// A divisible range as the thread that began it sees it.
@safe private struct OwnedRange {
    let core: PoolCore
    let participant: ParticipantPointer
    let count: Int
    let grain: Int
    let mayWake: Bool

    func run(_ body: RangeClosureWords) {
        if mayWake, unsafe core.storage.pointee.sleep.needsWaking { core.wakeOne() }
        let range = DivisibleRange(
            body: body,
            lower: 0,
            upper: count,
            grain: grain,
            mayWake: mayWake
        )
        unsafe core.workThrough(participant, range)
    }
}

/// What is left of a range, in the hands of one thread.
@safe struct DivisibleRange {
    let body: RangeClosureWords
    var lower: Int
    var upper: Int
    let grain: Int
    /// Whether sleeping workers may be woken for it.
    let mayWake: Bool
}

/// The upper half of what a participant publishes: whether it works through a divisible range.
struct DivisibleMark {
    private static var mayWakeBit: UInt64 { 1 << 47 }

    private let published: UInt64

    /// Reads a participant's published word.
    @inline(__always)
    init(_ published: UInt64) { self.published = published }

    /// Bits for a range of the given root.
    @inline(__always)
    static func bits(root: UInt64, mayWake: Bool) -> UInt64 {
        root << 48 | (mayWake ? mayWakeBit : 0)
    }

    /// Whether there is a range that a thread which may take work of `root`, 0 for any, can ask for.
    @inline(__always)
    func isFor(root: UInt64) -> Bool {
        let owner = published >> 48
        return owner != 0 && (root == 0 || owner == root)
    }

    /// Whether there is a range for which a sleeping worker may be woken.
    @inline(__always)
    var mayWake: Bool { published & Self.mayWakeBit != 0 }
}

extension PoolCore {
    /// Works through a range, marked so that others can ask for a share.
    func workThrough(_ participant: ParticipantPointer, _ range: DivisibleRange) {
        let before = unsafe participant.pointee.published.word.loadRelaxed()
        let mark = unsafe DivisibleMark.bits(
            root: participant.pointee.root,
            mayWake: range.mayWake
        )
        unsafe participant.pointee.demand.answer()
        // Release: pairs with the load in `help`.
        unsafe participant.pointee.published.word.storeRelease(
            before & Participant.frameMask | mark
        )
        unsafe runAndDivide(participant, range)
        unsafe participant.pointee.published.word.storeRelease(before)
    }

    private func runAndDivide(_ participant: ParticipantPointer, _ range: DivisibleRange) {
        var range = range
        while range.upper &- range.lower > range.grain {
            let next = range.lower &+ range.grain
            range.body.call(range.lower, next)
            range.lower = next
            if unsafe participant.pointee.demand.isAsked,
                unsafe handOverHalf(participant, range)
            {
                return
            }
        }
        range.body.call(range.lower, range.upper)
    }

    /// Offers the second half of what is left and runs all of it, with whoever takes the offer.
    ///
    /// - Returns: False, with nothing done, if one part only is left or the deque is full.
    @inline(never)
    private func handOverHalf(_ participant: ParticipantPointer, _ range: DivisibleRange) -> Bool {
        let partCount = (range.upper - range.lower - 1) / range.grain + 1
        guard partCount > 1 else { return false }
        var first = range
        var second = range
        first.upper = range.lower + partCount / 2 * range.grain
        second.lower = first.upper
        var descriptor = ForkDescriptor(work: .range(second))
        return unsafe withUnsafeMutablePointer(to: &descriptor) { descriptor in
            let entry = unsafe ForkDescriptor.entry(descriptor, root: participant.pointee.root)
            guard unsafe participant.pointee.deque.push(entry) else { return false }
            unsafe participant.pointee.demand.answer()
            unsafe runAndDivide(participant, first)
            let newest = unsafe participant.pointee.deque.pop()
            if newest == entry {
                unsafe runAndDivide(participant, second)
            } else {
                precondition(newest == 0, "a part of a range was left on the deque")
                unsafe wait(participant, for: descriptor.pointee.latch)
            }
            return true
        }
    }
}
