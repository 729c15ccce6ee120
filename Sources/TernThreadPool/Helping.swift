internal import CTernCPU

// What a thread without work of its own does: look at the others for an open loop or a fork, once.
// Two kinds of threads look:
//  - a searching worker takes anything, and stops being counted as searching when it got something;
//  - a thread that waits for its own loop or fork takes only work of the same root. Roots are numbers
//    of participants: at any time a participant has begun at most one computation that is still
//    running, and everything published anywhere for it carries its number. So a waiting request
//    never picks up somebody else's long job.
//
// Jobs in the injector come before this: two requests on two workers are better than one request on
// both. A worker that helps with a loop therefore leaves it at the next block when a job waits.

extension PoolCore {
    /// Looks at all other participants and helps the first that has something.
    ///
    /// - Parameters:
    ///   - participant: The thread that looks.
    ///   - root: What it may take; 0 for anything.
    ///   - isSearching: Whether it is a worker that is counted as searching. If it got something it
    ///     is no longer counted when this returns.
    /// - Returns: Whether it helped.
    @inline(__always)
    func help(_ participant: ParticipantPointer, root: UInt64, isSearching: Bool) -> Bool {
        let count = workerCount
        let ownIndex = unsafe participant.pointee.index
        // Neighbours first, so that searching workers do not all look at the same victim.
        var index = ownIndex
        for _ in 0..<count {
            index += 1
            if index >= count { index = 0 }
            if index == ownIndex { continue }
            if unsafe help(participant, at: index, root: root, isSearching: isSearching) {
                return true
            }
        }
        // Acquire: pairs with `becomeGuest`.
        var guests = unsafe storage.pointee.guests.word.loadAcquire()
        while guests != 0 {
            let index = count + guests.trailingZeroBitCount
            guests &= guests &- 1
            if index == ownIndex { continue }
            if unsafe help(participant, at: index, root: root, isSearching: isSearching) {
                return true
            }
        }
        return false
    }

    @inline(__always)
    private func help(
        _ participant: ParticipantPointer,
        at index: Int,
        root: UInt64,
        isSearching: Bool
    ) -> Bool {
        // SAFETY: the index is that of a participant.
        let other = unsafe storage.pointee.participants + index
        // Acquire: pairs with the publishing store in `OwnedLoop.run`.
        var open = unsafe other.pointee.published.word.loadAcquire()
        // The outermost loop first: its blocks are the largest.
        while open != 0 {
            let frame = unsafe other.pointee.frames + open.trailingZeroBitCount
            open &= open &- 1
            if unsafe join(participant, frame, root: root, isSearching: isSearching) { return true }
        }
        while true {
            switch unsafe other.pointee.deque.steal(tagged: root) {
            case .nothing:
                return false
            case .contended:
                continue
            case .entry(let entry):
                if isSearching { endSearching() }
                unsafe runStolen(participant, entry)
                return true
            }
        }
    }

    /// Helps with one loop until nothing is left of it.
    private func join(
        _ participant: ParticipantPointer,
        _ frame: UnsafeMutablePointer<LoopFrame<PoolWord>>,
        root: UInt64,
        isSearching: Bool
    ) -> Bool {
        guard let seen = unsafe frame.pointee.latch.seenOpen(),
            unsafe root == 0 || frame.pointee.root == root,
            unsafe frame.pointee.latch.enter(seen: seen)
        else { return false }
        // Inside: the frame stays as it is until we leave.
        if isSearching { endSearching() }
        let ownRoot = unsafe participant.pointee.root
        unsafe participant.pointee.root = frame.pointee.root
        if isSearching, unsafe frame.pointee.shape.isOwner(on: tern_current_processor()) {
            // The owner stands still while we are here.
            unsafe participant.pointee.isInTheWay = true
        } else if unsafe work(participant, frame, leavesForJobs: isSearching).isDone {
            _ = unsafe frame.pointee.latch.close()
        }
        unsafe participant.pointee.root = ownRoot
        unsafe frame.pointee.latch.leave()
        return true
    }

    /// Which slice a thread begins with: that of its index; guests share the last.
    @inline(__always)
    func homeSlice(of participant: ParticipantPointer, among sliceCount: Int) -> Int {
        min(unsafe participant.pointee.index, workerCount) % sliceCount
    }

    /// Runs blocks of a loop: the own slice from the front, then the others' from the back.
    ///
    /// - Parameters:
    ///   - participant: The thread that works; inside the latch, or the owner.
    ///   - frame: The loop.
    ///   - leavesForJobs: Whether to stop when a job waits in the injector.
    /// - Returns: Whether no block is left unclaimed, and how many the thread has run.
    @inline(__always)
    func work(
        _ participant: ParticipantPointer,
        _ frame: UnsafeMutablePointer<LoopFrame<PoolWord>>,
        leavesForJobs: Bool
    ) -> (isDone: Bool, blockCount: Int) {
        let sliceCount = unsafe frame.pointee.shape.sliceCount
        let home = unsafe homeSlice(of: participant, among: sliceCount)
        var blockCount = 0
        while true {
            if leavesForJobs, unsafe storage.pointee.injector.seemsWaiting {
                return (false, blockCount)
            }
            if unsafe !frame.pointee.runFromHead(of: home) { break }
            blockCount &+= 1
        }
        var slice = home
        for _ in 1..<max(sliceCount, 1) {
            slice += 1
            if slice >= sliceCount { slice = 0 }
            while true {
                if leavesForJobs, unsafe storage.pointee.injector.seemsWaiting {
                    return (false, blockCount)
                }
                if unsafe !frame.pointee.runFromTail(of: slice) { break }
                blockCount &+= 1
            }
        }
        return (true, blockCount)
    }

    /// Spins, helping with the same root's work, until `latch` is done; then sleeps if it takes
    /// longer than the spin time.
    ///
    /// Sleeping also leaves the processor to a helper that was put off its own: the kernel moves it
    /// here.
    ///
    /// - Returns: How long this took in nanoseconds, if it had to sleep; otherwise 0.
    @discardableResult
    func wait(_ participant: ParticipantPointer, for latch: borrowing Latch<PoolWord>) -> UInt64 {
        let root = unsafe participant.pointee.root
        var spin = SpinBudget(nanoseconds: unsafe storage.pointee.spinNanoseconds)
        while !latch.isDone {
            if unsafe help(participant, root: root, isSearching: false) {
                spin.restart()
            } else if spin.pauseOrExpire() {
                latch.sleepUntilDone()
                return tern_monotonic_nanoseconds() &- spin.start
            }
        }
        return 0
    }

    // MARK: Waking

    /// From searching to working; wakes the next worker if this was the last that searched and more
    /// is to do.
    @inline(__always)
    func endSearching() {
        if unsafe storage.pointee.sleep.endSearching() && isWorkVisible() { wakeOne() }
    }

    /// Wakes one sleeping worker if no worker is searching.
    @inline(never)
    func wakeOne() {
        guard let index = unsafe storage.pointee.sleep.claimSleeper() else { return }
        unsafe storage.pointee.participants[index].token.give()
    }

    /// Whether there is something that a worker should be awake for.
    ///
    /// - Parameter isInTheWay: Whether the worker that looks leaves a processor to the owner of a
    ///   loop: then only jobs count.
    /// - Returns: Whether there is.
    @inline(never)
    func isWorkVisible(isInTheWay: Bool = false) -> Bool {
        if unsafe storage.pointee.injector.hasReadyJob() { return true }
        if isInTheWay { return false }
        let count = unsafe workerCount + storage.pointee.guestCount
        for index in 0..<count {
            let other = unsafe storage.pointee.participants + index
            if unsafe !other.pointee.deque.seemsEmpty { return true }
            // Acquire: pairs with the publishing store in `OwnedLoop.run`.
            var open = unsafe other.pointee.published.word.loadAcquire()
            while open != 0 {
                let frame = unsafe other.pointee.frames + open.trailingZeroBitCount
                open &= open &- 1
                if unsafe frame.pointee.latch.seenOpen() != nil && frame.pointee.mayWake {
                    return true
                }
            }
        }
        return false
    }
}
