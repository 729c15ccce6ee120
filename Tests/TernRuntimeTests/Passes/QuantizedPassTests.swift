import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

/// Operators between DequantizeLinear and QuantizeLinear, and products that are quantised during a call.
@Suite struct QuantizedPassTests {
    private func bytes(_ shape: Shape, seed: UInt32) -> Tensor {
        let values = scattered(shape, seed: seed).floats.map { Int8($0 * 127) }
        return Tensor(elementType: .int8, shape: shape, values: values)
    }

    /// Numbers quantised, an operator, and the result quantised and read again.
    private func run(
        input: Shape,
        scale: Float = 0.02,
        zero: Int8 = 3,
        _ build: (inout GraphMaker) -> Void
    ) throws -> PassComparison {
        var maker = GraphMaker()
        maker.input("x", [.symbolic("n")] + input.dropFirst().map { .fixed($0) })
        maker.weight("xs", .floats([0.008], []))
        maker.weight("xz", Tensor(elementType: .int8, shape: [], values: [Int8(-5)]))
        maker.weight("ys", .floats([scale], []))
        maker.weight("yz", Tensor(elementType: .int8, shape: [], values: [zero]))
        maker.node("QuantizeLinear", ["x", "xs", "xz"], ["xq"])
        maker.node("DequantizeLinear", ["xq", "xs", "xz"], ["xd"])
        build(&maker)
        maker.node("QuantizeLinear", ["r", "ys", "yz"], ["rq"])
        maker.node("DequantizeLinear", ["rq", "ys", "yz"], ["y"])
        maker.output("y")
        return try PassComparison(maker.graph, [scattered(input)])
    }

    /// Whether the results differ by no more than one step of the scale.
    private func isWithinOneStep(_ result: PassComparison, scale: Float = 0.02) -> Bool {
        result.fused.shape == result.plain.shape
            && zip(result.fused.floats, result.plain.floats).allSatisfy {
                abs($0 - $1) <= scale * 1.01
            }
    }

    private func weight(_ maker: inout GraphMaker, _ shape: Shape, axis: Int?, scales: Int) {
        maker.weight("wc", bytes(shape, seed: 5))
        let numbers = (0..<scales).map { 0.003 + 0.0007 * Float($0) }
        maker.weight("ws", .floats(numbers, axis == nil ? [] : [scales]))
        maker.node(
            "DequantizeLinear",
            ["wc", "ws"],
            ["w"],
            axis.map { ["axis": .int($0)] } ?? [:]
        )
    }

    @Test(arguments: [1, 4])
    func `a convolution of bytes takes its bias in 32 bits or as floats`(scales: Int) throws {
        for hasFloatBias in [false, true] {
            let result = try run(input: [2, 3, 6, 6]) { maker in
                weight(&maker, [4, 3, 3, 3], axis: scales == 1 ? nil : 0, scales: scales)
                if hasFloatBias {
                    maker.weight("b", .floats([0.1, -0.2, 0.3, 0]))
                } else {
                    maker.weight(
                        "bc",
                        Tensor(
                            elementType: .int32,
                            shape: [4],
                            values: [900, -400, 70, 0] as [Int32]
                        )
                    )
                    let units = (0..<scales).map { Float(0.008) * (0.003 + 0.0007 * Float($0)) }
                    maker.weight("bs", .floats(units, scales == 1 ? [] : [4]))
                    maker.node("DequantizeLinear", ["bc", "bs"], ["b"], ["axis": .int(0)])
                }
                maker.node("Conv", ["xd", "w", "b"], ["r"], ["pads": .ints([1, 1, 1, 1])])
            }
            #expect(result.operators == ["QuantizeLinear", "QLinearConv", "DequantizeLinear"])
            #expect(isWithinOneStep(result))
        }
    }

    @Test func `Relu goes where the bytes say as much, and stays where they don't`() throws {
        for (zero, isFused) in [(Int8(-128), true), (3, false)] {
            let result = try run(input: [1, 2, 5, 5], zero: zero) { maker in
                weight(&maker, [4, 2, 3, 3], axis: nil, scales: 1)
                maker.node("Conv", ["xd", "w"], ["c"])
                maker.node("Relu", ["c"], ["r"])
            }
            #expect(result.operators.contains("QLinearConv") == isFused)
            #expect(isWithinOneStep(result))
        }
    }

    @Test func `products of bytes take a scale for each column`() throws {
        for scales in [1, 7] {
            let product = try run(input: [3, 5]) { maker in
                weight(&maker, [5, 7], axis: scales == 1 ? nil : 1, scales: scales)
                maker.node("MatMul", ["xd", "w"], ["r"])
            }
            #expect(product.operators == ["QuantizeLinear", "QLinearMatMul", "DequantizeLinear"])
            #expect(isWithinOneStep(product))
            let gemm = try run(input: [3, 5]) { maker in
                weight(&maker, [7, 5], axis: scales == 1 ? nil : 0, scales: scales)
                maker.weight("b", scattered([7], seed: 8))
                maker.node("Gemm", ["xd", "w", "b"], ["r"], ["transB": .int(1)])
            }
            #expect(
                gemm.operators == ["QuantizeLinear", "com.microsoft:QGemm", "DequantizeLinear"]
            )
            #expect(isWithinOneStep(gemm))
        }
    }

    @Test func `scales along another axis, or another factor, keep a product with floats`() throws {
        let product = try run(input: [3, 5]) { maker in
            weight(&maker, [5, 7], axis: 0, scales: 5)
            maker.node("MatMul", ["xd", "w"], ["r"])
        }
        #expect(!product.operators.contains("QLinearMatMul"))
        #expect(isWithinOneStep(product))
        let gemm = try run(input: [3, 5]) { maker in
            weight(&maker, [5, 7], axis: nil, scales: 1)
            maker.node("Gemm", ["xd", "w"], ["r"], ["alpha": .float(0.5)])
        }
        #expect(!gemm.operators.contains("com.microsoft:QGemm"))
        #expect(isWithinOneStep(gemm))
    }

    @Test func `sums, products, means and sigmoids work on bytes`() throws {
        for name in ["Add", "Mul"] {
            let result = try run(input: [2, 9]) { maker in
                maker.node("Neg", ["xd"], ["n"])
                maker.node("QuantizeLinear", ["n", "xs", "xz"], ["nq"])
                maker.node("DequantizeLinear", ["nq", "xs", "xz"], ["nd"])
                maker.node(name, ["xd", "nd"], ["r"])
            }
            #expect(result.count(of: "com.microsoft:QLinear\(name)") == 1)
            #expect(isWithinOneStep(result))
        }
        for name in ["GlobalAveragePool", "Sigmoid"] {
            let result = try run(input: [2, 3, 4, 4]) { maker in
                maker.node(name, ["xd"], ["r"])
            }
            #expect(result.count(of: "com.microsoft:QLinear\(name)") == 1)
            #expect(isWithinOneStep(result))
        }
    }

    @Test func `bytes are moved as they are if their scale stays`() throws {
        for (scale, zero, isMoved) in [(Float(0.008), Int8(-5), true), (0.02, -5, false)] {
            let result = try run(input: [2, 3, 4], scale: scale, zero: zero) { maker in
                maker.node("Transpose", ["xd"], ["r"], ["perm": .ints([0, 2, 1])])
            }
            #expect(
                result.operators.count == (isMoved ? 3 : 5)
            )
            #expect(isMoved ? result.isEqual : isWithinOneStep(result))
        }
    }

    @Test func `a result that others read as floats stays`() throws {
        let result = try run(input: [3, 5]) { maker in
            weight(&maker, [5, 7], axis: nil, scales: 1)
            maker.node("MatMul", ["xd", "w"], ["r"])
            maker.output("r")
        }
        #expect(!result.operators.contains("QLinearMatMul"))
    }

    // MARK: During the call

    private func dynamic(
        scale: Tensor,
        bias: Tensor?,
        activation: String?,
        showsSum: Bool = false
    ) throws -> PassComparison {
        var maker = GraphMaker()
        maker.input("x", [.symbolic("n"), .symbolic("m"), .fixed(5)])
        maker.weight("w", bytes([5, 6], seed: 2))
        maker.weight("wz", Tensor(elementType: .int8, shape: [], values: [Int8(4)]))
        maker.weight("ws", scale)
        maker.node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"])
        maker.node("MatMulInteger", ["q", "w", "z", "wz"], ["sums"])
        maker.node("Cast", ["sums"], ["floats"], ["to": .int(1)])
        maker.node("Mul", ["s", "ws"], ["factor"])
        maker.node("Mul", ["floats", "factor"], ["v"])
        var last = "v"
        if let bias {
            maker.weight("b", bias)
            maker.node("Add", ["b", last], ["biased"])
            last = "biased"
        }
        if let activation {
            maker.node(activation, [last], ["active"])
            last = "active"
        }
        maker.output(last)
        if showsSum { maker.output("floats") }
        return try PassComparison(maker.graph, [scattered([2, 3, 5], seed: 4)])
    }

    @Test func `a product, its scale, its bias and its activation become one, bit by bit`() throws {
        let scales = scattered([6], seed: 6)
        for scale in [Tensor.floats([0.01], []), .floats([0.01]), scales] {
            for (bias, activation) in [
                (nil, nil), (scattered([6], seed: 7), nil), (scattered([6], seed: 7), "Relu"),
                (nil, "Tanh"),
            ] as [(Tensor?, String?)] {
                let result = try dynamic(scale: scale, bias: bias, activation: activation)
                #expect(
                    result.operators == ["DynamicQuantizeLinear", "Mul", "ai.tern:MatMulInteger"]
                )
                #expect(result.isEqual)
            }
        }
    }

    @Test func `sums that the caller gets, and scales of rows, stay outside`() throws {
        let seen = try dynamic(
            scale: .floats([0.01], []),
            bias: nil,
            activation: nil,
            showsSum: true
        )
        #expect(seen.count(of: "MatMulInteger") == 1)
        let rows = try dynamic(scale: scattered([3, 1]), bias: nil, activation: nil)
        #expect(rows.count(of: "MatMulInteger") == 1)
        #expect(rows.isEqual)
        let bias = try dynamic(
            scale: .floats([0.01], []),
            bias: scattered([3, 6]),
            activation: nil
        )
        #expect(bias.operators.suffix(2) == ["ai.tern:MatMulInteger", "Add"])
        #expect(bias.isEqual)
    }
}
