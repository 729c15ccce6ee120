internal import CTernCPU
internal import Glibc

/// Threads that run jobs, and that help whoever runs a parallel loop or a fork.
///
/// Three ways in:
/// - ``submit(_:)`` hands a job to the workers, first in first out;
/// - ``parallelFor(count:grain:predictedSerialNanoseconds:_:)`` splits a range; the caller works too
///   and returns when the whole range is done;
/// - ``join(predictedSerialNanoseconds:_:_:)`` runs two closures, perhaps at the same time.
///
/// All three may be called from workers, from any other thread, from several at once, and from
/// inside each other. None allocates. A thread that waits for its own loop or fork helps only with
/// parts of the same job, so that a short wait never becomes a long foreign job.
///
/// Workers without work spin for a bounded time, then sleep in the kernel; see `SleepState.swift`.
/// The floating-point environment (rounding, denormals) is the processor's default in every worker;
/// a caller that changes its own gets thread-dependent results.
package final class ThreadPool: Sendable {
    /// The shared parts; freed when the pool and all its threads are gone.
    let core: PoolCore

    private let threads: [pthread_t]
    /// Whoever gets to end the threads opens the gate for those that wait for it.
    private let ending = OnceGate<PoolWord>()

    /// Starts the threads.
    ///
    /// Everything the pool will ever use is allocated here. Workers start with all signals blocked,
    /// so that the process's handlers run on its own threads.
    package init(_ configuration: ThreadPoolConfiguration = .init()) {
        let core = PoolCore(configuration)
        self.core = core
        var all = sigset_t()
        var before = sigset_t()
        // SAFETY: both sets are locals; the mask of this thread is put back below.
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
        threads = (0..<configuration.workerCount).map { core.startThread($0) }
        unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
    }

    /// Starts `workerCount` threads; everything else as in ``ThreadPoolConfiguration``.
    package convenience init(workerCount: Int) {
        self.init(ThreadPoolConfiguration(workerCount: workerCount))
    }

    /// Shuts down, unless that was done; the last reference may also go away on a worker, which then
    /// ends by itself.
    deinit {
        if isOnOwnWorker {
            core.close()
            if ending.begin() { for thread in threads { pthread_detach(thread) } }
        } else {
            shutdown()
        }
        core.release()
    }

    /// How many threads the pool started.
    package var workerCount: Int { core.workerCount }

    /// Hands `job` to the workers; jobs start in the order they were submitted.
    ///
    /// Never blocks and never allocates. Wakes one worker if none is spinning. Every job accepted
    /// runs exactly once, even if ``shutdown()`` follows. In a pool without workers the job runs
    /// before this returns.
    ///
    /// - Parameter job: What to run.
    /// - Returns: False if the injector is full or the pool is shut down; the job then never runs.
    package func submit(_ job: PoolJob) -> Bool {
        guard core.workerCount > 0 else {
            if unsafe core.storage.pointee.injector.isClosed { return false }
            job.run()
            return true
        }
        guard unsafe core.storage.pointee.injector.enqueue(job) else { return false }
        if unsafe core.storage.pointee.sleep.needsWaking { core.wakeOne() }
        return true
    }

    /// Wakes one worker if none is awake without work, for work that is about to arrive.
    ///
    /// Call it when the first bytes of a request arrive: waking takes about 30 µs, and this way it
    /// passes while the rest is read and decoded. The worker spins for its usual time and sleeps
    /// again if nothing comes.
    package func prewake() {
        if unsafe core.storage.pointee.sleep.needsWaking { core.wakeOne() }
    }

    /// Stops accepting jobs, lets the workers finish every accepted job, and joins the threads.
    ///
    /// May be called more than once and from several threads; each call returns when the threads
    /// have ended. Loops and forks still work afterwards, on their caller alone. Must not be called
    /// from one of the pool's own workers.
    package func shutdown() {
        precondition(!isOnOwnWorker, "a pool was shut down by one of its own workers")
        core.close()
        guard ending.begin() else {
            ending.wait()
            return
        }
        for thread in threads { pthread_join(thread, nil) }
        ending.open()
    }

    /// The index of the worker of this pool that the calling thread is, or nil.
    package var currentWorkerIndex: Int? {
        guard let participant = unsafe core.currentParticipant() else { return nil }
        let index = unsafe participant.pointee.index
        return index < core.workerCount ? index : nil
    }

    /// Whether the calling thread is a worker of this pool, whatever it is a guest of right now.
    private var isOnOwnWorker: Bool {
        // Not by comparing thread handles: those of threads that have ended are given out again.
        unsafe tern_thread_home() == UnsafeRawPointer(core.storage)
    }
}
