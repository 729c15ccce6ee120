internal import CTernCPU

/// Everything the threads of a pool share, in memory of its own.
///
/// Not a class: workers, guests and the pool reach it through a plain pointer, so that no step on a
/// hot path retains or releases anything. It is freed by whoever lets go of it last: each worker
/// holds it until its thread ends, and the ``ThreadPool`` until it is released.
@safe struct PoolStorage: ~Copyable {
    let sleep = SleepState<PoolWord>()
    let injector: Injector<PoolWord>
    private let injectorFill = InlineArray<14, UInt64>(repeating: 0)
    /// Bit k is set while guest k is taken by a thread.
    let guests = PaddedWord<PoolWord>(0)
    /// How many workers run jobs.
    let busyWorkers = PaddedWord<PoolWord>(0)
    let stalls = StallWatch<PoolWord>()
    /// How often short loops have woken a worker in vain; see `wakesForManyLoops`.
    let vainWakes = PaddedWord<PoolWord>(0)
    /// How many hold the storage.
    let holders: PaddedWord<PoolWord>

    let workerCount: Int
    let guestCount: Int
    let spinNanoseconds: UInt64
    let lookoutNanoseconds: UInt64
    /// Below this a loop stays on its thread.
    let trialThresholdNanoseconds: Int
    /// Below this a fork stays on its thread.
    let sharingThresholdNanoseconds: Int
    /// From this on a sleeping worker is woken for a loop or fork.
    let wakingThresholdNanoseconds: Int
    let participants: ParticipantPointer
    let frames: UnsafeMutablePointer<LoopFrame<PoolWord>>
    let slices: UnsafeMutablePointer<PaddedWord<PoolWord>>
    /// What is known of short loops; `LoopKey.placeCount` of them.
    let histories: UnsafeMutablePointer<PoolWord>
    let threadName: String
    let pinsWorkers: Bool
}

/// A pointer to the shared parts of a pool, with the operations on it.
@safe struct PoolCore: @unchecked Sendable {
    /// Lines are padded to this many bytes, and memory with padded words starts on a multiple.
    static var lineByteCount: Int { 128 }

    @unsafe let storage: UnsafeMutablePointer<PoolStorage>

    /// Allocates everything a pool will ever use.
    init(_ configuration: ThreadPoolConfiguration) {
        let workerCount = configuration.workerCount
        let workerLimit = SleepState<PoolWord>.workerLimit
        precondition(
            workerCount >= 0 && workerCount <= workerLimit,
            "a pool has 0 to \(workerLimit) workers, not \(workerCount)"
        )
        let guestCount = configuration.guestCount
        precondition(
            guestCount >= 0 && guestCount <= 64,
            "a pool has room for 0 to 64 guests, not \(guestCount)"
        )
        let spin = configuration.spinMicroseconds
        precondition(
            spin >= 0 && spin <= 3_600_000_000,
            "workers spin for 0 µs to one hour, not \(spin) µs"
        )
        let lookout = configuration.lookoutMicroseconds
        precondition(
            lookout >= spin && lookout <= 3_600_000_000,
            "the last worker spins for \(spin) µs to one hour, not \(lookout) µs"
        )

        // A pool without workers shares nothing, whatever it costs.
        let costs = configuration.costs ?? (workerCount > 0 ? .ofThisMachine : .usual)

        let participantCount = workerCount + guestCount
        let frameCount = participantCount * Participant.frameCount
        // A loop has at most one slice for each worker, and one for a guest that owns it.
        let slicesPerFrame = workerCount + 1
        // SAFETY: each block is initialised below before anyone sees it, and freed in `release`.
        unsafe storage = Self.allocateLines(1)
        let core = unsafe PoolCore(storage: storage)
        let participants: ParticipantPointer = unsafe Self.allocateLines(participantCount)
        let frames: UnsafeMutablePointer<LoopFrame<PoolWord>> = unsafe Self.allocateLines(
            frameCount
        )
        let slices: UnsafeMutablePointer<PaddedWord<PoolWord>> =
            unsafe Self.allocateLines(frameCount * slicesPerFrame)
        let histories: UnsafeMutablePointer<PoolWord> = unsafe Self.allocateLines(
            LoopKey.placeCount
        )
        for place in 0..<LoopKey.placeCount {
            unsafe (histories + place).initialize(to: PoolWord(0))
        }
        for slice in 0..<frameCount * slicesPerFrame {
            unsafe (slices + slice).initialize(to: PaddedWord(0))
        }
        for frame in 0..<frameCount {
            unsafe (frames + frame).initialize(
                to: LoopFrame(slices: slices + frame * slicesPerFrame)
            )
        }
        for index in 0..<participantCount {
            unsafe (participants + index).initialize(
                to: Participant(
                    core: core,
                    index: index,
                    dequeCapacity: configuration.dequeCapacity,
                    frames: frames + index * Participant.frameCount
                )
            )
        }
        unsafe storage.initialize(
            to: PoolStorage(
                injector: Injector(capacity: configuration.injectorCapacity),
                holders: PaddedWord(UInt64(workerCount) + 1),
                workerCount: workerCount,
                guestCount: guestCount,
                spinNanoseconds: UInt64(spin) * 1000,
                lookoutNanoseconds: UInt64(lookout) * 1000,
                trialThresholdNanoseconds: costs.trialThresholdNanoseconds,
                sharingThresholdNanoseconds: costs.sharingThresholdNanoseconds,
                wakingThresholdNanoseconds: costs.wakingThresholdNanoseconds,
                participants: participants,
                frames: frames,
                slices: slices,
                histories: histories,
                threadName: configuration.threadName,
                pinsWorkers: configuration.pinsWorkers
            )
        )
    }

    @unsafe private init(storage: UnsafeMutablePointer<PoolStorage>) {
        unsafe self.storage = storage
    }

    private static func allocateLines<Value: ~Copyable>(
        _ count: Int
    ) -> UnsafeMutablePointer<Value> {
        precondition(
            MemoryLayout<Value>.stride * count % lineByteCount == 0 || count == 1,
            "\(Value.self) does not end on a line"
        )
        return unsafe UnsafeMutableRawPointer.allocate(
            byteCount: max(MemoryLayout<Value>.stride * count, 1),
            alignment: lineByteCount
        ).bindMemory(to: Value.self, capacity: count)
    }

    /// Lets go of the storage; the last holder frees it.
    func release() {
        // Sequential, needed as release for the holders before and acquire for the last.
        let before = unsafe storage.pointee.holders.word.fetchSubtract(1)
        guard before == 1 else { return }
        let participantCount = unsafe storage.pointee.workerCount + storage.pointee.guestCount
        let frameCount = participantCount * Participant.frameCount
        let sliceCount = frameCount * (unsafe storage.pointee.workerCount + 1)
        unsafe storage.pointee.participants.deinitialize(count: participantCount)
        unsafe storage.pointee.participants.deallocate()
        unsafe storage.pointee.frames.deinitialize(count: frameCount)
        unsafe storage.pointee.frames.deallocate()
        unsafe storage.pointee.slices.deinitialize(count: sliceCount)
        unsafe storage.pointee.slices.deallocate()
        unsafe storage.pointee.histories.deinitialize(count: LoopKey.placeCount)
        unsafe storage.pointee.histories.deallocate()
        unsafe storage.deinitialize(count: 1)
        unsafe storage.deallocate()
    }

    /// Below this a loop stays on its thread.
    @inline(__always)
    var trialThresholdNanoseconds: Int { unsafe storage.pointee.trialThresholdNanoseconds }

    /// Below this a fork stays on its thread: sharing costs a good part of it.
    @inline(__always)
    var sharingThresholdNanoseconds: Int { unsafe storage.pointee.sharingThresholdNanoseconds }

    /// From this on it is worth waking a sleeping worker, although it comes late.
    @inline(__always)
    var wakingThresholdNanoseconds: Int { unsafe storage.pointee.wakingThresholdNanoseconds }

    /// Whether every worker runs a job: one request on each, nobody to help another.
    @inline(__always)
    var isFullyBusy: Bool {
        unsafe storage.pointee.busyWorkers.word.loadRelaxed() >= UInt64(workerCount)
    }

    /// Whether every worker sleeps, so that nobody would notice a short loop.
    @inline(__always)
    var isAsleep: Bool { unsafe storage.pointee.sleep.parkedCount == workerCount }

    /// How many workers the pool has.
    @inline(__always)
    var workerCount: Int { unsafe storage.pointee.workerCount }

    // MARK: Who is calling

    /// The calling thread's place in this pool, or nil if it is a stranger right now.
    @inline(__always)
    func currentParticipant() -> ParticipantPointer? {
        guard let raw = unsafe tern_thread_participant() else { return nil }
        // SAFETY: only `becomeGuest` and the worker's start set the pointer, to a participant that
        // lives until the pointer is set back.
        let participant = unsafe raw.assumingMemoryBound(to: Participant.self)
        return unsafe participant.pointee.core.storage == storage ? participant : nil
    }

    /// Takes a guest's place for the calling thread, if one is free.
    func becomeGuest() -> ParticipantPointer? {
        while true {
            let taken = unsafe storage.pointee.guests.word.loadRelaxed()
            let guest = (~taken).trailingZeroBitCount
            guard guest < (unsafe storage.pointee.guestCount) else { return nil }
            // Sequential, needed as acquire: pairs with the guest before in `endGuest`, whose deque
            // and frames this thread goes on with.
            let desired = taken | 1 << UInt64(guest)
            if unsafe storage.pointee.guests.word.compareExchange(
                expected: taken,
                desired: desired
            ) {
                let index = workerCount + guest
                // SAFETY: index is below workerCount + guestCount.
                return unsafe storage.pointee.participants + index
            }
        }
    }

    /// Gives back a place taken with ``becomeGuest()``.
    func endGuest(_ participant: ParticipantPointer) {
        let guest = unsafe participant.pointee.index - workerCount
        // Sequential, needed as release: pairs with `becomeGuest`.
        _ = unsafe storage.pointee.guests.word.fetchAnd(~(1 << UInt64(guest)))
    }

    /// Calls `body` with the calling thread's place, as a guest if it has none yet.
    ///
    /// - Parameter body: What to do with it.
    /// - Returns: False if there was no place and `body` was not called.
    @inline(__always)
    func withParticipant(_ body: (ParticipantPointer) -> Void) -> Bool {
        if let participant = unsafe currentParticipant() {
            unsafe body(participant)
            return true
        }
        guard let guest = unsafe becomeGuest() else { return false }
        let outside = unsafe tern_thread_participant()
        unsafe tern_set_thread_participant(guest)
        unsafe body(guest)
        unsafe tern_set_thread_participant(outside)
        unsafe endGuest(guest)
        return true
    }
}
