import Glibc
import Synchronization
import Testing

@testable import TernThreadPool

/// How long the stress runs; longer by
/// `TERN_POOL_STRESS_SECONDS=600 swift test -c release --filter PoolStress`.
private let stressSeconds: Int =
    unsafe getenv("TERN_POOL_STRESS_SECONDS").flatMap { Int(unsafe String(cString: $0)) } ?? 2

/// Everything at once, from more threads than there are processors, on queues so small that every
/// "full" is met; each item carries a tag and must be seen exactly once.
@Suite struct PoolStress {
    @Test(arguments: [
        ThreadPoolConfiguration(
            workerCount: 2,
            spinMicroseconds: 20,
            injectorCapacity: 4,
            dequeCapacity: 2,
            guestCount: 3
        ),
        ThreadPoolConfiguration(
            workerCount: 5,
            spinMicroseconds: 0,
            injectorCapacity: 64,
            dequeCapacity: 16
        ),
    ])
    func `every item is seen exactly once under load`(_ configuration: ThreadPoolConfiguration) {
        let deadline = ContinuousClock.now + .milliseconds(stressSeconds * 500)
        var pools = 0
        while ContinuousClock.now < deadline {
            let pool = ThreadPool(configuration)
            pools += 1
            let seed = UInt64(pools * 6)
            let poolDeadline = min(deadline, ContinuousClock.now + .milliseconds(500))
            let wrong = Counter()
            let rounds = Counter()
            ForeignThread.run(6) { thread in
                var random = SeededGenerator(seed: seed + UInt64(thread))
                while ContinuousClock.now < poolDeadline {
                    if !stressRound(pool, &random) { wrong.add() }
                    rounds.add()
                }
            }
            pool.shutdown()
            #expect(wrong.value == 0, "pool \(pools)")
            #expect(rounds.value > 0)
        }
    }
}

/// One round of one thread.
///
/// - Returns: Whether every item was seen exactly once.
private func stressRound(_ pool: ThreadPool, _ random: inout SeededGenerator) -> Bool {
    // A pause, so that workers are met spinning, falling asleep, sleeping and waking up.
    switch Int.random(in: 0..<8, using: &random) {
    case 0: usleep(UInt32.random(in: 0...300, using: &random))
    case 1: sched_yield()
    case 2: pool.prewake()
    default: break
    }
    let count = Int.random(in: 0...300, using: &random)
    let grain = Int.random(in: 1...20, using: &random)
    let tally = Tally(count)
    switch Int.random(in: 0..<6, using: &random) {
    case 0:
        pool.parallelFor(count: count, grain: grain) { for item in $0 { tally.see(item) } }
    case 1:
        splitAndSee(pool, 0..<count, tally)
    case 2:
        // A loop whose parts fork.
        pool.parallelFor(count: count, grain: 40, predictedSerialNanoseconds: 1_000_000) {
            splitAndSee(pool, $0, tally)
        }
    case 3:
        // Forks whose halves loop.
        let middle = count / 2
        pool.join(
            { pool.parallelFor(count: middle, grain: grain) { $0.forEach(tally.see) } },
            {
                pool.parallelFor(count: count - middle, grain: grain) {
                    for item in $0 { tally.see(middle + item) }
                }
            }
        )
    case 4:
        // Parts that are uneven, some of them loops.
        pool.parallelFor(count: count, grain: grain) { part in
            guard part.lowerBound % 3 == 0 else { return part.forEach(tally.see) }
            pool.parallelFor(count: part.count, grain: 2) {
                for item in $0 { tally.see(part.lowerBound + item) }
            }
        }
    default:
        // Jobs, each with a loop; refused ones run here.
        let done = Counter()
        for lower in stride(from: 0, to: count, by: 50) {
            let part = lower..<min(lower + 50, count)
            let see: @Sendable () -> Void = {
                pool.parallelFor(count: part.count, grain: grain) {
                    for item in $0 { tally.see(part.lowerBound + item) }
                }
                done.add(part.count)
            }
            if !pool.submit(see) { see() }
        }
        guard done.reaches(count) else { return false }
    }
    return tally.firstNotSeen(1) == nil
}

private func splitAndSee(_ pool: ThreadPool, _ range: Range<Int>, _ tally: Tally) {
    guard range.count > 3 else {
        for item in range { tally.see(item) }
        return
    }
    let middle = range.lowerBound + range.count / 3
    pool.join(
        { splitAndSee(pool, range.lowerBound..<middle, tally) },
        { splitAndSee(pool, middle..<range.upperBound, tally) }
    )
}
