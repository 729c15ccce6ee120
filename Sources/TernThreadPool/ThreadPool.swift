internal import CTernCPU
internal import Glibc

// How the pool works, from above. Each part's own file has the argument why it is right.
//
// ## Threads
//
// A participant is a thread with a place in the pool: a worker for its life, or a guest, a thread
// from outside, for the length of its outermost loop or fork. The caller always takes part:
// it does everything itself that nobody else has taken, so no caller ever needs a helper to come.
//
//     worker   searching ─► working   took a job, entered a loop, took a fork
//              working ──► searching  nothing left
//              searching ─► parked    found nothing for the spin time (50 µs; 100 µs while some
//                                     worker runs a job; the lookout's time for the last one)
//              parked ───► searching  claimed by a waker, or found something in its last look
//     guest    stranger ─► working ─► waiting ─► stranger
//     waiting  for helpers that are inside: helps its own root's work, spins, then parks
//
// A searching worker looks at, in this order: the injector, the others' loops, the others' deques.
// A waiting thread takes only work of its own root, the
// computation it waits in, and never a job: a short wait must not become a long foreign one.
//
// ## What is published, and with which orderings
//
//     job      Injector.swift      a slot's sequence number, stored sequentially; then the producer
//                                  reads the sleep state, sequentially
//     loop     LoopFrame.swift     latch opened by release, then the participant's published word by
//                                  release; helpers enter by sequential compare-exchange, claim
//                                  blocks relaxed, and leave by sequential subtraction
//     fork     ChaseLevDeque.swift bottom stored by release; pop and steal meet in sequential
//                                  operations on top and bottom
//     sleep    SleepState.swift    one word, changed by sequential read-modify-writes only
//     end      Latch.swift         owner and helpers: release by leaving, acquire by the owner's look
//
// Two kinds of pairs need more than release and acquire, because each side stores one word and then
// loads the other's (a store buffer would let both miss each other): the owner's pop against a
// steal, and a producer's job against a worker's announcement that it will sleep. In both, all four
// accesses are sequentially consistent. For loops and forks a missed wake-up costs time only,
// since their owner does the work itself; so those are published without.
//
// ## When work is shared
//
//  - not if it is so short that help cannot pay (HandOffCosts.swift), or was seen not to
//    (LoopHistory.swift)
//  - not when every worker runs a job: several requests at once each run narrow
//  - not, if short, when helpers were lately put off their processors and lost more time by it than
//    they gained (StallWatch.swift)
//  - a sleeping worker is woken only for long work, or for much short work, and only if nobody is
//    searching; one at a time: the woken one wakes the next when it has found work and there is more
//  - a helper leaves a loop at its next block when a job waits, and, if the loop is short, at once
//    when it finds itself on the owner's own processor, for another one
//
// ## How it is tested
//
// Deque, injector, latch, sleep state and loop frame are generic over their atomic word
// (SharedWord.swift). The tests run the same code on a word that explores interleavings and late
// stores, and see that it finds a protocol that was weakened; beside it stress, and the thread
// sanitizer.

/// Threads that run jobs, and that help whoever runs a parallel loop or a fork.
///
/// Three ways in:
/// - ``submit(_:)`` hands a job to the workers, first in first out;
/// - ``parallelFor(count:grain:predictedSerialNanoseconds:_:)`` splits a range into slices, the same
///   for each thread from loop to loop; the caller works too and returns when the whole range is done;
/// - ``join(predictedSerialNanoseconds:_:_:)`` runs two closures, perhaps at the same time.
///
/// All may be called from workers, from any other thread, from several at once, and from
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
