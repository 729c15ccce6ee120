import Testing

@testable import TernThreadPool

@Suite struct HandOffCostsTests {
    @Test func `thresholds follow from the costs, within limits`() {
        let usual = HandOffCosts.usual
        #expect(usual.sharingThresholdNanoseconds == 4_000)
        #expect(usual.wakingThresholdNanoseconds == 100_002)
        let cheap = HandOffCosts(spinningNanoseconds: 1, sleepingNanoseconds: 1)
        #expect(cheap.sharingThresholdNanoseconds == 2_000)
        #expect(cheap.wakingThresholdNanoseconds == 50_000)
        let dear = HandOffCosts(spinningNanoseconds: 1 << 40, sleepingNanoseconds: 1 << 40)
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
            pool.parallelFor(count: 50, predictedSerialNanoseconds: 9_999) { _ in
                if pool.currentWorkerIndex != nil { elsewhere.add() }
            }
        }
        #expect(elsewhere.value == 0)
        #expect(pool.core.wakingThresholdNanoseconds == 600_000)
        pool.shutdown()
    }
}

/// A watch at a fixed place.
private final class Watch: Sendable {
    private let watch = StallWatch<HardwareWord>()
    func allows(_ predicted: Int?, at now: UInt64) -> Bool { watch.allows(predicted, now: now) }
    func note(waited: UInt64, predicted: Int?, at now: UInt64) {
        watch.note(waited: waited, predicted: predicted, now: now)
    }
}

@Suite struct StallWatchTests {
    private let second: UInt64 = 1_000_000_000

    @Test func `everything is shared until an owner has waited long`() {
        let watch = Watch()
        #expect(watch.allows(nil, at: second) && watch.allows(4_000, at: second))
        watch.note(waited: 150_000, predicted: 20_000, at: second)
        watch.note(waited: 900_000, predicted: nil, at: second)
        watch.note(waited: 3_000_000, predicted: 7_000_000, at: second)
        #expect(watch.allows(nil, at: second) && watch.allows(4_000, at: second))
    }

    @Test func `after a long wait short loops stay for sixteen times as long, long ones don't`() {
        let watch = Watch()
        watch.note(waited: 3_000_000, predicted: 100_000, at: second)
        #expect(!watch.allows(100_000, at: second + 1))
        #expect(!watch.allows(nil, at: second + 1))
        #expect(!watch.allows(11_999_000, at: second + 1))
        #expect(watch.allows(12_000_000, at: second + 1))
        #expect(!watch.allows(100_000, at: second + 47_900_000))
        #expect(watch.allows(100_000, at: second + 48_000_000))
        #expect(watch.allows(100_000, at: second))
    }

    @Test func `very long waits are bounded`() {
        let watch = Watch()
        watch.note(waited: 60 * second, predicted: 100_000, at: second)
        #expect(!watch.allows(100_000, at: 17 * second))
        #expect(watch.allows(100_000, at: 18 * second))
    }
}
