import InterleavingExplorer
import Testing

@testable import TernThreadPool

/// A loop frame, its owner and its helpers, as in `OwnedLoop.run` and `PoolCore.join`.
@safe private final class ModelLoop: @unchecked Sendable {
    private let frame: UnsafeMutablePointer<LoopFrame<ModelWord>>
    private let slices: UnsafeMutablePointer<PaddedWord<ModelWord>>
    private let published = ModelCell()
    private let input = ModelCell()
    private let outputs: [ModelCell]
    private let sliceCount: Int
    private let world: World
    private var runs: [[Int]] = []
    private var isWrong = false

    init(_ world: World, sliceCount: Int, blockCount: Int) {
        self.world = world
        self.sliceCount = sliceCount
        unsafe slices = .allocate(capacity: sliceCount)
        for slice in 0..<sliceCount { unsafe (slices + slice).initialize(to: PaddedWord(0)) }
        unsafe frame = .allocate(capacity: 1)
        unsafe frame.initialize(to: LoopFrame(slices: slices))
        outputs = (0..<blockCount).map { _ in ModelCell() }
    }

    deinit {
        unsafe frame.deinitialize(count: 1)
        unsafe frame.deallocate()
        unsafe slices.deinitialize(count: sliceCount)
        unsafe slices.deallocate()
    }

    func own(rounds: Int) {
        for round in 1...UInt64(rounds) {
            input.value = round * 10
            runs.append(Array(repeating: 0, count: outputs.count))
            unsafe frame.pointee.shape = LoopShape(
                body: RangeClosureWords(code: nil, context: nil),
                count: outputs.count,
                grain: 1,
                threadCount: sliceCount
            )
            unsafe frame.pointee.prepare(root: 1, mayWake: false)
            unsafe frame.pointee.latch.open()
            published.storeRelease(1)
            work(home: 0)
            published.value = 0
            if unsafe !frame.pointee.latch.close() { wait() }
            for (block, output) in outputs.enumerated()
            where output.value != round * 10 + UInt64(block) {
                isWrong = true
            }
        }
    }

    /// Spins for one look, then sleeps.
    private func wait() {
        if unsafe frame.pointee.latch.isDone { return }
        world.yield()
        if unsafe !frame.pointee.latch.isDone { unsafe frame.pointee.latch.sleepUntilDone() }
    }

    func help(home: Int) {
        guard published.loadAcquire() != 0, let seen = unsafe frame.pointee.latch.seenOpen(),
            unsafe frame.pointee.root == 1, unsafe frame.pointee.latch.enter(seen: seen)
        else { return }
        work(home: home)
        _ = unsafe frame.pointee.latch.close()
        unsafe frame.pointee.latch.leave()
    }

    private func work(home: Int) {
        while let block = unsafe frame.pointee.claimHead(of: home) { run(block) }
        for other in 0..<sliceCount where other != home {
            while let block = unsafe frame.pointee.claimTail(of: other) { run(block) }
        }
    }

    private func run(_ block: Int) {
        runs[runs.count - 1][block] += 1
        outputs[block].value = input.value + UInt64(block)
    }

    var verdict: String? {
        if runs.joined().contains(where: { $0 != 1 }) { return "blocks ran \(runs) times" }
        return isWrong ? "what a block read or wrote was not visible" : nil
    }
}

private func loop(rounds: Int, blocks: Int, helpers: [Int]) -> (World) -> Scenario {
    { world in
        let loop = ModelLoop(world, sliceCount: helpers.count + 1, blockCount: blocks)
        return Scenario(
            threads: [{ loop.own(rounds: rounds) }]
                + helpers.enumerated().map { index, attempts in
                    { for _ in 0..<attempts { loop.help(home: index + 1) } }
                },
            verdict: { loop.verdict }
        )
    }
}

/// A forker and a thief, as in `OwnedFork.run` and `PoolCore.runStolen`.
private func fork(_: World) -> Scenario {
    let deque = Placed(ChaseLevDeque<ModelWord>(capacity: 2))
    let latch = Placed(Latch<ModelWord>(inside: 1))
    let input = ModelCell()
    let output = ModelCell()
    let seen = Seen(2)
    let second = {
        seen[0] += 1
        output.value = input.value + 1
    }
    return Scenario(
        threads: [
            {
                input.value = 4
                _ = deque.value.push(9)
                if deque.value.pop() == 9 { second() } else { latch.value.sleepUntilDone() }
                seen[1] = output.value
            },
            {
                guard case .entry = deque.value.steal() else { return }
                second()
                latch.value.leave()
            },
        ],
        verdict: { seen.all == [1, 5] ? nil : "ran \(seen[0]) times, with the result \(seen[1])" }
    )
}

@Suite struct LoopExplorationTests {
    @Test func `every block of a loop runs once, and what it reads and writes is visible`() {
        expectSound(preemptions: 2, oldReads: 1, loop(rounds: 1, blocks: 3, helpers: [1]))
        expectSound(preemptions: 1, oldReads: 1, loop(rounds: 1, blocks: 2, helpers: [1, 1]))
    }

    @Test func `a helper that comes late does not disturb the next loop in the same frame`() {
        expectSound(preemptions: 2, oldReads: 1, loop(rounds: 2, blocks: 2, helpers: [2]))
    }

    @Test func `a fork runs once, and its forker sees what it wrote`() {
        expectSound(preemptions: 3, oldReads: 2, fork)
    }

    @Test(arguments: [Weakening.releases, .acquires])
    func `without release and acquire a loop's blocks read or leave old values`(
        _ weakening: Weakening
    ) {
        expectUnsound(
            without: weakening,
            preemptions: 2,
            oldReads: 2,
            loop(rounds: 2, blocks: 2, helpers: [2])
        )
    }

    @Test(arguments: [Weakening.sequentialStores, .sequentialLoads])
    func `who runs a single fork is decided by compare-exchange alone`(
        _ weakening: Weakening
    ) {
        let finding = Exploration.find(
            preemptions: 3,
            oldReads: 2,
            weakenings: [weakening],
            fork
        )
        #expect(finding.failure == nil)
    }
}
