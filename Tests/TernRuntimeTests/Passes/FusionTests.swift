import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

/// What fusion makes of small graphs, and that it computes the same.
@Suite struct FusionTests {
    /// Runs a graph with and without fusion.
    ///
    /// - Returns: The operators that are left with fusion, and both results.
    private func run(
        _ graph: Graph,
        _ inputs: [Tensor]
    ) throws -> (operators: [String], fused: [Float], plain: [Float]) {
        var options = CompiledModel.Options()
        let fused = try CompiledModel(graph, options: options)
        options.disabledFusions = Set(CompiledModel.fusionPasses.map(\.name))
        let plain = try CompiledModel(graph, options: options)
        #expect(plain.graph.nodes.allSatisfy { $0.domain.isEmpty })
        return (
            fused.graph.nodes.map(\.qualifiedOperatorName),
            try Session(fused)(inputs)[0].floats, try Session(plain)(inputs)[0].floats
        )
    }

    /// Numbers that follow no pattern, between -1 and 1.
    private func numbers(_ count: Int, seed: UInt32 = 1) -> [Float] {
        var state = seed &* 2_654_435_761
        return (0..<count).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return Float(state >> 8) / Float(1 << 23) - 1
        }
    }

    private func tensor(_ shape: Shape, seed: UInt32 = 1) -> Tensor {
        .floats(numbers(shape.elementCount, seed: seed), shape)
    }

    private func isClose(_ a: [Float], _ b: [Float]) -> Bool {
        a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= 1e-5 * max(1, abs($1)) }
    }

    // MARK: Half precision

    private func halves(_ shape: Shape, seed: UInt32) -> Tensor {
        let values = numbers(shape.elementCount, seed: seed).map { Float16($0) }
        return Tensor(elementType: .fp16, shape: shape, values: values)
    }

    private static let wide = Attribute.int(1)

    @Test func `products of half precision hand on single precision`() throws {
        var maker = GraphMaker()
        maker.input("x", [.symbolic("batch"), .fixed(3), .fixed(8), .fixed(9)], .fp16)
        maker.weight("w", halves([5, 3, 3, 3], seed: 2))
        maker.node("Conv", ["x", "w"], ["c"])
        maker.weight("b", halves([5, 1, 1], seed: 3))
        maker.node("Add", ["c", "b"], ["sum"])
        maker.node("Relu", ["sum"], ["r"])
        maker.node("MaxPool", ["r"], ["p"], ["kernel_shape": .ints([2, 2])])
        maker.node("Flatten", ["p"], ["f"])
        maker.weight("v", halves([150, 4], seed: 4))
        maker.node("MatMul", ["f", "v"], ["m"])
        maker.node("Cast", ["m"], ["y"], ["to": Self.wide])
        maker.output("y")
        let result = try run(maker.graph, [halves([2, 3, 8, 9], seed: 9)])
        #expect(
            result.operators
                == ["Cast", "ai.tern:Conv", "MaxPool", "Flatten", "MatMul", "Cast", "Cast"]
        )
        // The plain model rounds after every step, to eleven bits.
        let isClose = zip(result.fused, result.plain).allSatisfy { wide, rounded in
            abs(wide - rounded) <= 0.01 * max(1, abs(rounded))
        }
        #expect(isClose)
    }

    @Test func `what others read of half precision is rounded for them`() throws {
        var maker = GraphMaker()
        maker.input("x", [.fixed(2), .fixed(3)], .fp16)
        maker.weight("w", halves([3, 4], seed: 2))
        maker.node("MatMul", ["x", "w"], ["m"])
        maker.node("Relu", ["m"], ["r"])
        maker.node("Ceil", ["m"], ["c"])
        maker.node("Cast", ["c"], ["y"], ["to": Self.wide])
        maker.output("y")
        maker.output("r")
        let x = halves([2, 3], seed: 9)
        let result = try run(maker.graph, [x])
        #expect(result.fused == result.plain)
        let outputs = try Session(CompiledModel(maker.graph))([x])
        #expect(outputs[1].elementType == .fp16)
    }

    @Test func `without a product halves stay halves`() throws {
        var maker = GraphMaker()
        maker.input("x", [.fixed(4)], .fp16)
        maker.node("Relu", ["x"], ["r"])
        maker.node("Sigmoid", ["r"], ["s"])
        maker.node("Cast", ["s"], ["y"], ["to": Self.wide])
        maker.output("y")
        let result = try run(maker.graph, [halves([4], seed: 9)])
        #expect(result.operators == ["Relu", "Sigmoid", "Cast"])
    }

    // MARK: Convolutions

    @Test func `padding, normalization and activation become part of the convolution`() throws {
        var maker = GraphMaker()
        maker.input("x", [.symbolic("batch"), .fixed(3), .fixed(8), .fixed(9)])
        maker.weight("pads", .integers([0, 0, 1, 2, 0, 0, 1, 0]))
        maker.node("Pad", ["x", "pads"], ["padded"])
        maker.weight("w", tensor([5, 3, 3, 3]))
        maker.node("Conv", ["padded", "w"], ["c"], ["pads": .ints([0, 0, 1, 1])])
        for (index, name) in ["scale", "bias", "mean"].enumerated() {
            maker.weight(name, tensor([5], seed: UInt32(index + 2)))
        }
        maker.weight("variance", .floats([0.5, 1, 2, 0.1, 3]))
        maker.node("BatchNormalization", ["c", "scale", "bias", "mean", "variance"], ["n"])
        maker.node("Relu", ["n"], ["y"])
        maker.output("y")
        let result = try run(maker.graph, [tensor([2, 3, 8, 9], seed: 9)])
        #expect(result.operators == ["ai.tern:Conv"])
        #expect(isClose(result.fused, result.plain))
    }

    @Test(arguments: [false, true])
    func `a residual is added by the convolution that is done last`(isDepthwise: Bool) throws {
        var maker = GraphMaker()
        maker.input("x", [.symbolic("batch"), .fixed(4), .fixed(6), .fixed(6)])
        maker.weight("w", tensor([4, isDepthwise ? 1 : 4, 3, 3]))
        maker.weight("b", tensor([4, 1, 1], seed: 5))
        maker.node("Sigmoid", ["x"], ["s"])
        maker.node(
            "Conv",
            ["s", "w"],
            ["c"],
            ["pads": .ints([1, 1, 1, 1]), "group": .int(isDepthwise ? 4 : 1)]
        )
        maker.node("Add", ["b", "c"], ["d"])
        maker.node("Add", ["s", "d"], ["sum"])
        maker.weight("low", .floats([0], []))
        maker.weight("high", .floats([6], []))
        maker.node("Clip", ["sum", "low", "high"], ["y"])
        maker.output("y")
        let result = try run(maker.graph, [tensor([2, 4, 6, 6], seed: 9)])
        #expect(result.operators == ["Sigmoid", "ai.tern:Conv"])
        #expect(isClose(result.fused, result.plain))
    }

    @Test func `what pads with something else than zeros, or pads channels, stays`() throws {
        for (pads, value) in [
            ([0, 0, 1, 1, 0, 0, 1, 1], Float(2)), ([0, 1, 0, 0, 0, 0, 0, 0], 0),
        ] {
            var maker = GraphMaker()
            maker.input("x", [.fixed(1), .fixed(2), .fixed(5), .fixed(5)])
            maker.weight("pads", .integers(pads.map(Int64.init)))
            maker.weight("value", .floats([value], []))
            maker.node("Pad", ["x", "pads", "value"], ["padded"])
            maker.weight("w", tensor([2, 2 + pads[1], 3, 3]))
            maker.node("Conv", ["padded", "w"], ["y"])
            maker.output("y")
            let result = try run(maker.graph, [tensor([1, 2, 5, 5])])
            #expect(result.operators == ["Pad", "Conv"])
            #expect(result.fused == result.plain)
        }
    }

    @Test func `a column of an image is convolved as a row`() throws {
        for (size, kernel) in [([7, 1], [3, 1]), ([1, 7], [1, 3])] {
            var maker = GraphMaker()
            maker.input("x", [.fixed(1), .fixed(2)] + size.map { .fixed($0) })
            maker.weight("w", tensor(Shape([3, 2] + kernel)))
            maker.node(
                "Conv",
                ["x", "w"],
                ["y"],
                ["strides": .ints(kernel.map { $0 > 1 ? 2 : 1 })]
            )
            maker.output("y")
            let result = try run(maker.graph, [tensor(Shape([1, 2] + size))])
            var row = GraphMaker()
            row.input("x", [.fixed(1), .fixed(2), .fixed(7)])
            row.weight("w", tensor([3, 2, 3]))
            row.node("Conv", ["x", "w"], ["y"], ["strides": .ints([2])])
            row.output("y")
            #expect(try run(row.graph, [tensor([1, 2, 7])]).fused == result.fused)
        }
    }

    // MARK: Products

    @Test func `bias, residual and activation become part of the product, bit by bit`() throws {
        for activation in ["Relu", "Tanh", "Sigmoid", "LeakyRelu", "HardSwish"] {
            var maker = GraphMaker()
            maker.input("x", [.symbolic("batch"), .symbolic("length"), .fixed(7)])
            maker.weight("w", tensor([7, 7]))
            maker.weight("b", tensor([7], seed: 2))
            maker.node("MatMul", ["x", "w"], ["p"])
            maker.node("Add", ["b", "p"], ["q"])
            maker.node("Add", ["q", "x"], ["r"])
            maker.node(activation, ["r"], ["y"])
            maker.output("y")
            let result = try run(maker.graph, [tensor([2, 3, 7], seed: 3)])
            #expect(result.operators == ["ai.tern:MatMul"])
            #expect(result.fused == result.plain)
        }
    }

    @Test func `a residual that the result is written over is read first, however deep it is`()
        throws
    {
        for depth in [7, 700, 1600] {
            var maker = GraphMaker()
            maker.input("x", [.fixed(40), .fixed(depth)])
            maker.input("z", [.fixed(40), .fixed(33)])
            maker.weight("w", tensor([depth, 33]))
            maker.node("Neg", ["z"], ["n"])
            maker.node("MatMul", ["x", "w"], ["p"])
            maker.node("Add", ["p", "n"], ["y"])
            maker.output("y")
            let result = try run(
                maker.graph,
                [tensor([40, depth], seed: 3), tensor([40, 33], seed: 4)]
            )
            #expect(result.operators == ["Neg", "ai.tern:MatMul"])
            #expect(result.fused == result.plain)
        }
    }

    @Test func `an addend that may have another shape stays outside`() throws {
        for (dimensions, shape) in [
            ([Dimension.symbolic("other"), .fixed(4)], Shape([3, 4])),
            ([.fixed(1), .fixed(4)], [1, 4]),
            ([.unknown, .fixed(4)], [3, 4]),
        ] {
            var maker = GraphMaker()
            maker.input("x", [.symbolic("batch"), .fixed(4)])
            maker.input("z", dimensions)
            maker.weight("w", tensor([4, 4]))
            maker.node("MatMul", ["x", "w"], ["p"])
            maker.node("Add", ["p", "z"], ["y"])
            maker.output("y")
            let result = try run(maker.graph, [tensor([3, 4]), tensor(shape, seed: 2)])
            #expect(result.operators == ["MatMul", "Add"])
            #expect(result.fused == result.plain)
        }
    }

    @Test func `a result that others read as well stays`() throws {
        var maker = GraphMaker()
        maker.input("x", [.fixed(2), .fixed(4)])
        maker.weight("w", tensor([4, 4]))
        maker.node("MatMul", ["x", "w"], ["p"])
        maker.node("Relu", ["p"], ["y"])
        maker.output("y")
        maker.output("p")
        #expect(try run(maker.graph, [tensor([2, 4])]).operators == ["MatMul", "Relu"])
        var twice = GraphMaker()
        twice.input("x", [.fixed(2), .fixed(4)])
        twice.weight("w", tensor([4, 4]))
        twice.node("MatMul", ["x", "w"], ["p"])
        twice.node("Add", ["p", "p"], ["y"])
        twice.output("y")
        #expect(try run(twice.graph, [tensor([2, 4])]).operators == ["MatMul", "Add"])
    }

    @Test func `Gemm takes the activation over, whatever it adds`() throws {
        for shape: Shape in [[4], [3, 1], [3, 4], [1, 1]] {
            var maker = GraphMaker()
            maker.input("x", [.fixed(3), .fixed(5)])
            maker.weight("w", tensor([4, 5]))
            maker.weight("c", tensor(shape, seed: 3))
            maker.node("Gemm", ["x", "w", "c"], ["p"], ["transB": .int(1), "alpha": .float(0.5)])
            maker.node("Elu", ["p"], ["y"])
            maker.output("y")
            let result = try run(maker.graph, [tensor([3, 5], seed: 4)])
            #expect(result.operators == ["ai.tern:Gemm"])
            #expect(result.fused == result.plain)
        }
    }

    // MARK: Activations

    private func gelu(
        _ steps: [(String, [String], String)],
        root: Float = 1.414_213_6
    ) throws -> (operators: [String], fused: [Float], plain: [Float]) {
        var maker = GraphMaker()
        maker.input("x", [.symbolic("n"), .fixed(8)])
        maker.weight("root", .floats([root], []))
        maker.weight("half", .floats([0.5], [1]))
        maker.weight("one", .floats([1], []))
        for (name, inputs, output) in steps { maker.node(name, inputs, [output]) }
        maker.output("y")
        return try run(maker.graph, [tensor([3, 8])])
    }

    @Test func `GELU is found in whatever order its factors come`() throws {
        let start = [
            ("Div", ["x", "root"], "a"), ("Erf", ["a"], "e"), ("Add", ["one", "e"], "s"),
        ]
        let ends = [
            [("Mul", ["x", "s"], "m"), ("Mul", ["m", "half"], "y")],
            [("Mul", ["s", "half"], "m"), ("Mul", ["m", "x"], "y")],
            [("Mul", ["x", "half"], "m"), ("Mul", ["m", "s"], "y")],
            [("Mul", ["half", "x"], "m"), ("Mul", ["s", "m"], "y")],
        ]
        for end in ends {
            let result = try gelu(start + end)
            #expect(result.operators == ["Gelu"])
            #expect(isClose(result.fused, result.plain))
        }
    }

    @Test func `what only looks like GELU stays`() throws {
        let steps = [
            ("Div", ["x", "root"], "a"), ("Erf", ["a"], "e"), ("Add", ["e", "one"], "s"),
            ("Mul", ["x", "s"], "m"), ("Mul", ["m", "half"], "y"),
        ]
        #expect(try gelu(steps, root: 1.4).operators.count == 5)
        var inverted = steps
        inverted[0] = ("Div", ["root", "x"], "a")
        #expect(try gelu(inverted).operators.count == 5)
        var squared = steps
        squared[3] = ("Mul", ["s", "s"], "m")
        #expect(try gelu(squared).operators.count == 5)
    }

    @Test func `the approximation of GELU is found, however its cube is made`() throws {
        let cubes = [
            [("Pow", ["x", "three"], "c"), ("Mul", ["c", "factor"], "t")],
            [("Mul", ["factor", "x"], "b"), ("Mul", ["x", "b"], "c"), ("Mul", ["x", "c"], "t")],
            [("Mul", ["x", "x"], "b"), ("Mul", ["x", "b"], "c"), ("Mul", ["c", "factor"], "t")],
            // Squares, and another factor: no GELU.
            [("Mul", ["x", "x"], "b"), ("Mul", ["b", "factor"], "t")],
            [("Pow", ["x", "three"], "c"), ("Mul", ["c", "half"], "t")],
        ]
        for (index, cube) in cubes.enumerated() {
            var maker = GraphMaker()
            maker.input("x", [.symbolic("n"), .fixed(8)])
            for (name, value) in [
                ("three", Float(3)), ("factor", 0.044715), ("root", 0.7978845608), ("one", 1),
                ("half", 0.5),
            ] { maker.weight(name, .floats([value], [])) }
            for (name, inputs, output) in cube { maker.node(name, inputs, [output]) }
            maker.node("Add", ["x", "t"], ["a"])
            maker.node("Mul", ["root", "a"], ["s"])
            maker.node("Tanh", ["s"], ["h"])
            maker.node("Add", ["h", "one"], ["o"])
            maker.node("Mul", ["o", "half"], ["m"])
            maker.node("Mul", ["x", "m"], ["y"])
            maker.output("y")
            let result = try run(maker.graph, [tensor([3, 8])])
            #expect((result.operators == ["Gelu"]) == (index < 3))
            #expect(isClose(result.fused, result.plain))
        }
    }

    @Test func `Swish and HardSwish are found`() throws {
        let cases: [(String, [(String, [String], String, [String: Attribute])])] = [
            ("Swish", [("Sigmoid", ["x"], "s", [:]), ("Mul", ["s", "x"], "y", [:])]),
            (
                "HardSwish",
                [
                    ("HardSigmoid", ["x"], "s", ["alpha": .float(1 / 6)]),
                    ("Mul", ["x", "s"], "y", [:]),
                ]
            ),
            (
                "HardSwish",
                [
                    ("Add", ["x", "three"], "a", [:]), ("Clip", ["a", "zero", "six"], "s", [:]),
                    ("Mul", ["x", "s"], "m", [:]), ("Div", ["m", "six"], "y", [:]),
                ]
            ),
        ]
        for (name, steps) in cases {
            var maker = GraphMaker()
            maker.input("x", [.fixed(3), .fixed(8)])
            for (constant, value) in [("three", Float(3)), ("zero", 0), ("six", 6)] {
                maker.weight(constant, .floats([value], []))
            }
            for (operatorName, inputs, output, attributes) in steps {
                maker.node(operatorName, inputs, [output], attributes)
            }
            maker.output("y")
            let x = Tensor.floats(numbers(24).map { $0 * 6 }, [3, 8])
            let result = try run(maker.graph, [x])
            #expect(result.operators == [name])
            #expect(isClose(result.fused, result.plain))
        }
    }
}
