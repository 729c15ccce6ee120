import Glibc
import Synchronization
import Testing

@testable import TernThreadPool

private typealias Sleep = SharedSleep

@Suite struct SleepStateTests {
    @Test func `nobody is woken while a worker searches, or when nobody sleeps`() {
        let sleep = Sleep()
        #expect(!sleep.needsWaking)
        #expect(sleep.claimSleeper() == nil)
        sleep.beginSearching()
        sleep.beginSearching()
        #expect(sleep.searchingCount == 2)
        sleep.announceParking(0)
        #expect(!sleep.needsWaking)
        #expect(sleep.claimSleeper() == nil)
    }

    @Test func `a claimed sleeper counts as searching before it runs`() {
        let sleep = Sleep()
        for worker in [5, 3] {
            sleep.beginSearching()
            sleep.announceParking(worker)
        }
        #expect(sleep.needsWaking)
        #expect(sleep.claimSleeper() == 3)
        #expect(sleep.searchingCount == 1)
        #expect(!sleep.needsWaking)
        #expect(sleep.claimSleeper() == nil)
        #expect(sleep.endSearching())
        #expect(sleep.claimSleeper() == 5)
        #expect(!sleep.endSearching())
    }

    @Test func `a worker can cancel unless it was claimed`() {
        let sleep = Sleep()
        sleep.beginSearching()
        sleep.announceParking(55)
        #expect(sleep.cancelParking(55))
        #expect(sleep.searchingCount == 1)
        sleep.announceParking(55)
        #expect(sleep.claimSleeper() == 55)
        #expect(!sleep.cancelParking(55))
        #expect(sleep.searchingCount == 1)
    }

    @Test func `shutdown claims sleepers even while others search`() {
        let sleep = Sleep()
        for worker in 0..<Sleep.workerLimit {
            sleep.beginSearching()
            sleep.announceParking(worker)
        }
        for worker in 0..<Sleep.workerLimit { #expect(sleep.claimAnySleeper() == worker) }
        #expect(sleep.claimAnySleeper() == nil)
        #expect(sleep.searchingCount == Sleep.workerLimit)
    }

    @Test func `the last worker that stops searching learns of sleepers`() {
        let sleep = Sleep()
        for _ in 0..<3 { sleep.beginSearching() }
        sleep.announceParking(0)
        #expect(!sleep.endSearching())
        #expect(sleep.endSearching())
    }
}

@Suite struct LatchTests {
    @Test func `helpers enter only while the latch is open`() throws {
        let latch = SharedLatch()
        #expect(latch.isDone && latch.seenOpen() == nil)
        latch.open()
        let seen = try #require(latch.seenOpen())
        #expect(!latch.isDone)
        #expect(latch.enter(seen: seen))
        #expect(latch.enter(seen: seen))
        #expect(!latch.close())
        #expect(!latch.enter(seen: seen))
        latch.leave()
        #expect(!latch.isDone)
        latch.leave()
        #expect(latch.isDone)
        #expect(latch.close())
    }

    @Test func `a helper that saw an earlier round does not enter the next`() throws {
        let latch = SharedLatch()
        latch.open()
        let seen = try #require(latch.seenOpen())
        #expect(latch.close())
        latch.open()
        #expect(!latch.enter(seen: seen))
        #expect(latch.enter(seen: try #require(latch.seenOpen())))
    }

    @Test func `an owner that sleeps is woken by the last helper`() {
        for helperCount in 1...3 {
            let shared = SharedLatch(inside: helperCount)
            let left = Counter()
            let helpers = (0..<helperCount).map { helper in
                ForeignThread {
                    usleep(UInt32(500 * helper))
                    left.add()
                    shared.leave()
                }
            }
            shared.sleepUntilDone()
            #expect(left.value == helperCount)
            #expect(shared.isDone)
            for helper in helpers { helper.join() }
        }
    }

    @Test func `a token given before sleeping is not lost`() {
        let token = Token<HardwareWord>()
        for _ in 0..<3 {
            token.give()
            token.take()
        }
    }
}

/// Loses its way if a wake-up is ever lost: each round waits for the one before.
@Suite struct WakingTests {
    @Test(arguments: [(workers: 1, spin: 0), (workers: 2, spin: 0), (workers: 3, spin: 60)])
    func `a job submitted after any pause is started`(_ shape: (workers: Int, spin: Int)) {
        let pool = ThreadPool(
            .init(workerCount: shape.workers, spinMicroseconds: shape.spin)
        )
        var random = SeededGenerator(seed: UInt64(shape.workers * 100 + shape.spin))
        let ran = Counter()
        for round in 1...2_000 {
            let burst = Int.random(in: 1...3, using: &random)
            let target = ran.value + burst
            for _ in 0..<burst { #expect(pool.submit { ran.add() }) }
            guard ran.reaches(target) else {
                Issue.record("round \(round): a job was never started")
                return
            }
            let gap =
                ContinuousClock.now + .nanoseconds(Int.random(in: 0...200_000, using: &random))
            while ContinuousClock.now < gap {}
        }
        pool.shutdown()
    }

    @Test func `prewaking is harmless in every state`() {
        let pool = ThreadPool(.init(workerCount: 2, spinMicroseconds: 0))
        let ran = Counter()
        for round in 1...300 {
            pool.prewake()
            if round % 3 == 0 {
                #expect(pool.submit { ran.add() })
                #expect(ran.reaches(round / 3))
            }
            if round % 50 == 0 { usleep(1000) }
        }
        pool.shutdown()
        pool.prewake()
    }
}
