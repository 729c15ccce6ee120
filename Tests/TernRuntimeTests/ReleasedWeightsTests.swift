import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

@Suite struct ReleasedWeightsTests {
    private static let size = 160

    private static func weight(_ factor: Float) -> Tensor {
        let count = size * size
        return .floats((0..<count).map { Float($0 % 97 - 48) * factor }, [size, size])
    }

    /// Two products in a row, whose first weight may be an output as well.
    private func model(sharesWeight: Bool) throws -> CompiledModel {
        var maker = GraphMaker()
        maker.input("x", [.symbolic("n"), .fixed(Self.size)])
        maker.weight("a", Self.weight(0.01))
        maker.weight("c", Self.weight(0.002))
        maker.node("MatMul", ["x", "a"], ["p"])
        maker.node("Gemm", ["p", "c"], ["q"], ["transB": .int(1)])
        maker.node("Relu", ["q"], ["y"])
        maker.output("y")
        if sharesWeight { maker.output("a") }
        return try CompiledModel(maker.graph)
    }

    private func answers(_ model: CompiledModel) throws -> [[[Float]]] {
        let session = Session(model)
        return try [1, 7, 64].map { rows in
            let x = (0..<rows * Self.size).map { Float($0 % 31) / 8 - 2 }
            return try session([.floats(x, [rows, Self.size])]).map(\.floats)
        }
    }

    @Test(arguments: [false, true])
    func `a model answers the same without the weights that it has packed`(
        _ sharesWeight: Bool
    )
        throws
    {
        let expected = try answers(model(sharesWeight: sharesWeight))
        let model = try model(sharesWeight: sharesWeight)
        let released = model.releasePackedWeights()
        // What callers get stays.
        let weights = sharesWeight ? 1 : 2
        let byteCount = Self.size * Self.size * 4
        #expect(released <= weights * byteCount && released > weights * byteCount - weights * 8192)
        #expect(try answers(model) == expected)
    }

    @Test func `what a view shows is not given back`() {
        let owner = AlignedBuffer(byteCount: 1 << 16)
        let view = unsafe AlignedBuffer(
            viewing: UnsafeRawBufferPointer(start: owner.baseAddress, count: 1 << 16),
            keptBy: owner
        )
        #expect(view.release() == 0 && !view.isReleased)
    }
}
