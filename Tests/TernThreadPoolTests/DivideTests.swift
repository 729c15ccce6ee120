import Glibc
import Synchronization
import Testing

@testable import TernThreadPool

@Suite struct DivideTests {
    @Test(arguments: 0...4)
    func `each index is visited exactly once, whatever count and grain`(_ workerCount: Int) {
        let pool = ThreadPool(.init(workerCount: workerCount, dequeCapacity: 2))
        for count in [0, 1, 2, 3, 7, 64, 65, 1000, 4097] {
            for grain in [1, 2, 7, 64, 5000, Int.max] {
                let tally = Tally(count)
                let misshapen = Counter()
                pool.divide(count: count, grain: grain) { part in
                    let isLast = part.upperBound == count
                    if part.lowerBound % grain != 0 || part.isEmpty
                        || (part.count != grain && !(isLast && part.count < grain))
                    {
                        misshapen.add()
                    }
                    for index in part { tally.see(index) }
                }
                #expect(tally.wrong.isEmpty, "count \(count), grain \(grain)")
                #expect(misshapen.value == 0, "count \(count), grain \(grain)")
            }
        }
        pool.shutdown()
    }

    @Test func `counts near the largest integer do not overflow`() {
        let pool = ThreadPool(workerCount: 2)
        let grain = Int.max / 5
        let tally = Tally(6)
        pool.divide(count: .max, grain: grain) { tally.see($0.lowerBound / grain) }
        #expect(tally.wrong.isEmpty)
        pool.shutdown()
    }

    @Test func `a thread that asks gets half of what is left`() {
        let pool = ThreadPool(.init(workerCount: 1, spinMicroseconds: 2_000_000))
        let helped = Counter()
        let tally = Tally(1000)
        // Parts last until somebody helps, or 2 ms: without help it takes two seconds.
        pool.divide(count: 1000) { part in
            if pool.currentWorkerIndex == 0 { helped.add() }
            if helped.value == 0 { usleep(2000) }
            tally.see(part.lowerBound)
        }
        #expect(helped.value > 0)
        #expect(tally.wrong.isEmpty)
        pool.shutdown()
    }

    @Test func `ranges nest in loops, forks and each other`() {
        let pool = ThreadPool(workerCount: 3)
        let tally = Tally(20 * 30 * 2)
        pool.divide(count: 20) { outer in
            for row in outer {
                pool.join(
                    {
                        pool.divide(count: 30, grain: 4) { inner in
                            for column in inner { tally.see(row * 60 + column) }
                        }
                    },
                    {
                        pool.parallelFor(count: 30, grain: 4) { inner in
                            for column in inner { tally.see(row * 60 + 30 + column) }
                        }
                    }
                )
            }
        }
        #expect(tally.wrong.isEmpty)
        pool.shutdown()
    }

    @Test func `uneven parts add up from several threads at once`() {
        let pool = ThreadPool(.init(workerCount: 2, guestCount: 2))
        let tally = Tally(4 * 50)
        ForeignThread.run(4) { thread in
            for round in 0..<50 {
                let sum = Counter()
                pool.divide(count: 40) { part in
                    if part.lowerBound % 13 == 0 { usleep(20) }
                    sum.add(part.lowerBound)
                }
                if sum.value == 780 { tally.see(thread * 50 + round) }
            }
        }
        #expect(tally.wrong.isEmpty)
        pool.shutdown()
    }

    @Test func `a range predicted to be short stays on its thread`() {
        let pool = ThreadPool(.init(workerCount: 2, costs: .usual))
        let elsewhere = Counter()
        for _ in 0..<200 {
            pool.divide(count: 100, predictedSerialNanoseconds: 3_999) { _ in
                if pool.currentWorkerIndex != nil { elsewhere.add() }
            }
        }
        #expect(elsewhere.value == 0)
        pool.shutdown()
    }

    @Test func `a negative count and a grain of zero are refused`() async {
        await #expect(processExitsWith: .failure) {
            ThreadPool(workerCount: 0).divide(count: -1) { _ in }
        }
        await #expect(processExitsWith: .failure) {
            ThreadPool(workerCount: 0).divide(count: 1, grain: 0) { _ in }
        }
    }

    @Test func `a mark is for its own root, and for who takes anything`() {
        let mark = DivisibleMark(DivisibleMark.bits(root: 3, mayWake: true) | 0xFF)
        #expect(mark.isFor(root: 0) && mark.isFor(root: 3) && !mark.isFor(root: 4))
        #expect(mark.mayWake)
        #expect(!DivisibleMark(0xFF).isFor(root: 0))
        #expect(!DivisibleMark(DivisibleMark.bits(root: 3, mayWake: false)).mayWake)
    }
}
