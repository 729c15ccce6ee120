// How workers fall asleep and are woken, so that no job waits while every worker sleeps, and so that
// a wake-up (a system call, and about 30 µs until the woken thread runs) is paid once and only when
// nobody is awake to notice.
//
// A worker is in one of three states:
//
//     working    runs a job or helps; not counted here
//     searching  awake without work: polls the injector, open loops and deques; counted
//     parked     has its bit in the mask; sleeps in the kernel or is about to
//
//     working ──► searching        beginSearching
//     searching ─► working         endSearching; the last one to leave looks again, see below
//     searching ─► parked          announceParking, then one more look at everything
//     parked ───► searching        claimSleeper, by whoever wakes it; or cancelParking, by itself
//
// All of it is one word: bits 0–55 say who is parked, bits 56–63 count who is searching. A waker
// counts the sleeper as searching at the moment it claims it, 30 µs before the sleeper runs: in that
// time nobody else makes a system call, and the woken worker has to find whatever was published in
// the meantime.
//
// Why nothing is lost. A producer publishes and then reads the word; a worker that leaves the
// searching state (to park or to work) writes the word and then looks at what is published. All four
// are sequentially consistent, so at least one of the two sees the other:
//  - the producer sees a searching worker: that worker has not left yet, so its look after leaving
//    comes after the publication. If it leaves to park, it finds the work and cancels. If it leaves
//    to work and was the last, it finds the work and wakes the next; if it was not the last, another
//    one is searching, of whom the same is true.
//  - the producer sees nobody searching and somebody parked: it claims one and wakes it.
//  - the producer sees nobody searching or parked: all are working, and look again when they end.
//
// This must hold for jobs and for shutdown. Open loops and forks are different: their owner does the
// whole work itself if nobody comes, so for them a missed wake-up costs time only, and publishing
// them is a release store (ThreadPool+ParallelFor.swift, ChaseLevDeque.swift).
//
// The sleeper waits on a token of its own. `Token.give` sets it and wakes; the sleeper takes it
// before it goes on (Parking.swift). A token is only given to a worker whose bit the giver has cleared, so there is
// at most one.

/// Who searches and who sleeps, of at most 56 workers.
struct SleepState<Word: SharedWord & ~Copyable>: ~Copyable, Sendable {
    /// How many workers the word has bits for.
    static var workerLimit: Int { 56 }

    private static var searchingOne: UInt64 { 1 << 56 }
    private static var parkedMask: UInt64 { (1 << 56) - 1 }

    private let word: Word
    private let fill = LineFill(repeating: 0)

    /// All workers are working.
    init() { word = Word(0) }

    /// How many workers are awake without work, or will be in a moment; may be outdated at once.
    @inline(__always)
    var searchingCount: Int { Int(word.loadRelaxed() >> 56) }

    /// How many workers sleep, or are about to; may be outdated at once.
    @inline(__always)
    var parkedCount: Int { (word.loadRelaxed() & Self.parkedMask).nonzeroBitCount }

    /// Whether somebody sleeps and nobody searches: the case in which a publisher may have to wake.
    ///
    /// Sequential: comes after the publication; pairs with ``announceParking(_:)`` and
    /// ``endSearching()``.
    @inline(__always)
    var needsWaking: Bool {
        let state = word.loadSequential()
        return state != 0 && state < Self.searchingOne
    }

    /// From working to searching.
    @inline(__always)
    func beginSearching() { _ = word.fetchAdd(Self.searchingOne) }

    /// From searching to working.
    ///
    /// - Returns: Whether nobody else is searching while somebody sleeps; the caller must then look
    ///   whether more is published, and wake a worker if so.
    @inline(__always)
    func endSearching() -> Bool {
        // Sequential: comes before the look that follows; pairs with `needsWaking` in producers.
        let after = word.fetchSubtract(Self.searchingOne) &- Self.searchingOne
        return after < Self.searchingOne && after != 0
    }

    /// From searching to parked and back: sleeps until claimed, unless one more look finds something.
    ///
    /// - Parameters:
    ///   - index: The worker that sleeps.
    ///   - token: What its waker gives it.
    ///   - isNeeded: The look: whether there is a reason to stay awake.
    @inline(__always)
    func sleep(_ index: Int, on token: borrowing Token<Word>, unless isNeeded: () -> Bool) {
        announceParking(index)
        if isNeeded(), cancelParking(index) { return }
        token.take()
    }

    /// From searching to parked: worker `index` will sleep if it finds nothing in one more look.
    func announceParking(_ index: Int) {
        // Sequential: comes before the look that follows; pairs with `needsWaking` in producers.
        _ = word.fetchAdd((1 << UInt64(index)) &- Self.searchingOne)
    }

    /// From parked back to searching, because the look found something.
    ///
    /// - Returns: False if a waker was faster: it has counted the worker as searching, and the
    ///   worker must take the token that is on its way.
    func cancelParking(_ index: Int) -> Bool {
        let bit: UInt64 = 1 << UInt64(index)
        while true {
            let state = word.loadRelaxed()
            if state & bit == 0 { return false }
            // Sequential: decides against `claimSleeper`.
            if word.compareExchange(
                expected: state,
                desired: (state & ~bit) &+ Self.searchingOne
            ) {
                return true
            }
        }
    }

    /// Takes one sleeper from parked to searching, if nobody is searching.
    ///
    /// The one with the lowest index: the same few workers stay warm when there is little to do.
    ///
    /// - Returns: The worker to deliver a token to, or nil.
    func claimSleeper() -> Int? {
        while true {
            // Sequential: comes after the publication; see `needsWaking`.
            let state = word.loadSequential()
            guard state != 0 && state < Self.searchingOne else { return nil }
            let index = state.trailingZeroBitCount
            // Sequential: decides against `cancelParking` and other wakers.
            if word.compareExchange(
                expected: state,
                desired: (state & (state &- 1)) &+ Self.searchingOne
            ) {
                return index
            }
        }
    }

    /// Takes one sleeper from parked to searching, whoever is searching.
    ///
    /// - Returns: The worker to deliver a token to, or nil if none is parked.
    func claimAnySleeper() -> Int? {
        while true {
            // Sequential: comes after the closing of the injector; pairs with `announceParking`.
            let state = word.loadSequential()
            guard state & Self.parkedMask != 0 else { return nil }
            let index = state.trailingZeroBitCount
            // Sequential: decides against `cancelParking` and other wakers.
            if word.compareExchange(
                expected: state,
                desired: (state & (state &- 1)) &+ Self.searchingOne
            ) {
                return index
            }
        }
    }
}
