internal import CTernCPU
internal import Synchronization

/// One 64-bit word that several threads use at once.
///
/// The ordering is part of each method's name, so that a protocol written against `SharedWord` shows
/// at every step what it relies on. The deque, the latch and the sleep protocol are generic over it:
/// in the product they run on ``HardwareWord``, and tests run the same lines on a word that explores
/// interleavings and stores that others see late (`ModelWord`). Specialised, a method is one instruction.
///
/// No protocol here uses a stand-alone fence: where one is needed in the literature, the operations
/// on both sides are sequentially consistent instead. On x86-64 that costs the same (a locked
/// exchange in place of a store and a fence), and the thread sanitizer understands it.
protocol SharedWord: ~Copyable, Sendable {
    init(_ value: UInt64)

    func loadRelaxed() -> UInt64
    func loadAcquire() -> UInt64
    func loadSequential() -> UInt64

    func storeRelaxed(_ value: UInt64)
    func storeRelease(_ value: UInt64)
    func storeSequential(_ value: UInt64)

    /// Adds and returns the value before; atomic, but orders nothing else.
    func fetchAddRelaxed(_ value: UInt64) -> UInt64

    // The following are sequentially consistent and return the value before.
    func fetchAdd(_ value: UInt64) -> UInt64
    func fetchSubtract(_ value: UInt64) -> UInt64
    func fetchOr(_ value: UInt64) -> UInt64
    func fetchAnd(_ value: UInt64) -> UInt64

    /// Replaces `expected` by `desired`, sequentially consistent; a failure orders nothing.
    func compareExchange(expected: UInt64, desired: UInt64) -> Bool

    /// Replaces `expected` by `desired`; atomic, but orders nothing else.
    func compareExchangeRelaxed(expected: UInt64, desired: UInt64) -> Bool

    /// Sleeps while the low half of the word is `expected`.
    ///
    /// Returns when woken, at once when the half differs, and sometimes for no reason. The word must
    /// be at a fixed place in memory.
    func park(while expected: UInt32)

    /// Where sleepers on this word wait; valid for ``unpark(_:_:)`` even when the word is gone.
    var parkingPlace: UnsafeRawPointer { get }

    /// Wakes at most `count` threads that sleep at `place`; touches no memory there.
    static func unpark(_ place: UnsafeRawPointer, _ count: Int)
}

/// The processor's own atomic word.
struct HardwareWord: ~Copyable, SharedWord {
    private let storage: Atomic<UInt64>

    @inline(__always)
    init(_ value: UInt64) { storage = Atomic(value) }

    @inline(__always)
    func loadRelaxed() -> UInt64 { storage.load(ordering: .relaxed) }

    @inline(__always)
    func loadAcquire() -> UInt64 { storage.load(ordering: .acquiring) }

    @inline(__always)
    func loadSequential() -> UInt64 { storage.load(ordering: .sequentiallyConsistent) }

    @inline(__always)
    func storeRelaxed(_ value: UInt64) { storage.store(value, ordering: .relaxed) }

    @inline(__always)
    func storeRelease(_ value: UInt64) { storage.store(value, ordering: .releasing) }

    @inline(__always)
    func storeSequential(_ value: UInt64) {
        storage.store(value, ordering: .sequentiallyConsistent)
    }

    @inline(__always)
    func fetchAddRelaxed(_ value: UInt64) -> UInt64 {
        storage.wrappingAdd(value, ordering: .relaxed).oldValue
    }

    @inline(__always)
    func fetchAdd(_ value: UInt64) -> UInt64 {
        storage.wrappingAdd(value, ordering: .sequentiallyConsistent).oldValue
    }

    @inline(__always)
    func fetchSubtract(_ value: UInt64) -> UInt64 {
        storage.wrappingSubtract(value, ordering: .sequentiallyConsistent).oldValue
    }

    @inline(__always)
    func fetchOr(_ value: UInt64) -> UInt64 {
        storage.bitwiseOr(value, ordering: .sequentiallyConsistent).oldValue
    }

    @inline(__always)
    func fetchAnd(_ value: UInt64) -> UInt64 {
        storage.bitwiseAnd(value, ordering: .sequentiallyConsistent).oldValue
    }

    @inline(__always)
    func compareExchange(expected: UInt64, desired: UInt64) -> Bool {
        storage.compareExchange(
            expected: expected,
            desired: desired,
            successOrdering: .sequentiallyConsistent,
            failureOrdering: .relaxed
        ).exchanged
    }

    @inline(__always)
    func compareExchangeRelaxed(expected: UInt64, desired: UInt64) -> Bool {
        storage.compareExchange(expected: expected, desired: desired, ordering: .relaxed).exchanged
    }

    func park(while expected: UInt32) { unsafe tern_park(parkingPlace, expected) }

    /// The address of the low 32 bits: what the kernel compares and sleepers wait on.
    @inline(__always)
    var parkingPlace: UnsafeRawPointer {
        // SAFETY: atomics have a stable address while they are not moved, and those of the pool are
        // in memory that is allocated once or in a frame that does not end before its helpers have
        // left.
        unsafe withUnsafePointer(to: self) { pointer in
            let base = unsafe UnsafeRawPointer(pointer)
            #if _endian(big)
            return unsafe base + 4
            #else
            return unsafe base
            #endif
        }
    }

    static func unpark(_ place: UnsafeRawPointer, _ count: Int) {
        _ = unsafe tern_unpark(place, Int32(clamping: count))
    }
}

/// Fills the rest of a 128-byte line that begins with one word.
///
/// 128 and not 64: the prefetcher fetches lines in pairs, so that neighbours 64 bytes apart still
/// take each other's line away.
typealias LineFill = InlineArray<15, UInt64>

/// A word alone on its line, when the memory it is in starts on one.
struct PaddedWord<Word: SharedWord & ~Copyable>: ~Copyable, Sendable {
    let word: Word
    private let fill = LineFill(repeating: 0)

    init(_ value: UInt64) { word = Word(value) }
}
