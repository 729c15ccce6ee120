import Testing

@testable import TernThreadPool

struct LookoutTests {
    @Test func `a worker on the lookout outlives the ordinary spin time, others don't`() {
        var budget = SpinBudget(nanoseconds: 0, lookoutNanoseconds: 3_600_000_000_000)
        let onLookout = budget.pauseOrExpire(isLookout: true)
        #expect(!onLookout)
        budget.restart()
        let otherwise = budget.pauseOrExpire(isLookout: false)
        #expect(otherwise)
    }

    @Test func `a lookout ends, too`() {
        var budget = SpinBudget(nanoseconds: 0, lookoutNanoseconds: 1)
        var polls = 0
        while !budget.pauseOrExpire(isLookout: true) { polls += 1 }
        #expect(polls <= 64)
    }

    @Test func `whether somebody is on the lookout is not asked within the ordinary spin time`() {
        var budget = SpinBudget(nanoseconds: 3_600_000_000_000)
        var asked = 0
        func isLookout() -> Bool {
            asked += 1
            return false
        }
        var isExpired = false
        for _ in 0..<64 where budget.pauseOrExpire(isLookout: isLookout()) { isExpired = true }
        #expect(!isExpired)
        #expect(asked == 0)
    }

    @Test func `waits are taken for long until several short ones have followed one another`() {
        var idleTime = IdleTime()
        #expect(!idleTime.isUsually(atMost: 500_000))
        for _ in 0..<40 {
            idleTime.begin()
            idleTime.end()
        }
        #expect(idleTime.isUsually(atMost: 500_000))
    }

    @Test func `a pool whose last worker looks out runs every job and ends`() {
        let pool = ThreadPool(
            ThreadPoolConfiguration(
                workerCount: 2,
                spinMicroseconds: 1,
                lookoutMicroseconds: 2000
            )
        )
        defer { pool.shutdown() }
        for round in 0..<200 {
            var sum = 0
            pool.join({ sum += round }, {})
            #expect(sum == round)
        }
    }
}
