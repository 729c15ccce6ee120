import Glibc
import Synchronization
import Testing

@testable import TernThreadPool

@Suite struct LifecycleTests {
    @Test(arguments: 0...4)
    func `a pool that is never used shuts down`(_ workerCount: Int) {
        let pool = ThreadPool(workerCount: workerCount)
        #expect(pool.workerCount == workerCount)
        pool.shutdown()
        pool.shutdown()
    }

    @Test(arguments: [0, 1_000_000])
    func `sleeping and spinning workers end`(_ spinMicroseconds: Int) {
        let pool = ThreadPool(.init(workerCount: 3, spinMicroseconds: spinMicroseconds))
        usleep(10_000)
        pool.shutdown()
    }

    @Test func `pools come and go quickly`() {
        for round in 0..<150 {
            let pool = ThreadPool(.init(workerCount: round % 4, spinMicroseconds: round % 50))
            if round % 2 == 0 { pool.parallelFor(count: 10) { _ in } }
            if round % 3 == 0 { pool.shutdown() }
        }
    }

    @Test func `accepted jobs run before shutdown returns, later ones are refused`() {
        let pool = ThreadPool(workerCount: 2)
        let ran = Counter()
        for _ in 0..<500 {
            #expect(
                pool.submit {
                    usleep(10)
                    ran.add()
                }
            )
        }
        pool.shutdown()
        #expect(ran.value == 500)
        #expect(!(pool.submit { ran.add() }))
        #expect(ran.value == 500)
    }

    @Test func `every job accepted while shutting down runs, every other is refused`() {
        for _ in 0..<40 {
            let pool = ThreadPool(.init(workerCount: 2, injectorCapacity: 64))
            let accepted = Counter()
            let ran = Counter()
            let started = Counter()
            let producers = (0..<2).map { _ in
                ForeignThread {
                    started.add()
                    for _ in 0..<3_000 where (pool.submit { ran.add() }) { accepted.add() }
                }
            }
            #expect(started.reaches(1))
            pool.shutdown()
            let ranByThen = ran.value
            for producer in producers { producer.join() }
            #expect(ran.value == accepted.value)
            #expect(ran.value == ranByThen)
        }
    }

    @Test func `several threads may shut down at once`() {
        let pool = ThreadPool(workerCount: 3)
        let ran = Counter()
        for _ in 0..<100 { #expect(pool.submit { ran.add() }) }
        let early = Counter()
        ForeignThread.run(4) { _ in
            pool.shutdown()
            if ran.value != 100 { early.add() }
        }
        #expect(early.value == 0)
    }

    @Test func `loops and forks run on their caller after shutdown`() {
        let pool = ThreadPool(workerCount: 2)
        pool.shutdown()
        let tally = Tally(100)
        pool.parallelFor(count: 100, grain: 3) { for index in $0 { tally.see(index) } }
        #expect(tally.wrong.isEmpty)
        var sum = 0
        pool.join({ sum += 1 }, { sum += 10 })
        #expect(sum == 11)
    }

    @Test func `shutdown while loops run lets them finish`() {
        let pool = ThreadPool(workerCount: 2)
        let started = Counter()
        let right = Counter()
        let loops = (0..<2).map { _ in
            ForeignThread {
                for _ in 0..<100 {
                    let sum = Counter()
                    pool.parallelFor(count: 64) { _ in sum.add() }
                    started.add()
                    if sum.value == 64 { right.add() }
                }
            }
        }
        #expect(started.reaches(3))
        pool.shutdown()
        for loop in loops { loop.join() }
        #expect(right.value == 200)
    }

    @Test func `releasing the pool runs what was accepted and ends the threads`() {
        let ran = Counter()
        do {
            let pool = ThreadPool(workerCount: 2)
            for _ in 0..<50 { #expect(pool.submit { ran.add() }) }
        }
        #expect(ran.value == 50)
    }

    @Test func `the last reference may go away on a worker`() {
        for _ in 0..<20 {
            let ran = Counter()
            let gate = Gate()
            do {
                let pool = ThreadPool(workerCount: 2)
                #expect(
                    pool.submit {
                        gate.wait()
                        ran.add(withExtendedLifetime(pool) { 1 })
                    }
                )
            }
            gate.open()
            #expect(ran.reaches(1))
        }
    }

    @Test func `a thread that got the handle of an ended worker may shut down`() {
        for _ in 0..<20 {
            let pool = ThreadPool(workerCount: 2)
            pool.shutdown()
            ForeignThread.run(2) { _ in pool.shutdown() }
        }
    }

    @Test func `a worker that shuts its own pool down is told so`() async {
        await #expect(processExitsWith: .failure) {
            let pool = ThreadPool(workerCount: 1)
            _ = pool.submit { pool.shutdown() }
            sleep(20)
        }
    }

    @Test func `limits are checked`() async {
        await #expect(processExitsWith: .failure) { _ = ThreadPool(workerCount: -1) }
        await #expect(processExitsWith: .failure) { _ = ThreadPool(workerCount: 57) }
        await #expect(processExitsWith: .failure) {
            _ = ThreadPool(.init(workerCount: 1, injectorCapacity: 0))
        }
        await #expect(processExitsWith: .failure) {
            _ = ThreadPool(.init(workerCount: 1, dequeCapacity: 0))
        }
        await #expect(processExitsWith: .failure) {
            _ = ThreadPool(.init(workerCount: 1, spinMicroseconds: -1))
        }
    }

    @Test func `words that threads share are on lines of their own`() {
        #expect(MemoryLayout<PaddedWord<HardwareWord>>.size == 128)
        #expect(MemoryLayout<LoopFrame<HardwareWord>>.stride % 128 == 0)
        #expect(MemoryLayout<Participant>.stride % 128 == 0)
        #expect(MemoryLayout<SleepState<HardwareWord>>.size == 128)
        #expect(MemoryLayout<Token<HardwareWord>>.size == 128)
    }
}
