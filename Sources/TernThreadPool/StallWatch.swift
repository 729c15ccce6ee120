internal import CTernCPU

// What keeps a pool from being slower than one thread when other processes want the same processors.
//
// A helper that has claimed a block and is then put off its processor keeps the loop's owner waiting
// until the scheduler gives it another turn: milliseconds, for a block of microseconds. The block
// cannot be run a second time, because the helper may be in the middle of writing. So the owner has
// to wait. But between two such waits the helper may have done more than they cost, and then it would
// be a mistake to do without it. So there is an account:
//
//     a wait out of proportion       is a debt
//     a loop that help made shorter  pays it back, by as much as it was shorter
//
// When the debt comes to 4 ms, short loops rest: they stay on their thread for ten times as long,
// a quarter of a second at most, and the account is closed. So one unlucky moment, at the start or
// later, changes nothing; a helper that earns its waits stays; and if all help is in vain, waiting
// costs about an eleventh of the time. Loops of 32 ms and more are shared all the same: they gain
// more than they can lose. A debt after which nothing went wrong for a quarter of a second is
// forgiven. Credit is not kept: what was gained long ago pays for nothing.
//
// The other thing that goes wrong: a helper gets a turn on the processor of the owner itself. While it
// helps, or spins in search of more, the owner stands still. Such a helper leaves at once, if the loop
// is short, and moves to another processor. If it is back again and again, the others are taken: it
// goes to sleep, which counts as a wait of the shortest kind.
//
// The word: a time in microseconds of the monotonic clock (44 bits), and the debt in microseconds (20
// bits). While there is a debt, the time is that of the last wait; with a debt of 0, it is that until
// which short loops rest. 0 when nothing is wrong, which is all that a loop looks at then. All
// accesses are relaxed and changes may get lost: it is advice.

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
    /// At this debt short loops rest.
    static var debtLimitNanoseconds: UInt64 { 4_000_000 }
    /// Loops that take this long on one thread never rest.
    static var restlessNanoseconds: Int { 32_000_000 }
    /// No rest is longer, and debts without a wait for so long are forgiven.
    static var longestRestNanoseconds: UInt64 { 250_000_000 }
    private static var restFactor: UInt64 { 10 }
    private static var debtBitCount: UInt64 { 20 }

    private let word: Word
    private let fill = LineFill(repeating: 0)

    /// Nothing is wrong.
    init() { word = Word(0) }

    /// Whether there are debts, so that ``noteGain(nanoseconds:)`` wants to know.
    @inline(__always)
    var isInDebt: Bool { word.loadRelaxed() != 0 }

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
        let (time, debt) = Self.fields(of: state)
        if debt > 0 {
            if now > time &+ Self.longestRestNanoseconds { forget(state) }
            return true
        }
        if now < time { return (predicted ?? 0) >= Self.restlessNanoseconds }
        forget(state)
        return true
    }

    private func forget(_ state: UInt64) {
        _ = word.compareExchangeRelaxed(expected: state, desired: 0)
    }

    /// Takes note of a helper that got in its owner's way.
    ///
    /// - Parameter now: The time in nanoseconds.
    func noteCollision(now: UInt64) {
        noteWait(nanoseconds: Self.floorNanoseconds + 1_000, predicted: 0, now: now)
    }

    /// Takes note of a wait.
    ///
    /// - Parameters:
    ///   - nanoseconds: How long an owner waited for its helpers.
    ///   - predicted: What its loop takes on one thread, if known.
    ///   - now: The time in nanoseconds.
    func noteWait(nanoseconds: UInt64, predicted: Int?, now: UInt64) {
        // Of a loop of unknown length, a block may take this long.
        let usual = predicted.map { UInt64(clamping: $0) / 2 } ?? 1_000_000
        guard nanoseconds > max(Self.floorNanoseconds, usual) else { return }
        let (time, debt) = Self.fields(of: word.loadRelaxed())
        // A loop that was shared before the rest began, or too long for it.
        if debt == 0 && now < time { return }
        let wait = min(nanoseconds, Self.longestRestNanoseconds)
        let isForgiven = now > time &+ Self.longestRestNanoseconds
        let sum = (isForgiven ? 0 : debt) + wait
        if sum < Self.debtLimitNanoseconds {
            store(time: now, debt: sum)
        } else {
            let rest = min(Self.restFactor * sum, Self.longestRestNanoseconds)
            store(time: now &+ rest, debt: 0)
        }
    }

    /// Takes note of a loop that was shorter for having been shared.
    ///
    /// - Parameter nanoseconds: How much shorter.
    func noteGain(nanoseconds: UInt64) {
        let state = word.loadRelaxed()
        let (time, debt) = Self.fields(of: state)
        guard debt > 0 else { return }
        if debt <= nanoseconds + 1_000 {
            forget(state)
        } else {
            store(time: time, debt: debt - nanoseconds)
        }
    }

    private static func fields(of state: UInt64) -> (time: UInt64, debt: UInt64) {
        ((state >> debtBitCount) * 1_000, (state & (1 << debtBitCount - 1)) * 1_000)
    }

    private func store(time: UInt64, debt: UInt64) {
        word.storeRelaxed((time / 1_000) << Self.debtBitCount | debt / 1_000)
    }
}
