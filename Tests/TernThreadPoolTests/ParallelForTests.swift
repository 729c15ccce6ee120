import Glibc
import Synchronization
import Testing

@testable import TernThreadPool

@Suite struct ParallelForTests {
    @Test(arguments: 0...4)
    func `each index is visited exactly once, whatever count and grain`(_ workerCount: Int) {
        let pool = ThreadPool(workerCount: workerCount)
        for count in [0, 1, 2, 3, 7, 8, 64, 65, 1000, 4097] {
            for grain in [1, 2, 3, 7, 64, 1000, 5000, Int.max] {
                let tally = Tally(count)
                let misshapen = Counter()
                pool.parallelFor(count: count, grain: grain) { part in
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
        let misshapen = Counter()
        pool.parallelFor(count: .max, grain: grain) { part in
            let number = part.lowerBound / grain
            tally.see(number)
            let upper = number == 5 ? Int.max : (number + 1) * grain
            if part != number * grain..<upper { misshapen.add() }
        }
        #expect(tally.wrong.isEmpty)
        #expect(misshapen.value == 0)
        pool.shutdown()
    }

    @Test(arguments: [1, 2, 1 << 31, 1 << 31 + 1, 1 << 40, Int.max])
    func `blocks cover all parts and can be counted in 32 bits`(_ count: Int) {
        let words = unsafe RangeClosureWords(code: nil, context: nil)
        for grain in [1, 3, 1 << 20] {
            let shape = LoopShape(body: words, count: count, grain: grain, threadCount: 5)
            #expect(shape.blockCount >= 1 && shape.blockCount <= LoopShape.blockLimit)
            #expect(shape.partCount == (count - 1) / grain + 1)
            let whole = shape.blockCount.multipliedReportingOverflow(by: shape.partsPerBlock)
            #expect(whole.overflow || whole.partialValue >= shape.partCount)
            #expect((shape.blockCount - 1) * shape.partsPerBlock < shape.partCount)
            #expect(shape.sliceCount == min(5, shape.blockCount))
        }
    }

    @Test func `what the parts wrote is visible afterwards, and what was written before to them`() {
        let pool = ThreadPool(workerCount: 3)
        for round in 1...300 {
            var input = [Int](repeating: round, count: 256)
            input[255] = 1
            let output = UnsafeMutablePointer<Int>.allocate(capacity: 256)
            defer { unsafe output.deallocate() }
            pool.parallelFor(count: 256, grain: 4) { part in
                for index in part { unsafe output[index] = input[index] * index }
            }
            var sum = 0
            for index in 0..<256 { unsafe sum += output[index] }
            #expect(sum == (0..<255).reduce(0, +) * round + 255)
        }
        pool.shutdown()
    }

    @Test(arguments: [1, 2, 3])
    func `loops nest, deeper than frames are kept`(_ workerCount: Int) {
        let pool = ThreadPool(workerCount: workerCount)
        let leaves = Counter()
        func nest(_ depth: Int) {
            if depth == 0 {
                leaves.add()
                return
            }
            pool.parallelFor(count: 2) { _ in nest(depth - 1) }
        }
        nest(Participant.frameCount + 3)
        #expect(leaves.value == 1 << (Participant.frameCount + 3))
        pool.shutdown()
    }

    @Test func `nested loops visit every pair exactly once`() {
        let pool = ThreadPool(workerCount: 3)
        let tally = Tally(40 * 50)
        pool.parallelFor(count: 40, grain: 3) { outer in
            for row in outer {
                pool.parallelFor(count: 50, grain: 4) { inner in
                    for column in inner { tally.see(row * 50 + column) }
                }
            }
        }
        #expect(tally.wrong.isEmpty)
        pool.shutdown()
    }

    @Test func `several threads run loops at once, more than there are places for guests`() {
        let pool = ThreadPool(.init(workerCount: 2, guestCount: 2))
        let tally = Tally(6 * 200)
        ForeignThread.run(6) { thread in
            for round in 0..<200 {
                let sum = Counter()
                pool.parallelFor(count: 100, grain: 7) { part in
                    for index in part { sum.add(index) }
                }
                if sum.value == 4950 { tally.see(thread * 200 + round) }
            }
        }
        #expect(tally.wrong.isEmpty)
        pool.shutdown()
    }

    @Test func `jobs run loops of their own while others do`() {
        let pool = ThreadPool(workerCount: 2)
        let tally = Tally(64)
        for item in 0..<64 {
            #expect(
                pool.submit {
                    let sum = Counter()
                    pool.parallelFor(count: 1000, grain: 10) { sum.add($0.count) }
                    if sum.value == 1000 { tally.see(item) }
                }
            )
        }
        pool.parallelFor(count: 500) { _ in }
        pool.shutdown()
        #expect(tally.wrong.isEmpty)
    }

    @Test func `a loop does not need its helpers`() {
        let pool = ThreadPool(workerCount: 2)
        let gate = Gate()
        #expect(pool.occupyAllWorkers(until: gate))
        let tally = Tally(1000)
        pool.parallelFor(count: 1000, grain: 1) { tally.see($0.lowerBound) }
        #expect(tally.wrong.isEmpty)
        gate.open()
        pool.shutdown()
    }

    @Test func `a worker joins a loop that is long enough, even from sleep`() {
        let pool = ThreadPool(.init(workerCount: 1, spinMicroseconds: 0))
        usleep(20_000)
        for predicted in [nil, 50_000_000] {
            let helped = Counter()
            let left = Atomic(1000)
            // Each part lasts until somebody helped, or 2 ms: without help it takes two seconds.
            pool.parallelFor(count: 1000, predictedSerialNanoseconds: predicted) { _ in
                if pool.currentWorkerIndex == 0 { helped.add() }
                left.wrappingSubtract(1, ordering: .relaxed)
                if helped.value == 0 { usleep(2000) }
            }
            #expect(helped.value > 0)
            #expect(left.load(ordering: .relaxed) == 0)
        }
        pool.shutdown()
    }

    @Test func `a loop predicted to be short stays on its thread`() {
        let pool = ThreadPool(.init(workerCount: 2, costs: .usual))
        let elsewhere = Counter()
        for _ in 0..<200 {
            pool.parallelFor(count: 100, predictedSerialNanoseconds: 999) { _ in
                if pool.currentWorkerIndex != nil { elsewhere.add() }
            }
        }
        #expect(elsewhere.value == 0)
        pool.shutdown()
    }

    @Test func `a helper leaves a loop when a job waits`() {
        let pool = ThreadPool(.init(workerCount: 1, spinMicroseconds: 1_000_000))
        let helping = Counter()
        let jobRan = Counter()
        // The helper would keep the loop busy for ever; only its leaving lets the job run, and only
        // the job lets the loop end.
        let submitted = Atomic(false)
        pool.parallelFor(count: 100_000, predictedSerialNanoseconds: 1_000_000_000) { _ in
            if pool.currentWorkerIndex == 0 {
                helping.add()
                usleep(50)
            } else {
                _ = helping.reaches(1)
                if !submitted.exchange(true, ordering: .relaxed) {
                    _ = pool.submit { jobRan.add() }
                }
                _ = jobRan.reaches(1)
            }
        }
        #expect(jobRan.value == 1)
        pool.shutdown()
    }

    @Test func `two pools can be used from inside each other`() {
        let first = ThreadPool(workerCount: 2)
        let second = ThreadPool(workerCount: 2)
        let sum = Counter()
        first.parallelFor(count: 8) { _ in
            second.parallelFor(count: 8) { _ in
                first.parallelFor(count: 8) { _ in sum.add() }
            }
        }
        #expect(sum.value == 512)
        first.shutdown()
        second.shutdown()
    }

    @Test func `a negative count and a grain of zero are refused`() async {
        await #expect(processExitsWith: .failure) {
            ThreadPool(workerCount: 0).parallelFor(count: -1) { _ in }
        }
        await #expect(processExitsWith: .failure) {
            ThreadPool(workerCount: 0).parallelFor(count: 1, grain: 0) { _ in }
        }
    }
}
