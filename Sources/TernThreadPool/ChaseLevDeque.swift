// A deque of one owner and any number of thieves (Chase and Lev 2005; the orderings follow Lê,
// Pop, Cohen and Zappa Nardelli 2013, with sequentially consistent operations in place of fences).
//
// The owner pushes and pops at the bottom, newest first; thieves take at the top, oldest first.
// `top` and `bottom` only count up (bottom steps back for a moment inside `pop`) and never wrap in
// practice; entry k lives in slot k & mask.
//
//     empty           top == bottom
//     holds n         bottom - top == n, 0 < n <= capacity
//     pop in flight   bottom was lowered by one; if it is now below or at top, the owner and the
//                     thieves compete for the last entry by compare-exchange on `top`
//
// Who may do what: only the owner writes `bottom` and the slots; anyone may advance `top`, by
// exactly one, by compare-exchange. Whoever advanced it from k owns entry k.
//
// The ring never grows. A full deque refuses the push and the owner runs the work itself; with that
// there is no buffer to swap or to reclaim, which is where published deques had their bugs.
//
// Why an entry is taken once. The owner takes entry b without a compare-exchange only if it saw
// top < b after it had lowered bottom to b. A thief takes entry b only if it saw top == b and then
// bottom > b. All four are sequentially consistent: the owner's load of top came before top became
// b, hence its store of bottom before the thief's load of bottom, which must then see b: empty.
//
// Why a slot is not overwritten under a thief. Slot k & mask is written again only for entry
// k + capacity, after the owner saw top > k; a thief that read the old word then fails to advance
// top from k.

/// A bounded work-stealing deque of non-zero words.
///
/// The upper 16 bits of an entry are its tag, which a thief can filter by before it takes the entry.
@safe struct ChaseLevDeque<Word: SharedWord & ~Copyable>: ~Copyable, @unchecked Sendable {
    /// The outcome of one attempt to steal.
    enum Theft: Equatable {
        /// Nothing there, or nothing with the wanted tag.
        case nothing
        /// Another thread was faster; there may be more.
        case contended
        /// The thief owns this entry now.
        case entry(UInt64)
    }

    private let top: Word
    private let topFill = LineFill(repeating: 0)
    private let bottom: Word
    private let bottomFill = LineFill(repeating: 0)
    private let slots: UnsafeMutablePointer<Word>
    private let mask: UInt64

    /// Makes an empty deque; `capacity` is rounded up to a power of two.
    init(capacity: Int) {
        precondition(capacity > 0 && capacity <= 1 << 20, "a deque holds 1 to 2^20 entries")
        let slotCount = capacity.nextPowerOfTwo
        top = Word(0)
        bottom = Word(0)
        unsafe slots = .allocate(capacity: slotCount)
        for slot in 0..<slotCount { unsafe (slots + slot).initialize(to: Word(0)) }
        mask = UInt64(slotCount - 1)
    }

    deinit {
        unsafe slots.deinitialize(count: Int(mask) + 1)
        unsafe slots.deallocate()
    }

    /// How many entries fit.
    var capacity: Int { Int(mask) + 1 }

    @inline(__always)
    private func slot(_ index: UInt64) -> UnsafeMutablePointer<Word> {
        // SAFETY: the mask keeps the index below the number of slots allocated.
        unsafe slots + Int(truncatingIfNeeded: index & mask)
    }

    /// Adds an entry at the bottom; only the owner may call this.
    ///
    /// - Parameter entry: Any word but 0.
    /// - Returns: False if the deque is full; it is then as before.
    @inline(__always)
    func push(_ entry: UInt64) -> Bool {
        let newBottom = bottom.loadRelaxed()
        // Acquire: pairs with a thief's advance of top, after which the slot may be written again.
        let oldest = top.loadAcquire()
        guard newBottom &- oldest <= mask else { return false }
        unsafe slot(newBottom).pointee.storeRelaxed(entry)
        // Release: pairs with the thieves' load of bottom; they see the slot and what it points to.
        bottom.storeRelease(newBottom &+ 1)
        return true
    }

    /// Takes the newest entry; only the owner may call this.
    ///
    /// - Returns: The entry, or 0 if the deque is empty.
    @inline(__always)
    func pop() -> UInt64 {
        let newest = bottom.loadRelaxed() &- 1
        // Sequential, both: the store must be visible before top is read, or the owner and a thief
        // that has just read the old bottom both take the last entry. Pairs with `steal`.
        bottom.storeSequential(newest)
        let oldest = top.loadSequential()
        let remaining = Int64(bitPattern: newest &- oldest)
        if remaining > 0 { return unsafe slot(newest).pointee.loadRelaxed() }
        var entry: UInt64 = 0
        if remaining == 0 {
            let last = unsafe slot(newest).pointee.loadRelaxed()
            // Sequential: decides against the thieves' compare-exchange who owns the last entry.
            if top.compareExchange(expected: oldest, desired: oldest &+ 1) { entry = last }
        }
        // Release: like `push`, so that every value of bottom carries what was pushed before it.
        bottom.storeRelease(newest &+ 1)
        return entry
    }

    /// Takes the oldest entry, from any thread.
    ///
    /// - Parameter tag: The tag the entry must have; 0 takes any.
    /// - Returns: What became of the attempt.
    @inline(__always)
    func steal(tagged tag: UInt64 = 0) -> Theft {
        // Sequential, both: pairs with `pop`, see above. The load of bottom also acquires what
        // `push` released.
        let oldest = top.loadSequential()
        let end = bottom.loadSequential()
        guard Int64(bitPattern: end &- oldest) > 0 else { return .nothing }
        let entry = unsafe slot(oldest).pointee.loadRelaxed()
        if tag != 0 && entry >> 48 != tag { return .nothing }
        // Sequential: decides against `pop` and other thieves; success also means that the slot was
        // not written again since it was read.
        return top.compareExchange(expected: oldest, desired: oldest &+ 1)
            ? .entry(entry) : .contended
    }

    /// Whether there seems to be nothing to steal; may be outdated at once.
    @inline(__always)
    var seemsEmpty: Bool {
        // Sequential: used after announcing sleep (SleepState.swift); costs a plain load on x86-64.
        let oldest = top.loadSequential()
        return Int64(bitPattern: bottom.loadSequential() &- oldest) <= 0
    }
}

extension Int {
    /// The smallest power of two that is at least this positive number.
    var nextPowerOfTwo: Int {
        self <= 1 ? 1 : 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount)
    }
}
