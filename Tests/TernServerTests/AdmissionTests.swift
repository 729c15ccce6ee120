import TernRuntime
import TernTensor
import Testing

@testable import TernServer

@Suite struct ModelLoadTests {
    @Test func `as many requests enter as the limit says, and one more when one has left`() {
        let load = ModelLoad(inFlightLimit: 2)
        #expect(load.enter())
        #expect(load.enter())
        #expect(!load.enter())
        #expect(load.inFlightCount == 2)
        load.leave()
        #expect(load.enter())
        #expect(!load.enter())
    }

    @Test func `the hint to try again stays within a millisecond and a second`() {
        let load = ModelLoad(inFlightLimit: 4)
        #expect(load.retryAfterMicroseconds(workerCount: 2) == 1_000)
        load.record(computeNanoseconds: 10)
        #expect(load.retryAfterMicroseconds(workerCount: 2) == 1_000)
        load.record(computeNanoseconds: .max)
        #expect(load.retryAfterMicroseconds(workerCount: 2) == 1_000_000)
    }

    @Test func `the hint grows with the work in flight`() {
        let load = ModelLoad(inFlightLimit: 100)
        load.record(computeNanoseconds: 4_000_000)
        let idle = load.retryAfterMicroseconds(workerCount: 2)
        for _ in 0..<40 { #expect(load.enter()) }
        #expect(load.retryAfterMicroseconds(workerCount: 2) > 5 * idle)
    }
}

@Suite struct IndexTests {
    @Test func `a stack hands out each index once`() {
        let stack = IndexStack(capacity: 3)
        let taken = [stack.pop(), stack.pop(), stack.pop()]
        #expect(Set(taken.compactMap(\.self)) == [0, 1, 2])
        #expect(stack.pop() == nil)
        #expect(stack.takenCount == 3)
        stack.push(1)
        #expect(stack.pop() == 1)
    }
}

/// A model that does nothing, for tests of what surrounds one.
private final class StillModel: ExecutableModel, ModelExecutor {
    let inputs: [TensorDescriptor] = []
    let outputs: [TensorDescriptor] = []
    func makeExecutor() throws(ExecutionFailure) -> any ModelExecutor { StillModel() }
    func bindInput(_ index: Int, _ bytes: RawSpan, shape: Shape) throws(ExecutionFailure) {}
    func run(unless interruption: Interruption) throws(ExecutionFailure) {}
    func outputShape(_ index: Int) -> Shape { [] }
    @_lifetime(borrow self)
    func outputBytes(_ index: Int) -> RawSpan { RawSpan() }
}

@Suite struct ModelQueueTests {
    private func queue(seats: Int) -> ModelQueue {
        ModelQueue(
            executors: (0..<seats).map { _ in StillModel() },
            inputCount: 0,
            waitingLimit: 8,
            rowLimit: 1
        )
    }

    @Test func `there are at most as many turns as seats, and one goes on while requests wait`()
        throws
    {
        let queue = queue(seats: 2)
        let isTurn = (0..<4).map {
            queue.add(QueuedRequest(slot: $0, ticket: UInt64($0)), urgency: .normal)
        }
        #expect(isTurn == [true, true, false, false])
        let first = try #require(queue.begin())
        let second = try #require(queue.begin())
        #expect(first.slots == [0])
        #expect(second.slots == [1])
        #expect(queue.idleCount == 0)
        #expect(queue.end(first))
        let third = try #require(queue.begin())
        #expect(third.slots == [2])
        #expect(queue.end(third))
        #expect(try #require(queue.begin()).slots == [3])
        #expect(!queue.end(second))
        #expect(queue.waitingCount == 0)
    }

    @Test func `a turn that finds nobody is over, and the next request asks for one again`() {
        let queue = queue(seats: 1)
        #expect(queue.add(QueuedRequest(slot: 3, ticket: 1), urgency: .normal))
        #expect(!queue.remove(slot: 3, ticket: 2))
        #expect(queue.remove(slot: 3, ticket: 1))
        #expect(!queue.remove(slot: 3, ticket: 1))
        #expect(queue.begin() == nil)
        #expect(queue.add(QueuedRequest(slot: 3, ticket: 4), urgency: .normal))
    }

    @Test func `what no turn would come to is given back`() {
        let queue = queue(seats: 1)
        #expect(queue.add(QueuedRequest(slot: 0, ticket: 1), urgency: .normal))
        #expect(!queue.add(QueuedRequest(slot: 1, ticket: 2), urgency: .urgent))
        #expect(Set(queue.giveUpTurn().map(\.slot)) == [0, 1])
        #expect(queue.waitingCount == 0)
    }
}

@Suite struct ModelTableTests {
    private func entry(_ name: String, _ versions: [UInt64: Bool] = [:]) throws -> ModelEntry {
        let load = ModelLoad(inFlightLimit: 1)
        return try ModelEntry(
            name: name,
            versions: versions.map { number, isAvailable in
                guard isAvailable else { return (number, .unavailable(reason: "broken")) }
                let model = try ServedModel(
                    name: name,
                    version: number,
                    model: StillModel(),
                    executorCount: 1,
                    load: load
                )
                return (number, .available(model))
            },
            defects: [],
            load: load
        )
    }

    @Test func `every model is found by its name, and nothing else is`() throws {
        let names = (0..<100).map { "model-\($0)" }
        let table = ModelTable(entries: try names.map { try entry($0) })
        for name in names { #expect(table.entry(named: name)?.name == name) }
        for name in ["", "model", "model-100", "model-1\u{0}", "Model-1"] {
            #expect(table.entry(named: name) == nil)
        }
    }

    @Test func `a model that is replaced or removed leaves the others alone`() throws {
        let table = ModelTable(entries: [try entry("a"), try entry("b")])
        let replaced = table.replacing(try entry("a", [3: true]))
        #expect(replaced.entries.map(\.name) == ["a", "b"])
        #expect(replaced.entry(named: "a")?.latest?.version == 3)
        #expect(replaced.removing(name: "a").entries.map(\.name) == ["b"])
        #expect(table.entry(named: "a")?.latest == nil)
    }

    @Test func `the latest version is the newest that answers`() throws {
        let entry = try entry("m", [1: true, 9: true, 10: false])
        #expect(entry.versions.map(\.number) == [1, 9, 10])
        #expect(entry.latest?.version == 9)
        #expect(entry.availableVersions.map(\.version) == [1, 9])
        #expect(entry.state(ofVersion: 2) == nil)
        guard case .unavailable(reason: "broken") = entry.state(ofVersion: 10) else {
            Issue.record("version 10 is there and broken")
            return
        }
    }
}

@Suite struct InputContractTests {
    private let contract = InputContract([
        TensorDescriptor(
            name: "left",
            elementType: .fp32,
            dimensions: [.symbolic("batch"), .fixed(3)]
        ),
        TensorDescriptor(
            name: "right",
            elementType: .fp32,
            dimensions: [.unknown, .symbolic("batch"), .symbolic("width")]
        ),
        TensorDescriptor(name: "free", elementType: .int64, dimensions: nil),
    ])

    @Test func `a symbol refers to the first place where it stands`() {
        #expect(contract.axes[0] == [.sameAs(input: 0, axis: 0), .fixed(3)])
        #expect(
            contract.axes[1] == [
                .any, .sameAs(input: 0, axis: 0), .sameAs(input: 1, axis: 2),
            ]
        )
        #expect(contract.axes[2] == nil)
    }

    @Test func `rank and fixed sizes are checked, outermost first`() {
        #expect(contract.defect(of: [5, 3], input: 0) == nil)
        #expect(contract.defect(of: [5], input: 0) == .rank(expected: 2))
        #expect(contract.defect(of: [5, 3, 1], input: 0) == .rank(expected: 2))
        #expect(contract.defect(of: [5, 4], input: 0) == .size(axis: 1, expected: 3))
        #expect(contract.defect(of: [], input: 2) == nil)
        #expect(contract.defect(of: [1, 2, 3, 4], input: 2) == nil)
    }

    @Test func `inputs are found wherever the search begins`() {
        for (index, name) in ["left", "right", "free"].enumerated() {
            for guess in 0..<5 {
                let bytes = Array(name.utf8)
                let found = unsafe contract.index(named: bytes.span.bytes, guess: guess)
                #expect(found == index)
            }
        }
        let stranger = Array("righ".utf8)
        let found = unsafe contract.index(named: stranger.span.bytes, guess: 1)
        #expect(found == nil)
    }
}
