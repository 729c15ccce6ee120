internal import CTernCPU

// What keeps a pool from being slower than one thread when other processes want the same processors.
//
// A helper that has claimed a block and is then put off its processor keeps the loop's owner waiting
// until the scheduler gives it another turn: milliseconds, for a block of microseconds. The block
// cannot be run a second time, because the helper may be in the middle of writing. So the owner has
// to wait, but it need not ask for it again and again: after a wait that is out of proportion, short
// loops stay on their thread for sixteen times as long as it took. However often helpers are put off,
// that costs a seventeenth of the time at most. Loops that are four times as long as the wait are
// shared all the same: they gain more than they can lose.
//
// The other thing that goes wrong: a helper gets a turn on the processor of the owner itself. While it
// helps, or spins in search of more, the owner stands still. Such a helper leaves at once, if the loop
// is short, and moves to another processor. If it is back again and again, the others are taken: it
// goes to sleep, which counts as a wait of the shortest kind.
//
// The word holds the time until which the rule is in force, in microseconds of the monotonic clock,
// above 20 bits for how long the wait was, in microseconds; 0 when nothing is wrong, which is all a
// loop looks at then. All accesses are relaxed: it is advice.

/// Whether helpers were lately put off their processors.
struct StallWatch<Word: SharedWord & ~Copyable>: ~Copyable, Sendable {
    /// Waits below this are nothing unusual: a block, or a helper's last cache misses.
    static var floorNanoseconds: UInt64 { 200_000 }
    /// In loops predicted to take this long it does not matter on which processor helpers are.
    static var longLoopNanoseconds: Int { 2_000_000 }
    /// Moves out of an owner's way that follow each other faster than this are counted.
    static var settlingNanoseconds: UInt64 { 2_000_000 }
    /// A helper that has moved this often and is in the way again has nowhere to go.
    static var moveLimit: Int { 6 }
    private static var factor: UInt64 { 16 }
    private static var waitBitCount: UInt64 { 20 }

    private let word: Word
    private let fill = LineFill(repeating: 0)

    /// Nothing is wrong.
    init() { word = Word(0) }

    /// Whether a loop should be shared.
    ///
    /// - Parameters:
    ///   - predicted: What the loop takes on one thread, if known.
    ///   - now: The time in nanoseconds; asked only if something was wrong.
    /// - Returns: False if it is better left on its thread.
    @inline(__always)
    func allows(_ predicted: Int?, now: @autoclosure () -> UInt64) -> Bool {
        let state = word.loadRelaxed()
        return state == 0 || allows(predicted, state, now())
    }

    @inline(never)
    private func allows(_ predicted: Int?, _ state: UInt64, _ now: UInt64) -> Bool {
        guard now / 1_000 < state >> Self.waitBitCount else {
            _ = word.compareExchangeRelaxed(expected: state, desired: 0)
            return true
        }
        guard let predicted else { return false }
        let waited = state & (1 << Self.waitBitCount - 1)
        return UInt64(clamping: predicted) / 4_000 >= waited
    }

    /// Takes note of a helper that got in its owner's way.
    ///
    /// - Parameter now: The time in nanoseconds.
    func noteCollision(now: UInt64) {
        note(waited: Self.floorNanoseconds + 1_000, predicted: 0, now: now)
    }

    /// Takes note of a wait.
    ///
    /// - Parameters:
    ///   - waited: How long an owner waited for its helpers, in nanoseconds.
    ///   - predicted: What its loop takes on one thread, if known.
    ///   - now: The time in nanoseconds.
    func note(waited: UInt64, predicted: Int?, now: UInt64) {
        // Of a loop of unknown length, a block may take this long.
        let usual = predicted.map { UInt64(clamping: $0) / 2 } ?? 1_000_000
        guard waited > max(Self.floorNanoseconds, usual) else { return }
        let limit = (1 << Self.waitBitCount) - 1 as UInt64
        let microseconds = min(waited / 1_000, limit)
        let until = now / 1_000 &+ Self.factor * microseconds
        word.storeRelaxed(until << Self.waitBitCount | microseconds)
    }
}
