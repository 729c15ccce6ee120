import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

/// Products with weights that are kept as bytes.
@Suite struct WeightDequantizationTests {
    private func run(
        type: ElementType,
        scales: Shape,
        attributes: [String: Attribute],
        hasZeros: Bool,
        bias: Shape? = nil
    ) throws -> PassComparison {
        var maker = GraphMaker(version: 21)
        maker.input("x", [.symbolic("n"), .fixed(70)])
        let codes = (0..<70 * 6).map { UInt8(truncatingIfNeeded: $0 * 37 + 11) }
        maker.weight("codes", Tensor(elementType: type, shape: [70, 6], values: codes))
        let numbers = scattered(scales, seed: 3).floats.map { $0 * 0.01 }
        maker.weight("scales", .floats(numbers, scales))
        var inputs = ["codes", "scales"]
        if hasZeros {
            let zeros = (0..<scales.elementCount).map { UInt8(truncatingIfNeeded: $0 * 91 + 7) }
            maker.weight("zeros", Tensor(elementType: type, shape: scales, values: zeros))
            inputs.append("zeros")
        }
        maker.node("DequantizeLinear", inputs, ["w"], attributes)
        maker.node("MatMul", ["x", "w"], ["p"])
        if let bias {
            maker.weight("b", scattered(bias, seed: 5))
            maker.node("Add", ["p", "b"], ["y"])
        }
        maker.output(bias == nil ? "p" : "y")
        return try PassComparison(maker.graph, [scattered([3, 70])])
    }

    private static let fused = "com.microsoft:MatMulNBits"

    @Test(arguments: [ElementType.int8, .uint8], [false, true])
    func `a weight is dequantised by its product, bit by bit`(
        type: ElementType,
        hasZeros: Bool
    ) throws {
        for (scales, attributes) in [
            ([], [:]), ([6], ["axis": .int(1)]),
            ([3, 6], ["axis": .int(0), "block_size": .int(32)]),
        ] as [(Shape, [String: Attribute])] {
            let result = try run(
                type: type,
                scales: scales,
                attributes: attributes,
                hasZeros: hasZeros
            )
            #expect(result.operators == [Self.fused])
            #expect(result.isEqual)
        }
    }

    @Test func `a bias for each column is taken over, another is not`() throws {
        for (bias, operators) in [([6] as Shape, [Self.fused]), ([3, 6], [Self.fused, "Add"])] {
            let result = try run(
                type: .int8,
                scales: [6],
                attributes: ["axis": .int(1)],
                hasZeros: true,
                bias: bias
            )
            #expect(result.operators == operators)
            #expect(result.isEqual)
        }
    }

    @Test func `scales of rows, and blocks of odd lengths, are folded as before`() throws {
        for (scales, attributes) in [
            ([70], ["axis": .int(0)]), ([7, 6], ["axis": .int(0), "block_size": .int(10)]),
        ] as [(Shape, [String: Attribute])] {
            let result = try run(
                type: .uint8,
                scales: scales,
                attributes: attributes,
                hasZeros: false
            )
            #expect(result.operators == ["MatMul"])
            #expect(result.isEqual)
        }
    }
}
