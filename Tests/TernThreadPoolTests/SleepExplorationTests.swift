import InterleavingExplorer
import Testing

@testable import TernThreadPool

/// The injector and the sleep protocol together, as in `PoolCore.runWorker` and `submit`, with jobs
/// that are numbers.
private final class ModelPool: @unchecked Sendable {
    private let injector = Injector<ModelWord>(capacity: 2)
    private let sleep = SleepState<ModelWord>()
    private let tokens: [Placed<Token<ModelWord>>]
    private let world: World
    private let run: (Int) -> Void

    init(_ world: World, workerCount: Int, run: @escaping (Int) -> Void) {
        self.world = world
        self.run = run
        tokens = (0..<workerCount).map { _ in Placed(Token()) }
    }

    func work(_ index: Int) {
        sleep.beginSearching()
        while true {
            if let job = injector.dequeue() {
                if sleep.endSearching() && injector.hasReadyJob() { wakeOne() }
                run(unsafe Int(bitPattern: job.context))
                sleep.beginSearching()
            } else if injector.isFinished {
                break
            } else {
                sleep.sleep(index, on: tokens[index].value) {
                    injector.isClosed || injector.hasReadyJob()
                }
                // Where a worker of the product spins.
                world.yield()
            }
        }
        _ = sleep.endSearching()
    }

    func submit(_ number: Int) -> Bool {
        let context = unsafe UnsafeMutableRawPointer(bitPattern: number)
        guard injector.enqueue(unsafe PoolJob(context: context) { _ in }) else { return false }
        prewake()
        return true
    }

    func prewake() { if sleep.needsWaking { wakeOne() } }

    private func wakeOne() {
        if let index = sleep.claimSleeper() { tokens[index].value.give() }
    }

    func close() {
        injector.close()
        while let index = sleep.claimAnySleeper() { tokens[index].value.give() }
    }
}

/// Something that one thread does and another waits for.
private final class Event {
    private let token = Token<ModelWord>()
    func happen() { token.give() }
    func wait() { token.take() }
}

/// A worker, and a thread that submits a job, waits until it has run, and closes.
///
/// A wake-up that is lost leaves both asleep.
private func submitAndWait(_ world: World) -> Scenario {
    let ran = Event()
    let payload = ModelCell()
    let seen = Seen(1)
    let pool = ModelPool(world, workerCount: 1) { _ in
        seen[0] = payload.value
        ran.happen()
    }
    return Scenario(
        threads: [
            { pool.work(0) },
            {
                payload.value = 5
                if !pool.submit(1) { world.fail("a job was refused") }
                ran.wait()
                pool.close()
            },
        ],
        verdict: { seen[0] == 5 ? nil : "a job ran before what was written for it" }
    )
}

/// Two workers, and a job that waits for the one submitted after it: both have to wake.
private func dependentJobs(_ world: World) -> Scenario {
    let second = Event()
    let first = Event()
    let pool = ModelPool(world, workerCount: 2) { number in
        if number == 1 {
            second.wait()
            first.happen()
        } else {
            second.happen()
        }
    }
    return Scenario(
        threads: [
            { pool.work(0) },
            { pool.work(1) },
            {
                if !pool.submit(1) || !pool.submit(2) { world.fail("a job was refused") }
                first.wait()
                pool.close()
            },
        ],
        verdict: { nil }
    )
}

/// One worker and two threads that submit, while one of them also shuts down.
private func closing(_ world: World) -> Scenario {
    let accepted = Seen(2)
    let ran = Seen(2)
    let pool = ModelPool(world, workerCount: 1) { ran[$0 - 1] += 1 }
    return Scenario(
        threads: [
            { pool.work(0) },
            { if pool.submit(1) { accepted[0] = 1 } },
            {
                if pool.submit(2) { accepted[1] = 1 }
                pool.close()
            },
        ],
        verdict: { accepted.all == ran.all ? nil : "accepted \(accepted.all), ran \(ran.all)" }
    )
}

/// A worker, a job, and a wake-up ahead of it.
private func prewaking(_ world: World) -> Scenario {
    let ran = Event()
    let pool = ModelPool(world, workerCount: 1) { _ in ran.happen() }
    return Scenario(
        threads: [
            { pool.work(0) },
            { pool.prewake() },
            {
                if !pool.submit(1) { world.fail("a job was refused") }
                ran.wait()
                pool.close()
            },
        ],
        verdict: { nil }
    )
}

@Suite struct SleepExplorationTests {
    @Test func `a job always finds a worker`() {
        expectSound(preemptions: 2, oldReads: 2, submitAndWait)
    }

    @Test func `two jobs find two workers`() {
        expectSound(preemptions: 1, oldReads: 1, dependentJobs)
    }

    @Test func `jobs accepted while the pool closes run, others don't`() {
        expectSound(preemptions: 1, oldReads: 1, closing)
    }

    @Test func `waking ahead of a job loses nothing`() {
        expectSound(preemptions: 1, oldReads: 1, prewaking)
    }

    @Test(arguments: [Weakening.sequentialStores, .sequentialLoads])
    func `without fences a job and its worker miss each other`(_ weakening: Weakening) {
        expectUnsound(without: weakening, preemptions: 2, oldReads: 2, submitAndWait)
    }
}
