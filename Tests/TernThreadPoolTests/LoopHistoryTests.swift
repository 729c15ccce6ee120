import Glibc
import Testing

@testable import TernThreadPool

@Suite struct LoopHistoryTests {
    private typealias Choice = LoopHistory.Choice

    private func choose(_ history: LoopHistory, _ random: UInt32 = 1) -> Choice {
        history.choice(threshold: 2_000, random: random)
    }

    /// What is known after so many runs of each kind.
    private func history(alone: [UInt64], shared: [UInt64] = []) -> LoopHistory {
        var history = LoopHistory(0, mark: 7)
        for time in alone { history.noteAlone(nanoseconds: time) }
        for time in shared { history.noteShared(nanoseconds: time) }
        return history
    }

    @Test func `a new loop is run alone and timed, twice`() {
        #expect(choose(history(alone: [])) == Choice(isShared: false, isTimed: true))
        #expect(choose(history(alone: [9_000])) == Choice(isShared: false, isTimed: true))
        #expect(history(alone: [9_000]).aloneNanoseconds(predicted: 5) == 5)
        #expect(history(alone: [9_008, 4_000]).aloneNanoseconds(predicted: 5) == 4_000)
    }

    @Test
    func `then it is shared and timed until help has come four times, unless it is too short`() {
        let long = history(alone: [4_000, 4_000], shared: [3_000, 3_000, 3_000])
        #expect(choose(long) == Choice(isShared: true, isTimed: true))
        #expect(long.sharedNanoseconds == nil)
        #expect(choose(history(alone: [1_900, 1_900])) == Choice(isShared: false, isTimed: false))
    }

    @Test(arguments: [(shared: 2_400, isBetter: true), (3_984, false), (7_000, false)])
    func `what took less is done`(_ outcome: (shared: UInt64, isBetter: Bool)) {
        let history = history(
            alone: [4_000, 4_000],
            shared: Array(repeating: outcome.shared, count: 4)
        )
        #expect(choose(history) == Choice(isShared: outcome.isBetter, isTimed: false))
        #expect(choose(history, 16) == Choice(isShared: outcome.isBetter, isTimed: true))
        #expect(choose(history, 256) == Choice(isShared: !outcome.isBetter, isTimed: true))
        let often = Choice(isShared: true, isTimed: true)
        #expect(choose(history, 64) == often)
    }

    @Test func `runs that were interrupted don't count, and other changes are followed`() {
        var history = history(
            alone: [4_000, 4_000],
            shared: [8_000_000, 9_000, 2_400, 2_400, 2_400]
        )
        #expect(history.sharedNanoseconds == 2_400)
        history.noteAlone(nanoseconds: 4_000_000)
        history.noteShared(nanoseconds: 4_000_000)
        #expect(history.aloneNanoseconds(predicted: 0) == 4_000)
        #expect(history.sharedNanoseconds == 2_400)
        for _ in 0..<60 { history.noteShared(nanoseconds: 5_000) }
        #expect(history.sharedNanoseconds == 5_008)
        #expect(!choose(history).isShared)
        for _ in 0..<60 { history.noteShared(nanoseconds: 1_600) }
        #expect(history.sharedNanoseconds == 1_600)
        #expect(choose(history).isShared)
    }

    @Test func `no time is too short or too long to be kept`() {
        let short = history(alone: [0, 0, 0, 7], shared: [0, 0, 0, 0, 7])
        #expect(short.aloneNanoseconds(predicted: 9) == 0)
        let long = history(
            alone: Array(repeating: 1 << 62, count: 40),
            shared: Array(repeating: 1 << 40, count: 40)
        )
        #expect(long.aloneNanoseconds(predicted: 9) == 0xFFFF * 16)
        #expect(!choose(long).isShared || long.sharedNanoseconds == nil)
    }

    @Test func `what is known belongs to one loop`() {
        let known = history(alone: [4_000, 4_000])
        #expect(LoopHistory(known.word, mark: 7) == known)
        let other = LoopHistory(known.word, mark: 9)
        #expect(other == LoopHistory(0, mark: 9))
        #expect(choose(other) == Choice(isShared: false, isTimed: true))
        #expect(LoopHistory.isTaken(known.word, mark: 9, random: 1))
        #expect(!LoopHistory.isTaken(known.word, mark: 9, random: 16))
        #expect(!LoopHistory.isTaken(known.word, mark: 7, random: 1))
        #expect(!LoopHistory.isTaken(0, mark: 9, random: 1))
    }

    @Test func `loops that differ in place, count or prediction have different keys`() {
        var keys: Set<[UInt64]> = []
        var places: Set<Int> = []
        for site in 0..<10 as Range<UInt> {
            for count in 1...10 {
                for predicted in 1...10 {
                    let key = LoopKey(site: site, count: count, predicted: predicted * 1_000)
                    #expect(0..<LoopKey.placeCount ~= key.place && key.mark != 0)
                    #expect(key.mark >> 16 == 0)
                    keys.insert([UInt64(key.place), key.mark])
                    places.insert(key.place)
                }
            }
        }
        #expect(keys.count == 1_000)
        // As many as of numbers drawn by lot.
        #expect(places.count > 800)
    }

    @Test func `a pool learns what a loop takes, and leaves alone what help makes longer`() {
        let pool = ThreadPool(.init(workerCount: 1, spinMicroseconds: 1_000_000, costs: .usual))
        let elsewhere = Counter()
        // Predicted to be long enough, but there is nothing to do.
        for _ in 0..<2_000 {
            pool.parallelFor(count: 2, predictedSerialNanoseconds: 50_000, site: 1) { _ in
                if pool.currentWorkerIndex != nil { elsewhere.add() }
            }
        }
        // Tried at most, and now and then.
        #expect(elsewhere.value < 1_000)
        pool.shutdown()
    }

    @Test func `many short loops wake a worker that sleeps`() {
        let pool = ThreadPool(.init(workerCount: 1, costs: .usual))
        usleep(20_000)
        #expect(pool.core.isAsleep)
        let helped = Counter()
        let deadline = ContinuousClock.now + .seconds(60)
        while helped.value == 0, ContinuousClock.now < deadline {
            pool.parallelFor(count: 20, predictedSerialNanoseconds: 90_000) { _ in
                if pool.currentWorkerIndex == 0 { helped.add() }
                let end = ContinuousClock.now + .microseconds(4)
                while ContinuousClock.now < end {}
            }
        }
        #expect(helped.value > 0)
        pool.shutdown()
    }
}
