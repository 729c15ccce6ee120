internal import Glibc

/// The one thread that compiles plans for callers that did not wait for them.
///
/// It has the lowest priority there is and does one job after the other, so that however many new
/// shapes come, calls lose no more to it than what is left over. The thread starts with the first job
/// and stays, asleep, as long as the process.
final class PlanLane: Sendable {
    /// The process's lane.
    static let shared = PlanLane()

    /// How many jobs may wait; what comes in addition is refused, and asked for again by the next
    /// call that needs it.
    static let waitingLimit = 64

    private struct Jobs {
        var waiting: [@Sendable () -> Void] = []
        var hasThread = false
    }

    private let jobs = Guarded(Jobs())

    /// Makes a lane without a thread.
    init() {}

    /// Lets the thread do a job; `false` if too many wait.
    func enqueue(_ job: @escaping @Sendable () -> Void) -> Bool {
        let (isTaken, isFirst) = jobs.withLock { jobs -> (Bool, Bool) in
            guard jobs.waiting.count < Self.waitingLimit else { return (false, false) }
            jobs.waiting.append(job)
            let isFirst = !jobs.hasThread
            jobs.hasThread = true
            return (true, isFirst)
        }
        if isFirst { startThread() }
        if isTaken { jobs.wakeOne() }
        return isTaken
    }

    private func startThread() {
        // The thread inherits the mask: signals of the process are for others to handle.
        var everySignal = sigset_t()
        var mask = sigset_t()
        unsafe sigfillset(&everySignal)
        unsafe pthread_sigmask(SIG_SETMASK, &everySignal, &mask)
        var thread = pthread_t()
        let status = unsafe pthread_create(
            &thread,
            nil,
            { context in
                // SAFETY: the lane was retained for this thread, which never ends.
                unsafe Unmanaged<PlanLane>.fromOpaque(context!).takeRetainedValue().work()
            },
            Unmanaged.passRetained(self).toOpaque()
        )
        unsafe pthread_sigmask(SIG_SETMASK, &mask, nil)
        precondition(status == 0, "the thread that compiles plans could not be started")
        pthread_detach(thread)
    }

    private func work() -> Never {
        // For Linux, 0 is the thread that calls, not the process.
        setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19)
        while true {
            let job = jobs.wait { $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }
            job()
        }
    }
}
