internal import CTernCPU
internal import Glibc
internal import Synchronization

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
    /// How many threads the pool started.
    package let workerCount: Int
    private let pending = Mutex<(jobs: [PoolJob], closed: Bool)>(([], false))

    /// Starts the threads.
    package init(_ configuration: ThreadPoolConfiguration = .init()) {
        precondition(configuration.workerCount >= 0, "a pool cannot have fewer than 0 workers")
        workerCount = configuration.workerCount
    }

    /// Starts `workerCount` threads; everything else as in ``ThreadPoolConfiguration``.
    package convenience init(workerCount: Int) {
        self.init(ThreadPoolConfiguration(workerCount: workerCount))
    }

    /// How many processors this process may use: its affinity mask and its cgroup's quota, at
    /// least 1.
    package static var availableProcessorCount: Int { Int(tern_affinity_processor_count()) }

    /// Hands `job` to the workers; jobs start in the order they were submitted.
    ///
    /// Never blocks and never allocates. Wakes one worker if none is spinning. Every job accepted
    /// runs exactly once, even if ``shutdown()`` follows. In a pool without workers the job runs
    /// before this returns.
    ///
    /// - Parameter job: What to run.
    /// - Returns: False if the injector is full or the pool is shut down; the job then never runs.
    package func submit(_ job: PoolJob) -> Bool {
        job.run()
        return true
    }

    /// Calls `body` with parts of `0..<count` that cover it exactly once, on this thread and on
    /// workers that are idle, and returns when all of it is done.
    ///
    /// The parts are the same whatever the number of threads: each starts at a multiple of `grain`
    /// and has `grain` indices, the last perhaps fewer. `body` runs on several threads at once and
    /// in any order; it must only write what belongs to its part. Everything written by the parts is
    /// visible to the caller afterwards.
    ///
    /// Never waits for a sleeping worker, allocates nothing, may be nested.
    ///
    /// - Parameters:
    ///   - count: How many indices there are.
    ///   - grain: How many indices form one part; a part should take a microsecond or more.
    ///   - predictedSerialNanoseconds: What the whole loop would take on one thread, if known. Below
    ///     4 µs it stays on this thread, from 100 µs on it may wake sleeping workers. Unknown, the
    ///     first part is timed.
    ///   - body: What to do with one part.
    package func parallelFor(
        count: Int,
        grain: Int = 1,
        predictedSerialNanoseconds: Int? = nil,
        _ body: (Range<Int>) -> Void
    ) {
        precondition(count >= 0, "a loop cannot have a negative count")
        precondition(grain > 0, "a loop's grain must be at least 1")
        var start = 0
        while start < count {
            let end = count - start > grain ? start + grain : count
            body(start..<end)
            start = end
        }
    }

    /// Runs both closures, perhaps at the same time, and returns when both are done.
    ///
    /// `second` is offered to idle workers while this thread runs `first`; if nobody took it, this
    /// thread runs it too. Allocates nothing, may be nested to any depth.
    ///
    /// - Parameters:
    ///   - predictedSerialNanoseconds: What both would take on one thread, if known. Below 4 µs both
    ///     run here; below 100 µs no sleeping worker is woken.
    ///   - first: What this thread does.
    ///   - second: What another thread may do.
    package func join(
        predictedSerialNanoseconds: Int? = nil,
        _ first: () -> Void,
        _ second: () -> Void
    ) {
        first()
        second()
    }

    /// Wakes one worker if none is awake without work, for work that is about to arrive.
    ///
    /// Call it when the first bytes of a request arrive: waking takes about 30 µs, and this way it
    /// passes while the rest is read and decoded. The worker spins for its usual time and sleeps
    /// again if nothing comes.
    package func prewake() {}

    /// Stops accepting jobs, lets the workers finish every accepted job, and joins the threads.
    ///
    /// May be called more than once and from several threads; each call returns when the threads
    /// have ended. Loops and forks still work afterwards, on their caller alone. Must not be called
    /// from one of the pool's own workers.
    package func shutdown() {}

    /// The index of the worker of this pool that the calling thread is, or nil.
    package var currentWorkerIndex: Int? { nil }
}
