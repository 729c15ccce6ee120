// What a thread waits on until others have finished with something that is in its hands: the
// helpers of a parallel loop, or the thief of a fork.
//
// One word:
//
//     bits 0–15    how many helpers are inside
//     bit  16      open: helpers may still enter
//     bit  17      the owner sleeps, or is about to
//     bits 32–63   the round: counts how often the latch was opened
//
//     closed, 0 inside   idle; the owner may reuse or free whatever the latch guards
//     open               the owner and any number of helpers work
//     closed, n inside   nobody enters any more; the owner waits
//
// Only the owner opens. The owner, or a helper that is inside and found nothing left, closes. A
// helper enters by compare-exchange on a word it saw open; the round in the word makes that fail if
// the latch was closed and opened again in between. So a helper may look at a latch whose guarded
// fields are being rewritten: it reads those only once it is inside, and while anyone is inside the
// owner does not touch them.
//
// The sleeping owner waits on the low half of the word. The last helper to leave wakes it if bit 17
// is set. Leaving is the helper's last touch of the latch's memory: the wake-up uses the address
// only, so the owner may already have returned from the frame the latch was in.

/// Counts helpers in and out, and lets the owner wait for the last.
struct Latch<Word: SharedWord & ~Copyable>: ~Copyable, Sendable {
    private static var insideMask: UInt64 { 0xFFFF }
    private static var openBit: UInt64 { 1 << 16 }
    private static var sleepingBit: UInt64 { 1 << 17 }
    private static var roundOne: UInt64 { 1 << 32 }

    private let word: Word

    /// Makes a closed latch with `inside` helpers that will leave without having entered.
    init(inside: Int = 0) {
        precondition(inside >= 0 && inside <= Self.insideMask)
        word = Word(UInt64(inside))
    }

    /// Lets helpers in; only the owner may call this, while the latch is idle.
    @inline(__always)
    func open() {
        let round = word.loadRelaxed() & ~(Self.roundOne - 1)
        // Release: pairs with `enter`; a helper inside sees what the owner wrote before.
        word.storeRelease((round &+ Self.roundOne) | Self.openBit)
    }

    /// Whether the latch seems open; the round it was seen in is part of the result.
    ///
    /// - Returns: The word to ``enter(seen:)`` with, or nil if the latch is closed.
    @inline(__always)
    func seenOpen() -> UInt64? {
        // Acquire: pairs with `open`, for the hints that are looked at before entering.
        let seen = word.loadAcquire()
        return seen & Self.openBit != 0 ? seen : nil
    }

    /// Enters, if the latch is as it was seen or only the number of helpers changed.
    ///
    /// - Parameter seen: What ``seenOpen()`` returned.
    /// - Returns: Whether the caller is inside; it must then ``leave()``.
    @inline(__always)
    func enter(seen: UInt64) -> Bool {
        var expected = seen
        let round = seen / Self.roundOne
        while expected & Self.openBit != 0 && expected / Self.roundOne == round {
            // Sequential, needed as acquire: pairs with `open`.
            if word.compareExchange(expected: expected, desired: expected &+ 1) { return true }
            expected = word.loadRelaxed()
        }
        return false
    }

    /// Lets nobody in any more; for the owner, and for helpers that are inside.
    ///
    /// - Returns: Whether nobody is inside. To the owner that means all is done and visible.
    @inline(__always)
    func close() -> Bool {
        // Sequential, needed as acquire: pairs with the release in `leave`.
        word.fetchAnd(~Self.openBit) & Self.insideMask == 0
    }

    /// Ends a helper's part: what it wrote is visible to the owner.
    @inline(__always)
    func leave() {
        // The place must be taken before: afterwards the memory may be gone.
        let place = unsafe word.parkingPlace
        // Sequential, needed as release: pairs with `isDone` and `close`.
        let before = word.fetchSubtract(1)
        if before & Self.sleepingBit != 0 && before & Self.insideMask == 1 {
            unsafe Word.unpark(place, 1)
        }
    }

    /// Whether the latch is closed and empty, so that the owner may go on.
    @inline(__always)
    var isDone: Bool {
        // Acquire: pairs with the release in `leave`.
        word.loadAcquire() & (Self.insideMask | Self.openBit) == 0
    }

    /// Sleeps until the latch is done; only the owner may call this, after ``close()``.
    func sleepUntilDone() {
        // Sequential: either the last helper sees the bit, or this sees its leaving.
        var seen = word.fetchOr(Self.sleepingBit) | Self.sleepingBit
        while seen & Self.insideMask != 0 {
            word.park(while: UInt32(truncatingIfNeeded: seen))
            // Acquire: pairs with the release in `leave`.
            seen = word.loadAcquire()
        }
    }
}
