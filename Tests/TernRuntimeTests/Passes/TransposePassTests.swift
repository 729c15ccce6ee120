import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

/// Transpositions that meet, and products that read operands as they were before one.
@Suite struct TransposePassTests {
    private static let toLast: [String: Attribute] = ["perm": .ints([0, 2, 3, 1])]
    private static let toFirst: [String: Attribute] = ["perm": .ints([0, 3, 1, 2])]

    @Test func `inverse transpositions cancel across operators on elements`() throws {
        for constant: Shape in [[], [3], [1, 1, 1, 3], [4, 1, 1]] {
            var maker = GraphMaker()
            maker.input("x", [.symbolic("n"), .fixed(3), .fixed(4), .fixed(5)])
            maker.weight("c", scattered(constant, seed: 2))
            maker.node("Transpose", ["x"], ["a"], Self.toLast)
            maker.node("Relu", ["a"], ["b"])
            maker.node("Mul", ["c", "b"], ["d"])
            maker.node("Transpose", ["d"], ["e"], Self.toFirst)
            maker.node("Neg", ["e"], ["y"])
            maker.output("y")
            let result = try PassComparison(maker.graph, [scattered([2, 3, 4, 5])])
            #expect(result.operators == ["Relu", "Mul", "Neg"])
            #expect(result.isEqual)
        }
    }

    @Test func `two transpositions become one`() throws {
        for between in [[], ["Tanh"]] {
            var maker = GraphMaker()
            maker.input("x", [.fixed(2), .fixed(3), .fixed(4), .fixed(5)])
            maker.node("Transpose", ["x"], ["v0"], Self.toLast)
            for (index, name) in between.enumerated() {
                maker.node(name, ["v\(index)"], ["v\(index + 1)"])
            }
            maker.node("Transpose", ["v\(between.count)"], ["t"], Self.toLast)
            maker.node("Neg", ["t"], ["y"])
            maker.output("y")
            let result = try PassComparison(maker.graph, [scattered([2, 3, 4, 5])])
            #expect(result.operators == between + ["Transpose", "Neg"])
            #expect(result.isEqual)
        }
    }

    @Test func `a transposition whose result others see stays`() throws {
        var maker = GraphMaker()
        maker.input("x", [.fixed(2), .fixed(3), .fixed(4), .fixed(5)])
        maker.node("Transpose", ["x"], ["a"], Self.toLast)
        maker.node("Relu", ["a"], ["b"])
        maker.node("Transpose", ["b"], ["y"], Self.toFirst)
        maker.output("y")
        maker.output("b")
        let result = try PassComparison(maker.graph, [scattered([2, 3, 4, 5])])
        #expect(result.operators == ["Transpose", "Relu", "Transpose"])
        #expect(result.isEqual)
    }

    @Test func `what mixes elements, and constants of several axes, keep transpositions apart`()
        throws
    {
        for (name, constant) in [("Mul", [4, 5, 3] as Shape), ("Softmax", nil)] {
            var maker = GraphMaker()
            maker.input("x", [.fixed(2), .fixed(3), .fixed(4), .fixed(5)])
            if let constant { maker.weight("c", scattered(constant)) }
            maker.node("Transpose", ["x"], ["a"], Self.toLast)
            maker.node(name, ["a"] + (constant == nil ? [] : ["c"]), ["b"])
            maker.node("Transpose", ["b"], ["t"], Self.toFirst)
            maker.node("Neg", ["t"], ["y"])
            maker.output("y")
            let result = try PassComparison(maker.graph, [scattered([2, 3, 4, 5])])
            #expect(result.count(of: "Transpose") == 2)
            #expect(result.isEqual)
        }
    }

    @Test func `a product of matrices reads its operands untransposed`() throws {
        for (turnsLeft, turnsRight) in [(false, true), (true, false), (true, true)] {
            var maker = GraphMaker()
            maker.input("a", (turnsLeft ? [5, 3] : [3, 5]).map { .fixed($0) })
            maker.input("b", (turnsRight ? [4, 5] : [5, 4]).map { .fixed($0) })
            if turnsLeft { maker.node("Transpose", ["a"], ["at"]) }
            if turnsRight { maker.node("Transpose", ["b"], ["bt"], ["perm": .ints([1, 0])]) }
            maker.node("MatMul", [turnsLeft ? "at" : "a", turnsRight ? "bt" : "b"], ["y"])
            maker.output("y")
            let inputs = [
                scattered(turnsLeft ? [5, 3] : [3, 5]), scattered(turnsRight ? [4, 5] : [5, 4]),
            ]
            let result = try PassComparison(maker.graph, inputs)
            #expect(result.operators == ["Gemm"])
            #expect(result.isClose())
        }
    }

    @Test func `a product with a weight, and one of batches, stay`() throws {
        var maker = GraphMaker()
        maker.input("a", [.fixed(5), .fixed(3)])
        maker.weight("w", scattered([5, 4]))
        maker.node("Transpose", ["a"], ["t"])
        maker.node("MatMul", ["t", "w"], ["y"])
        maker.output("y")
        #expect(
            try PassComparison(maker.graph, [scattered([5, 3])]).operators == [
                "Transpose", "MatMul",
            ]
        )
    }
}
