import Glibc
import Synchronization
import Testing

@testable import TernThreadPool

private func fibonacci(_ pool: ThreadPool, _ number: Int) -> Int {
    if number < 2 { return number }
    var first = 0
    var second = 0
    pool.join({ first = fibonacci(pool, number - 1) }, { second = fibonacci(pool, number - 2) })
    return first + second
}

@Suite struct JoinTests {
    @Test(arguments: 0...3)
    func `a tree of forks adds up`(_ workerCount: Int) {
        let pool = ThreadPool(workerCount: workerCount)
        #expect(fibonacci(pool, 18) == 2584)
        pool.shutdown()
    }

    @Test func `a full deque makes forks run where they are`() {
        let pool = ThreadPool(.init(workerCount: 2, dequeCapacity: 1))
        #expect(fibonacci(pool, 16) == 987)
        pool.shutdown()
    }

    @Test func `every leaf of an uneven tree is visited exactly once`() {
        let pool = ThreadPool(.init(workerCount: 3, dequeCapacity: 4))
        let tally = Tally(5_000)
        @Sendable func visit(_ range: Range<Int>) {
            guard range.count > 1 else {
                for item in range { tally.see(item) }
                return
            }
            let middle = range.lowerBound + max(1, range.count / 5)
            pool.join(
                { visit(range.lowerBound..<middle) },
                { visit(middle..<range.upperBound) }
            )
        }
        visit(0..<tally.count)
        #expect(tally.wrong.isEmpty)
        pool.shutdown()
    }

    @Test func `forks and loops mix`() {
        let pool = ThreadPool(workerCount: 2)
        let sum = Counter()
        pool.parallelFor(count: 20) { _ in
            pool.join(
                { pool.parallelFor(count: 30, grain: 4) { sum.add($0.count) } },
                { pool.join({ sum.add(100) }, { sum.add(1000) }) }
            )
        }
        #expect(sum.value == 20 * 1130)
        pool.shutdown()
    }

    @Test func `a fork is taken by a worker while the first half runs`() {
        let pool = ThreadPool(.init(workerCount: 1, spinMicroseconds: 0))
        let taken = Counter()
        pool.join(
            { #expect(taken.reaches(1)) },
            {
                #expect(pool.currentWorkerIndex == 0)
                taken.add()
            }
        )
        #expect(taken.value == 1)
        pool.shutdown()
    }

    @Test func `a forker sleeps until a slow thief is done`() {
        let pool = ThreadPool(.init(workerCount: 1, spinMicroseconds: 10))
        let started = Counter()
        var result = 0
        pool.join(
            { #expect(started.reaches(1)) },
            {
                started.add()
                usleep(30_000)
                result = 7
            }
        )
        #expect(result == 7)
        pool.shutdown()
    }

    @Test func `a waiting thread does not pick up somebody else's job`() {
        // The fork of a job is taken by the second worker and lasts a while. Meanwhile a job and a
        // foreign thread's forks are there to be taken; the waiting worker must leave them alone.
        let pool = ThreadPool(.init(workerCount: 2, spinMicroseconds: 200_000))
        let forkTaken = Counter()
        let waiterIsBack = Counter()
        let strangersOnWaiter = Counter()
        let waiter = Atomic(-1)
        let isAccepted = pool.submit {
            waiter.store(pool.currentWorkerIndex!, ordering: .relaxed)
            pool.join(
                { _ = forkTaken.reaches(1) },
                {
                    forkTaken.add()
                    usleep(50_000)
                }
            )
            waiterIsBack.add()
        }
        #expect(isAccepted)
        #expect(forkTaken.reaches(1))
        while waiterIsBack.value == 0 {
            pool.join(
                { usleep(100) },
                {
                    if waiterIsBack.value == 0
                        && pool.currentWorkerIndex == waiter.load(ordering: .relaxed)
                    {
                        strangersOnWaiter.add()
                    }
                }
            )
        }
        #expect(strangersOnWaiter.value == 0)
        pool.shutdown()
    }

    @Test func `foreign threads fork at once`() {
        let pool = ThreadPool(.init(workerCount: 2, guestCount: 3))
        let right = Counter()
        ForeignThread.run(5) { _ in
            for _ in 0..<5 where fibonacci(pool, 13) == 233 { right.add() }
        }
        #expect(right.value == 25)
        pool.shutdown()
    }
}
