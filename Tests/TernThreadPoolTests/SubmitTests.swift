import Glibc
import Synchronization
import Testing

@testable import TernThreadPool

@Suite struct SubmitTests {
    @Test(arguments: 1...4)
    func `every job runs exactly once on a worker`(_ workerCount: Int) {
        let pool = ThreadPool(workerCount: workerCount)
        let tally = Tally(5_000)
        let done = Counter()
        let elsewhere = Counter()
        for item in 0..<tally.count {
            while !(pool.submit {
                if pool.currentWorkerIndex == nil { elsewhere.add() }
                tally.see(item)
                done.add()
            }) { sched_yield() }
        }
        #expect(done.reaches(tally.count))
        #expect(tally.wrong.isEmpty)
        #expect(elsewhere.value == 0)
        #expect(pool.currentWorkerIndex == nil)
        pool.shutdown()
    }

    @Test func `one worker runs jobs in the order they were submitted`() {
        let pool = ThreadPool(workerCount: 1)
        let order = Mutex<[Int]>([])
        for item in 0..<500 { #expect(pool.submit { order.withLock { $0.append(item) } }) }
        pool.shutdown()
        #expect(order.withLock { $0 } == Array(0..<500))
    }

    @Test func `a full injector refuses, and takes jobs again later`() {
        let pool = ThreadPool(.init(workerCount: 2, injectorCapacity: 8))
        let gate = Gate()
        #expect(pool.occupyAllWorkers(until: gate))
        let ran = Counter()
        for _ in 0..<8 { #expect(pool.submit { ran.add() }) }
        #expect(!(pool.submit { ran.add(1000) }))
        gate.open()
        #expect(ran.reaches(8))
        #expect(pool.submit { ran.add() })
        #expect(ran.reaches(9))
        pool.shutdown()
        #expect(ran.value == 9)
    }

    @Test func `jobs may submit jobs`() {
        let pool = ThreadPool(workerCount: 2)
        let ran = Counter()
        @Sendable func fork(_ depth: Int) {
            ran.add()
            guard depth > 0 else { return }
            for _ in 0..<2 { while !(pool.submit { fork(depth - 1) }) { sched_yield() } }
        }
        #expect(pool.submit { fork(8) })
        #expect(ran.reaches(511))
        pool.shutdown()
        #expect(ran.value == 511)
    }

    @Test func `foreign threads submit at once`() {
        let pool = ThreadPool(.init(workerCount: 2, injectorCapacity: 16))
        let tally = Tally(4 * 2_000)
        ForeignThread.run(4) { thread in
            for item in 0..<2_000 {
                while !(pool.submit { tally.see(thread * 2_000 + item) }) { sched_yield() }
            }
        }
        pool.shutdown()
        #expect(tally.wrong.isEmpty)
    }

    @Test func `without workers a job runs before submit returns`() {
        let pool = ThreadPool(workerCount: 0)
        let ran = Counter()
        #expect(pool.submit { ran.add() })
        #expect(ran.value == 1)
        pool.shutdown()
        #expect(!(pool.submit { ran.add() }))
        #expect(ran.value == 1)
    }
}
