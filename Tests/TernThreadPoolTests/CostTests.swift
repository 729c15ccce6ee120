import Testing

@testable import TernThreadPool

@Suite struct HandOffCostsTests {
    @Test func `thresholds follow from the costs, within limits`() {
        let usual = HandOffCosts.usual
        #expect(usual.trialThresholdNanoseconds == 1_280)
        #expect(usual.sharingThresholdNanoseconds == 4_000)
        #expect(usual.wakingThresholdNanoseconds == 100_002)
        let cheap = HandOffCosts(spinningNanoseconds: 1, sleepingNanoseconds: 1)
        #expect(cheap.trialThresholdNanoseconds == 1_000)
        #expect(cheap.sharingThresholdNanoseconds == 2_000)
        #expect(cheap.wakingThresholdNanoseconds == 50_000)
        let dear = HandOffCosts(spinningNanoseconds: 1 << 40, sleepingNanoseconds: 1 << 40)
        #expect(dear.trialThresholdNanoseconds == 20_000)
        #expect(dear.sharingThresholdNanoseconds == 50_000)
        #expect(dear.wakingThresholdNanoseconds == 1_000_000)
    }

    @Test func `measuring finds something, and an answer from sleep is no faster`() {
        let costs = HandOffCosts.measured()
        #expect(costs.spinningNanoseconds > 0)
        #expect(costs.sleepingNanoseconds > 0)
        #expect(HandOffCosts.ofThisMachine == HandOffCosts.ofThisMachine)
    }

    @Test func `a pool goes by the costs it is given`() {
        let costs = HandOffCosts(spinningNanoseconds: 400, sleepingNanoseconds: 200_000)
        let pool = ThreadPool(.init(workerCount: 1, spinMicroseconds: 1_000_000, costs: costs))
        let elsewhere = Counter()
        for _ in 0..<100 {
            pool.join(predictedSerialNanoseconds: 9_999, {}) {
                if pool.currentWorkerIndex != nil { elsewhere.add() }
            }
        }
        #expect(elsewhere.value == 0)
        #expect(pool.core.trialThresholdNanoseconds == 3_200)
        #expect(pool.core.wakingThresholdNanoseconds == 600_000)
        pool.shutdown()
    }
}
