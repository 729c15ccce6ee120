import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

@Suite struct BFloatWeightsTests {
    /// Rounded to bfloat16, to nearest, ties to even.
    private static func rounded(_ value: Float) -> Float {
        let bits = value.bitPattern
        return Float(bitPattern: (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000)
    }

    private static func floats(_ count: Int, _ scale: Float) -> [Float] {
        (0..<count).map { Float(($0 * 37 + 11) % 101 - 50) * scale }
    }

    private static let rows = 5
    private static let depth = 21
    private static let columns = 40

    private func model(_ build: (inout GraphMaker) -> Void) throws -> (CompiledModel, Int) {
        var maker = GraphMaker()
        maker.input("x", [.symbolic("n"), .fixed(Self.depth)])
        maker.input("r", [.symbolic("n"), .fixed(Self.columns)])
        build(&maker)
        maker.output("y")
        return try CompiledModel(maker.graph).applying(BFloatWeights())
    }

    private func check(
        _ model: CompiledModel,
        weight: (Int, Int) -> Float,
        _ finish: (Float, Int, Float) -> Float
    )
        throws
    {
        let x = Self.floats(Self.rows * Self.depth, 0.013)
        let r = Self.floats(Self.rows * Self.columns, 0.11)
        let found = try Session(model)([
            .floats(x, [Self.rows, Self.depth]), .floats(r, [Self.rows, Self.columns]),
        ])[0].floats
        for row in 0..<Self.rows {
            for column in 0..<Self.columns {
                var sum = 0.0
                for k in 0..<Self.depth {
                    sum += Double(
                        Self.rounded(x[row * Self.depth + k]) * Self.rounded(weight(k, column))
                    )
                }
                let index = row * Self.columns + column
                let expected = finish(Float(sum), column, r[index])
                #expect(abs(found[index] - expected) <= 1e-4 * max(1, abs(expected)))
            }
        }
    }

    @Test func `a product with its bias, residual and activation is computed from rounded numbers`()
        throws
    {
        let weights = Self.floats(Self.depth * Self.columns, 0.017)
        let bias = Self.floats(Self.columns, 0.05)
        let (model, count) = try model { maker in
            maker.weight("w", .floats(weights, [Self.depth, Self.columns]))
            maker.weight("b", .floats(bias))
            maker.node("MatMul", ["x", "w"], ["p"])
            maker.node("Add", ["p", "b"], ["q"])
            maker.node("Add", ["q", "r"], ["s"])
            maker.node("Relu", ["s"], ["y"])
        }
        #expect(count == 1)
        #expect(model.graph.nodes.map(\.operatorName) == ["BFloatMatMul"])
        #expect(model.graph.initializers.values.map(\.elementType).contains(.bf16))
        // The 32-bit weight is gone: the bias is the only tensor of its type.
        #expect(model.graph.initializers.values.filter { $0.elementType == .fp32 }.count == 1)
        try check(model, weight: { weights[$0 * Self.columns + $1] }) { max(0, $0 + bias[$1] + $2) }
    }

    @Test func `a Gemm with a transposed weight and a bias is one too`() throws {
        let weights = Self.floats(Self.depth * Self.columns, 0.017)
        let bias = Self.floats(Self.columns, 0.05)
        let (model, count) = try model { maker in
            maker.weight("w", .floats(weights, [Self.columns, Self.depth]))
            maker.weight("b", .floats(bias))
            maker.node("Gemm", ["x", "w", "b"], ["p"], ["transB": .int(1)])
            maker.node("Add", ["p", "r"], ["y"])
        }
        #expect(count == 1)
        try check(model, weight: { weights[$1 * Self.depth + $0] }) { $0 + bias[$1] + $2 }
    }

    @Test func `what is no plain product with a weight stays what it is`() throws {
        let weights = Self.floats(Self.depth * Self.columns, 0.017)
        let (model, count) = try model { maker in
            maker.weight("w", .floats(weights, [Self.depth, Self.columns]))
            maker.node("Gemm", ["x", "w"], ["p"], ["alpha": .float(2)])
            maker.node("Transpose", ["p"], ["t"])
            maker.node("MatMul", ["t", "r"], ["y"])
        }
        #expect(count == 0)
        #expect(!model.graph.nodes.contains { $0.operatorName.hasPrefix("BFloat") })
    }
}
