// The queue through which jobs enter from any thread: a bounded ring for many producers and many
// consumers (Vyukov 2010).
//
// `tail` counts the places given to producers, `head` those given to consumers; both only count up.
// Each slot has a sequence number that says whose turn it is. For place p in slot p & mask:
//
//     sequence == p              free: the producer that moves tail from p to p + 1 may write it
//     sequence == p + 1          full: the consumer that moves head from p to p + 1 may read it
//     sequence == p + capacity   read: free for place p + capacity
//
// The top bit of `tail` is the closed mark. Producers get a place by compare-exchange on the whole
// word, so no place can be given after the mark is set: the jobs accepted are exactly the places
// below tail, and the queue is drained when head reaches it.
//
// First in, first out: places are given in order and taken in order. A producer that is interrupted
// between getting a place and filling it holds up the places behind it; a consumer then reports
// "nothing", and the producer, when it goes on, wakes a worker like any other.

/// A bounded first-in-first-out queue of jobs.
@safe struct Injector<Word: SharedWord & ~Copyable>: ~Copyable, @unchecked Sendable {
    private struct Slot: ~Copyable {
        let sequence: Word
        var job: PoolJob?
    }

    private static var closedMark: UInt64 { 1 << 63 }

    private let tail: Word
    private let tailFill = LineFill(repeating: 0)
    private let head: Word
    private let headFill = LineFill(repeating: 0)
    private let slots: UnsafeMutablePointer<Slot>
    private let mask: UInt64

    /// Makes an empty queue; `capacity` is rounded up to a power of two that is at least 2.
    init(capacity: Int) {
        precondition(capacity > 0 && capacity <= 1 << 24, "an injector holds 1 to 2^24 jobs")
        // With one slot, "full for place p" and "free for place p + 1" would look the same.
        let slotCount = Swift.max(capacity, 2).nextPowerOfTwo
        tail = Word(0)
        head = Word(0)
        unsafe slots = .allocate(capacity: slotCount)
        for slot in 0..<slotCount {
            unsafe (slots + slot).initialize(to: Slot(sequence: Word(UInt64(slot)), job: nil))
        }
        mask = UInt64(slotCount - 1)
    }

    deinit {
        unsafe slots.deinitialize(count: Int(mask) + 1)
        unsafe slots.deallocate()
    }

    /// How many jobs fit.
    var capacity: Int { Int(mask) + 1 }

    @inline(__always)
    private func slot(_ place: UInt64) -> UnsafeMutablePointer<Slot> {
        // SAFETY: the mask keeps the index below the number of slots allocated.
        unsafe slots + Int(truncatingIfNeeded: place & mask)
    }

    /// Adds a job at the end.
    ///
    /// - Parameter job: The job.
    /// - Returns: False if the queue is full or closed.
    func enqueue(_ job: PoolJob) -> Bool {
        while true {
            let place = tail.loadRelaxed()
            if place & Self.closedMark != 0 { return false }
            let slot = unsafe slot(place)
            // Acquire: pairs with `dequeue`, whose reading of the slot's last job is over.
            let turn = unsafe slot.pointee.sequence.loadAcquire()
            let lead = Int64(bitPattern: turn &- place)
            if lead < 0 { return false }
            // lead > 0: another producer got this place; look again.
            guard lead == 0, tail.compareExchange(expected: place, desired: place &+ 1) else {
                continue
            }
            unsafe slot.pointee.job = job
            // Sequential: publishes the job to `dequeue`, and comes before the look at the sleep
            // state that follows in `submit`; pairs with `hasReadyJob` after announcing sleep.
            unsafe slot.pointee.sequence.storeSequential(place &+ 1)
            return true
        }
    }

    /// Takes the oldest job.
    ///
    /// - Returns: The job, or nil if none is ready.
    func dequeue() -> PoolJob? {
        while true {
            let place = head.loadRelaxed()
            let slot = unsafe slot(place)
            // Acquire: pairs with the store in `enqueue` that publishes the job.
            let turn = unsafe slot.pointee.sequence.loadAcquire()
            let lead = Int64(bitPattern: turn &- (place &+ 1))
            if lead < 0 { return nil }
            guard lead == 0, head.compareExchange(expected: place, desired: place &+ 1) else {
                continue
            }
            let job = unsafe slot.pointee.job
            // Release: the slot has been read; pairs with the load in `enqueue`.
            unsafe slot.pointee.sequence.storeRelease(place &+ mask &+ 1)
            return job
        }
    }

    /// Whether the oldest place is filled.
    ///
    /// Sequentially consistent with `enqueue`: after a worker has announced that it will sleep,
    /// either it sees the job here or the producer sees the announcement.
    func hasReadyJob() -> Bool {
        while true {
            let place = head.loadSequential()
            let lead = unsafe Int64(
                bitPattern: slot(place).pointee.sequence.loadSequential() &- (place &+ 1)
            )
            if lead == 0 { return true }
            if lead < 0 { return false }
        }
    }

    /// Whether jobs seem to wait; two plain loads, may be outdated at once.
    @inline(__always)
    var seemsWaiting: Bool {
        tail.loadRelaxed() & ~Self.closedMark != head.loadRelaxed()
    }

    /// Refuses every job from now on; those accepted stay.
    func close() {
        // Sequential: comes before the look at the sleep state in `shutdown`; pairs with `isClosed`
        // after announcing sleep.
        _ = tail.fetchOr(Self.closedMark)
    }

    /// Whether the queue refuses jobs.
    @inline(__always)
    var isClosed: Bool { tail.loadSequential() & Self.closedMark != 0 }

    /// Whether the queue is closed and every job accepted has been taken.
    var isFinished: Bool {
        let end = tail.loadSequential()
        return end & Self.closedMark != 0 && end & ~Self.closedMark == head.loadSequential()
    }
}
