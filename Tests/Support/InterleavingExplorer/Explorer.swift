internal import CTernCPU
internal import Glibc

// Runs a scenario again and again, each time with another sequence of decisions, until all sequences
// within the bounds have been tried (depth first, without memory of states: Musuvathi and Qadeer
// 2007 for the bound on preemptions). What is decided: who goes on where a thread stops, whether a
// thread is interrupted before an operation, which value a load reads, whom a wake-up meets.
//
// The threads are threads, of which one has the turn. They share one processor, so that handing the
// turn on is a switch and not a wake-up from another processor.

/// What is tried.
package struct Bounds: Sendable {
    /// How often a thread that could go on is interrupted in a run.
    package var preemptionCount: Int
    /// How often a load reads a value that is not the newest in a run.
    package var oldReadCount: Int
    /// How many operations a run may have.
    package var stepCount = 1_000
    /// How many runs are made at most.
    package var runCount = 2_000_000

    package init(preemptionCount: Int, oldReadCount: Int) {
        self.preemptionCount = preemptionCount
        self.oldReadCount = oldReadCount
    }
}

/// A few threads, and how to judge what they did.
package struct Scenario {
    package var threads: [() -> Void]
    /// What is wrong at the end, if anything.
    package var verdict: () -> String?

    package init(threads: [() -> Void], verdict: @escaping () -> String?) {
        self.threads = threads
        self.verdict = verdict
    }
}

/// What an exploration found.
package struct Finding: Sendable {
    package var runCount = 0
    /// Whether everything within the bounds was tried.
    package var isComplete = false
    /// What went wrong in the last run, and the steps of that run.
    package var failure: String?
    package var trace: [Step] = []
}

/// The decisions of one run, and which run comes next.
final class Decisions {
    private var choices: [(taken: Int, count: Int)] = []
    private var position = 0

    /// Decides between `count` possibilities.
    func choose(among count: Int) -> Int {
        precondition(count > 0)
        if count == 1 { return 0 }
        defer { position += 1 }
        if position < choices.count {
            precondition(choices[position].count == count, "a scenario is not the same each time")
            return choices[position].taken
        }
        choices.append((0, count))
        return 0
    }

    /// Prepares the next run; false if there is none.
    func advance() -> Bool {
        position = 0
        while let last = choices.last {
            if last.taken + 1 < last.count {
                choices[choices.count - 1].taken += 1
                return true
            }
            choices.removeLast()
        }
        return false
    }
}

/// What a thread waits for.
@safe final class Turn: @unchecked Sendable {
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { unsafe sem_init(semaphore, 0, 0) }

    deinit {
        unsafe sem_destroy(semaphore)
        unsafe semaphore.deallocate()
    }

    func give() { unsafe sem_post(semaphore) }

    func take() { while unsafe sem_wait(semaphore) != 0 {} }
}

/// A thread that runs one part of a scenario each time it gets the turn.
private final class Runner: @unchecked Sendable {
    let turn = Turn()
    var world: World?
    /// What to do in the next run; nil ends the thread.
    var body: (() -> Void)?

    func start() {
        var thread = pthread_t()
        let failure = unsafe pthread_create(
            &thread,
            nil,
            { argument in
                let runner = unsafe Unmanaged<Runner>.fromOpaque(argument!).takeRetainedValue()
                _ = tern_pin_to_nth_processor(0)
                while true {
                    runner.turn.take()
                    guard let body = runner.body else { return nil }
                    body()
                    runner.world?.finishThread()
                }
            },
            Unmanaged.passRetained(self).toOpaque()
        )
        precondition(failure == 0, "a thread could not be started")
        pthread_detach(thread)
    }
}

/// Tries what is within the bounds, until something fails.
///
/// A run that fails leaves its threads waiting for ever; tests that expect a failure end soon.
///
/// - Parameters:
///   - bounds: What is tried.
///   - weakenings: Orderings that are not honoured.
///   - setUp: Makes the scenario in a new world; must do the same each time.
/// - Returns: What was found.
package func explore(
    _ bounds: Bounds,
    weakenings: Set<Weakening> = [],
    _ setUp: (World) -> Scenario
) -> Finding {
    var finding = Finding()
    let decisions = Decisions()
    let end = Turn()
    var runners: [Runner] = []
    while finding.runCount < bounds.runCount {
        let world = World(bounds: bounds, weakenings: weakenings, decisions: decisions, end: end)
        let scenario = setUp(world)
        while runners.count < scenario.threads.count {
            runners.append(Runner())
            runners[runners.count - 1].start()
        }
        for (runner, body) in zip(runners, scenario.threads) {
            runner.world = world
            runner.body = body
        }
        world.run(runners.map(\.turn))
        finding.runCount += 1
        if let failure = world.failure ?? scenario.verdict() {
            finding.failure = failure
            finding.trace = world.trace
            return finding
        }
        if !decisions.advance() {
            finding.isComplete = true
            break
        }
    }
    for runner in runners {
        runner.body = nil
        runner.world = nil
        runner.turn.give()
    }
    return finding
}
