import TernClient
import TernRuntime
import TernServer
import TernTensor
import TernTransport
import Testing

/// Requests that run together.
@Suite struct BatchingTests {
    private static let row = [
        TensorDescriptor(name: "x", elementType: .fp32, dimensions: [.symbolic("n"), .fixed(3)])
    ]

    private func server(
        _ world: World,
        _ model: RowModel,
        workerCount: Int = 1
    ) throws -> TestServer {
        try TestServer(in: world, models: ["rows": model]) {
            $0.workerCount = workerCount
            $0.limits.batchRowCount = 16
        }
    }

    @Test(arguments: World.allCases)
    func `everybody gets the rows of their own request, whatever they ran together with`(
        _ world: World
    ) async throws {
        let test = try server(world, RowModel(outputs: Self.row))
        let client = try test.client()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<48 {
                group.addTask {
                    for call in 0..<10 {
                        let count = 1 + (caller + call) % 3
                        let values = (0..<count * 3).map { Float(caller * 1000 + call * 10 + $0) }
                        let reply = try await client.infer(
                            model: "rows",
                            inputs: [InferInput("x", shape: [count, 3], values)],
                            options: CallOptions(wantsPhaseTimes: true)
                        )
                        #expect(try reply.output("y").shape == [count, 3])
                        #expect(try reply.output("y").array() == values.map { 2 * $0 })
                        #expect(reply.phaseTimes != nil)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(test.server.counters.completedCount == 480)
        #expect(test.server.counters.batchCount > 0)
        #expect(test.server.counters.batchedCount > 2 * test.server.counters.batchCount)
        #expect(test.server.inFlightCount == 0)
        client.close()
    }

    @Test func `a row that fails fails alone`() async throws {
        let test = try server(.inProcess, RowModel(outputs: Self.row))
        let client = try test.client()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<32 {
                group.addTask {
                    let bad = caller % 8 == 0
                    let values = [Float](repeating: bad ? -1 : Float(caller), count: 3)
                    let input = InferInput("x", shape: [1, 3], values)
                    if bad {
                        let error = await #expect(throws: TernError.self) {
                            try await client.infer(model: "rows", inputs: [input])
                        }
                        #expect(error?.code == .invalidArgument)
                    } else {
                        let reply = try await client.infer(model: "rows", inputs: [input])
                        #expect(try reply.output("y").array() == values.map { 2 * $0 })
                    }
                }
            }
            try await group.waitForAll()
        }
        client.close()
    }

    @Test func `rows that touch each other are never put together`() throws {
        let inputs = InputContract(Self.row)
        let outputs = OutputContract(Self.row)
        let probe = BatchProbe(rowLimit: 16, budgetNanoseconds: 20_000_000_000)
        for (mixesRows, expected) in [(false, 16), (true, 1)] {
            let model = RowModel(outputs: Self.row, mixesRows: mixesRows)
            let limit = probe.worthwhileRowCount(
                of: model,
                on: try model.makeExecutor(),
                inputs: inputs,
                outputs: outputs
            )
            #expect(limit == expected)
        }
    }

    @Test func `rows that become no cheaper together are not put together`() throws {
        let probe = BatchProbe(rowLimit: 16, budgetNanoseconds: 20_000_000_000)
        let model = RowModel(outputs: Self.row, costsByRow: true)
        let limit = probe.worthwhileRowCount(
            of: model,
            on: try model.makeExecutor(),
            inputs: InputContract(Self.row),
            outputs: OutputContract(Self.row)
        )
        #expect(limit <= 2)
    }

    @Test func `only models whose inputs and outputs all have rows can run several requests`() {
        func isBatched(_ inputs: [[Dimension]?], _ outputs: [[Dimension]?]) -> Bool {
            func describe(_ list: [[Dimension]?], _ name: String) -> [TensorDescriptor] {
                list.enumerated().map {
                    TensorDescriptor(
                        name: "\(name)\($0.offset)",
                        elementType: .fp32,
                        dimensions: $0.element
                    )
                }
            }
            return BatchContract(
                inputs: InputContract(describe(inputs, "x")),
                outputs: OutputContract(describe(outputs, "y"))
            ) != nil
        }
        let n = Dimension.symbolic("n")
        #expect(isBatched([[n, .fixed(3)]], [[n]]))
        #expect(isBatched([[.unknown, .fixed(3)]], [[.unknown, .fixed(2)]]))
        #expect(isBatched([[n], [n, .symbolic("m")]], [[n]]))
        #expect(!isBatched([[.fixed(1), .fixed(3)]], [[n]]))
        #expect(!isBatched([[n]], [[.fixed(1)]]))
        #expect(!isBatched([[n], [.symbolic("m")]], [[n]]))
        #expect(!isBatched([[n, n]], [[n]]))
        #expect(!isBatched([nil], [[n]]))
        #expect(!isBatched([[.unknown], [.unknown]], [[n]]))
        #expect(!isBatched([], [[n]]))
    }
}

/// Doubles every number; a call takes as long for many rows as for one.
///
/// A number of -1 or less makes the call fail.
private final class RowModel: ExecutableModel {
    let inputs: [TensorDescriptor]
    let outputs: [TensorDescriptor]
    private let mixesRows: Bool
    private let costsByRow: Bool

    init(outputs: [TensorDescriptor], mixesRows: Bool = false, costsByRow: Bool = false) {
        inputs = outputs
        self.outputs = outputs.map {
            TensorDescriptor(name: "y", elementType: $0.elementType, dimensions: $0.dimensions)
        }
        self.mixesRows = mixesRows
        self.costsByRow = costsByRow
    }

    func makeExecutor() throws(ExecutionFailure) -> any ModelExecutor {
        RowExecutor(mixesRows: mixesRows, costsByRow: costsByRow)
    }
}

private final class RowExecutor: ModelExecutor, @unchecked Sendable {
    private let mixesRows: Bool
    private let costsByRow: Bool
    private var values: [Float] = []
    private var result = AlignedBuffer(byteCount: 0)
    private var shape: Shape = []

    init(mixesRows: Bool, costsByRow: Bool) {
        self.mixesRows = mixesRows
        self.costsByRow = costsByRow
    }

    func bindInput(_ index: Int, _ bytes: RawSpan, shape: Shape) throws(ExecutionFailure) {
        values = (0..<bytes.byteCount / 4).map {
            // SAFETY: every four bytes are a number.
            unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 4 * $0, as: Float.self)
        }
        self.shape = shape
    }

    func run(unless interruption: Interruption) throws(ExecutionFailure) {
        // Numbers of the probe lie above -1.
        guard values.allSatisfy({ $0 > -1 }) else {
            throw ExecutionFailure(isCausedByRequest: true, reason: "a negative number")
        }
        let end =
            MonotonicClock.nanoseconds + 200_000 * UInt64(costsByRow ? Swift.max(shape[0], 1) : 1)
        while MonotonicClock.nanoseconds < end {}
        let sum: Float = mixesRows ? values.reduce(0, +) : 0
        let doubled = values.map { 2 * $0 + sum }
        result = AlignedBuffer(byteCount: 4 * doubled.count)
        unsafe result.withMutableBytes { target in
            unsafe doubled.withUnsafeBytes { unsafe target.copyMemory(from: $0) }
        }
    }

    func outputShape(_ index: Int) -> Shape { shape }

    @_lifetime(borrow self)
    func outputBytes(_ index: Int) -> RawSpan {
        let result = result
        let span = result.bytes
        return unsafe _overrideLifetime(span, borrowing: self)
    }
}
