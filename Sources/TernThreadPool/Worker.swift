internal import CTernCPU
internal import Glibc

// The life of a worker's thread: jobs first, then other threads' loops and forks, then spinning, then
// sleep. The states and what must not get lost between them are described in SleepState.swift.

extension PoolCore {
    /// Starts worker `index` on a thread of its own, with all signals blocked.
    func startThread(_ index: Int) -> pthread_t {
        let participant = unsafe storage.pointee.participants + index
        var thread = pthread_t()
        let failure = unsafe pthread_create(
            &thread,
            nil,
            { argument in
                // SAFETY: the argument is the participant below, and this thread holds the storage.
                let participant = unsafe argument!.assumingMemoryBound(to: Participant.self)
                let core = unsafe participant.pointee.core
                unsafe core.runWorker(participant)
                tern_set_thread_participant(nil)
                core.release()
                return nil
            },
            participant
        )
        precondition(
            failure == 0,
            "worker \(index) of \(workerCount) could not be started: error \(failure)"
        )
        return thread
    }

    private func runWorker(_ participant: ParticipantPointer) {
        let index = unsafe participant.pointee.index
        unsafe tern_set_thread_participant(participant)
        unsafe tern_set_thread_home(storage)
        unsafe tern_name_thread("\(storage.pointee.threadName)-\(index)")
        // A refusal only costs speed.
        if unsafe storage.pointee.pinsWorkers { _ = tern_pin_to_nth_processor(Int32(index)) }

        unsafe storage.pointee.sleep.beginSearching()
        let lookoutNanoseconds = unsafe storage.pointee.lookoutNanoseconds
        var idleTime = IdleTime()
        var spin = unsafe SpinBudget(
            nanoseconds: storage.pointee.spinNanoseconds,
            lookoutNanoseconds: lookoutNanoseconds
        )
        while true {
            if let job = unsafe storage.pointee.injector.dequeue() {
                idleTime.end()
                endSearching()
                runJobs(startingWith: job)
                unsafe storage.pointee.sleep.beginSearching()
                idleTime.begin()
                spin.restart()
            } else if unsafe help(participant, root: 0, isSearching: true) {
                unsafe storage.pointee.sleep.beginSearching()
                if unsafe participant.pointee.isInTheWay { unsafe getOutOfTheWay(participant) }
                spin.restart()
            } else if unsafe storage.pointee.injector.isFinished {
                break
            } else if spin.pauseOrExpire(
                // Between two loops of one request lies work that cannot be shared.
                isAtWork: unsafe storage.pointee.busyWorkers.word.loadRelaxed() != 0,
                // Two that ask in the same instant may both park; the next job then wakes one.
                isLookout: unsafe idleTime.isUsually(atMost: lookoutNanoseconds)
                    && storage.pointee.sleep.searchingCount <= 1
            ) {
                unsafe park(participant)
                spin.restart()
            }
        }
        _ = unsafe storage.pointee.sleep.endSearching()
    }

    /// Runs a job, and those that wait by then.
    private func runJobs(startingWith first: PoolJob) {
        _ = unsafe storage.pointee.busyWorkers.word.fetchAddRelaxed(1)
        first.run()
        while let job = unsafe storage.pointee.injector.dequeue() { job.run() }
        _ = unsafe storage.pointee.busyWorkers.word.fetchAddRelaxed(.max)
    }

    /// Moves to another processor than that of the owner of a loop, on which it was found; sleeps if
    /// that has happened so often lately that the others must be taken.
    ///
    /// The kernel likes to put a thread where the one is that wakes it, and leaves it there for
    /// milliseconds although other processors are idle. Several times, because it may move the owner
    /// in the same instant.
    private func getOutOfTheWay(_ participant: ParticipantPointer) {
        let now = tern_monotonic_nanoseconds()
        if unsafe now &- participant.pointee.movedAtNanoseconds
            > StallWatch<PoolWord>.settlingNanoseconds
        {
            unsafe participant.pointee.moveCount = 0
        }
        if unsafe participant.pointee.moveCount < StallWatch<PoolWord>.moveLimit,
            tern_leave_processor(tern_current_processor()) == 0
        {
            unsafe participant.pointee.isInTheWay = false
            unsafe participant.pointee.moveCount += 1
            unsafe participant.pointee.movedAtNanoseconds = now
            return
        }
        unsafe storage.pointee.stalls.noteCollision(now: now)
        unsafe park(participant)
    }

    /// Sleeps until woken, unless one more look finds something; the worker is searching before and
    /// afterwards.
    private func park(_ participant: ParticipantPointer) {
        let index = unsafe participant.pointee.index
        let isInTheWay = unsafe participant.pointee.isInTheWay
        unsafe participant.pointee.isInTheWay = false
        unsafe storage.pointee.sleep.sleep(index, on: participant.pointee.token) {
            // A worker of a closed pool stays awake until the last job has been taken.
            unsafe storage.pointee.injector.isClosed
                || isWorkVisible(isInTheWay: isInTheWay)
        }
    }

    /// Refuses jobs from now on and wakes every worker, so that each sees it.
    func close() {
        unsafe storage.pointee.injector.close()
        while let index = unsafe storage.pointee.sleep.claimAnySleeper() {
            unsafe storage.pointee.participants[index].token.give()
        }
    }
}
