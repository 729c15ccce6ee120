import TernGraph
import TernKernels
import TernTensor
import Testing

@testable import TernRuntime

@Suite struct CalibrationTests {
    /// A convolution with an activation, a pooling, and a classifier.
    private func network() -> Graph {
        var maker = GraphMaker()
        maker.input("x", [.symbolic("n"), .fixed(3), .fixed(12), .fixed(12)])
        maker.weight("f", scattered([8, 3, 3, 3], seed: 3))
        maker.weight("b", scattered([8], seed: 4))
        maker.weight("w", scattered([8, 5], seed: 5))
        maker.weight("c", scattered([5], seed: 6))
        maker.node("Conv", ["x", "f", "b"], ["p"], ["pads": .ints([1, 1, 1, 1])])
        maker.node("Relu", ["p"], ["q"])
        maker.node("GlobalAveragePool", ["q"], ["g"])
        maker.node("Flatten", ["g"], ["h"])
        maker.node("Gemm", ["h", "w", "c"], ["y"])
        maker.output("y")
        return maker.graph
    }

    private static let context = KernelContext(pool: nil)

    private func sets(_ count: Int, from seed: UInt32) -> [[Tensor]] {
        (0..<count).map { [scattered([2, 3, 12, 12], seed: seed + UInt32($0))] }
    }

    @Test func `products compute with bytes, and answers stay close`() throws {
        let graph = network()
        let (model, count) = try CompiledModel.quantized(
            graph,
            calibrating: sets(4, from: 100),
            context: Self.context
        )
        #expect(count == 2)
        let names = model.graph.nodes.map(\.operatorName)
        #expect(names.contains("QLinearConv") && names.contains("QGemm"))
        #expect(!names.contains("Relu"))
        let reference = try CompiledModel(graph)
        for set in sets(3, from: 900) {
            let expected = try Session(reference)(set)[0].floats
            let found = try Session(model)(set)[0].floats
            let largest = expected.map(abs).max() ?? 0
            for (a, b) in zip(found, expected) { #expect(abs(a - b) < 0.03 * largest) }
        }
        #expect(model.outputs.map(\.name) == reference.outputs.map(\.name))
    }

    @Test func `what two read is rounded once, and the model's own input stays for others`() throws
    {
        var maker = GraphMaker()
        maker.input("x", [.symbolic("n"), .fixed(6)])
        maker.weight("w", scattered([6, 6], seed: 2))
        maker.node("MatMul", ["x", "w"], ["p"])
        maker.node("MatMul", ["p", "w"], ["q"])
        maker.node("Add", ["q", "x"], ["s"])
        maker.node("Add", ["s", "p"], ["y"])
        maker.output("y")
        let set = [scattered([4, 6], seed: 9)]
        let (model, count) = try CompiledModel.quantized(
            maker.graph,
            calibrating: [set],
            context: Self.context
        )
        #expect(count == 2)
        #expect(model.graph.nodes.count { $0.operatorName == "QuantizeLinear" } == 1)
        let expected = try Session(CompiledModel(maker.graph))(set)[0].floats
        let found = try Session(model)(set)[0].floats
        let largest = expected.map(abs).max() ?? 0
        for (a, b) in zip(found, expected) { #expect(abs(a - b) < 0.03 * largest) }
    }

    @Test func `a model without such products stays as it is, and wrong sets are named`() throws {
        var maker = GraphMaker()
        maker.input("x", [.symbolic("n"), .fixed(6)])
        maker.node("Relu", ["x"], ["y"])
        maker.output("y")
        let (_, count) = try CompiledModel.quantized(
            maker.graph,
            calibrating: [],
            context: Self.context
        )
        #expect(count == 0)
        let error = #expect(throws: CompiledModel.CalibrationError.self) {
            try CompiledModel.quantized(
                network(),
                calibrating: sets(1, from: 1) + [[scattered([1, 4, 12, 12])]],
                context: Self.context
            )
        }
        #expect(error?.description.hasPrefix("calibration set 1: ") == true)
    }

    @Test func `ranges hold 0, and odd numbers don't spoil them`() {
        var range = ValueRange()
        #expect(range.scale == 1 && range.zeroPoint == 0)
        range.include([.nan, .infinity, 2.55])
        #expect(range.lower == 0 && range.upper == 2.55 && range.zeroPoint == 0)
        #expect(abs(range.scale - 0.01) < 1e-6)
        range.include([-2.55])
        #expect(range.zeroPoint == 128)
        var tiny = ValueRange()
        tiny.include([Float.leastNonzeroMagnitude])
        #expect(tiny.scale == 1)
    }

    @Test func `weights get a scale for each channel, and what is not finite becomes a byte`() {
        let tensor = Tensor.floats([1, -2, 0.5, 127, 0, -.infinity, .nan, 63.5], [2, 4])
        let (rows, scales) = QuantizationInsertion.bytes(of: tensor, axis: 0)
        #expect(scales == [1, 0.5])
        #expect(rows.elements(as: Int8.self) == [1, -2, 0, 127, 0, -127, 0, 127])
        let (_, columns) = QuantizationInsertion.bytes(of: tensor, axis: 1)
        #expect(columns.count == 4)
        let zeros = Tensor.floats([0, 0], [1, 2])
        #expect(QuantizationInsertion.bytes(of: zeros, axis: 0).scales == [1])
    }
}
