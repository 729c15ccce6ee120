import InterleavingExplorer
import Testing

@testable import TernThreadPool

/// A watch at a fixed place, whose clock is in milliseconds.
private final class Watch<Word: SharedWord & ~Copyable>: Sendable {
    private let watch = StallWatch<Word>()
    var isInDebt: Bool { watch.isInDebt }
    func allows(_ predicted: Int?, at time: UInt64) -> Bool {
        watch.allows(predicted, now: time * 1_000_000)
    }
    func wait(_ milliseconds: UInt64, predicted: Int? = 100_000, at time: UInt64) {
        watch.noteWait(
            nanoseconds: milliseconds * 1_000_000,
            predicted: predicted,
            now: time * 1_000_000
        )
    }
    func gain(_ milliseconds: UInt64) { watch.noteGain(nanoseconds: milliseconds * 1_000_000) }
    func collide(at time: UInt64) { watch.noteCollision(now: time * 1_000_000) }
}

@Suite struct StallWatchTests {
    @Test func `a wait in proportion to its loop is no debt`() {
        let watch = Watch<HardwareWord>()
        watch.wait(0, at: 1_000)
        watch.wait(1, predicted: nil, at: 1_000)
        watch.wait(3, predicted: 7_000_000, at: 1_000)
        #expect(!watch.isInDebt)
        #expect(watch.allows(nil, at: 1_000) && watch.allows(4_000, at: 1_000))
    }

    @Test func `one unlucky moment changes nothing`() {
        let watch = Watch<HardwareWord>()
        watch.wait(3, at: 1_000)
        #expect(watch.isInDebt)
        #expect(watch.allows(nil, at: 1_000) && watch.allows(4_000, at: 1_000))
    }

    @Test
    func `when waits come to 4 ms, short loops rest for ten times as long, long ones don't`() {
        let watch = Watch<HardwareWord>()
        watch.wait(2, at: 1_000)
        watch.wait(3, at: 1_010)
        for time in [1_011, 1_010 + 49] as [UInt64] {
            #expect(!watch.allows(nil, at: time))
            #expect(!watch.allows(4_000, at: time))
            #expect(!watch.allows(31_999_999, at: time))
            #expect(watch.allows(32_000_000, at: time))
        }
        #expect(watch.allows(4_000, at: 1_010 + 50))
        #expect(!watch.isInDebt)
    }

    @Test func `a wait at the very start, however long, is over after a quarter of a second`() {
        let watch = Watch<HardwareWord>()
        watch.wait(60_000, at: 1_000)
        #expect(!watch.allows(100_000, at: 1_249))
        #expect(watch.allows(100_000, at: 1_250))
        #expect(watch.allows(100_000, at: 1_000))
    }

    @Test func `helpers that earn their waits stay`() {
        let watch = Watch<HardwareWord>()
        for round in 0..<100 as Range<UInt64> {
            watch.wait(3, at: 1_000 + 20 * round)
            #expect(watch.allows(4_000, at: 1_000 + 20 * round))
            watch.gain(1)
            #expect(watch.isInDebt)
            watch.gain(2)
            #expect(!watch.isInDebt)
        }
    }

    @Test func `gains are no credit, and debts are forgiven after a quarter of a second`() {
        let watch = Watch<HardwareWord>()
        watch.gain(1_000)
        watch.wait(3, at: 1_000)
        watch.wait(3, at: 1_251)
        #expect(watch.allows(4_000, at: 1_251))
        #expect(watch.isInDebt)
        #expect(watch.allows(4_000, at: 1_251 + 251))
        #expect(!watch.isInDebt)
        watch.wait(3, at: 2_000)
        watch.wait(3, at: 2_250)
        #expect(!watch.allows(4_000, at: 2_250))
    }

    @Test func `if help is always in vain, waiting costs a tenth of the time at most`() {
        for wait in [1, 3, 5, 8, 12, 20] as [UInt64] {
            let watch = Watch<HardwareWord>()
            var waited: UInt64 = 0
            var time: UInt64 = 1_000
            while time < 100_000 {
                if watch.allows(4_000, at: time) {
                    time += wait
                    waited += wait
                    watch.wait(wait, at: time)
                } else {
                    time += 1
                }
            }
            #expect(10 * waited <= time - 1_000, "waits of \(wait) ms")
        }
    }

    @Test func `helpers that are in the way again and again rest, too`() {
        let watch = Watch<HardwareWord>()
        for _ in 0..<19 { watch.collide(at: 1_000) }
        #expect(watch.allows(4_000, at: 1_000))
        watch.collide(at: 1_000)
        #expect(!watch.allows(4_000, at: 1_000))
    }

    @Test func `a wait that is noted while an old one is forgotten is not lost`() {
        expectSound(preemptions: 2, oldReads: 1) { _ in
            let watch = Watch<ModelWord>()
            watch.wait(3, at: 1_000)
            return Scenario(
                threads: [
                    { _ = watch.allows(4_000, at: 2_000) },
                    { watch.wait(2, at: 2_000) },
                ],
                verdict: { watch.isInDebt ? nil : "a debt was forgotten" }
            )
        }
    }
}
