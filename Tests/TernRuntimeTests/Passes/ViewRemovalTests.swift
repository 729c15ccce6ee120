import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

/// Nodes that do nothing, views of views, and what is computed twice.
@Suite struct ViewRemovalTests {
    /// One node on x [2, 3], and a Neg behind it.
    private func run(
        _ operatorName: String,
        _ constants: [Tensor] = [],
        _ attributes: [String: Attribute] = [:]
    ) throws -> PassComparison {
        var maker = GraphMaker()
        maker.input("x", [.symbolic("n"), .fixed(3)])
        for (index, constant) in constants.enumerated() { maker.weight("c\(index)", constant) }
        maker.node(operatorName, ["x"] + constants.indices.map { "c\($0)" }, ["v"], attributes)
        maker.node("Neg", ["v"], ["y"])
        maker.output("y")
        return try PassComparison(maker.graph, [scattered([2, 3])])
    }

    @Test func `what changes nothing goes`() throws {
        for result in [
            try run("Reshape", [.integers([-1, 3])]), try run("Flatten", [], ["axis": .int(1)]),
            try run("Transpose", [], ["perm": .ints([0, 1])]), try run("Cast", [], ["to": .int(1)]),
            try run("Slice", [.integers([0]), .integers([.max]), .integers([1])]),
            try run("Pad", [.integers([0, 0, 0, 0])]), try run("Expand", [.integers([1, 3])]),
            try run("Concat", [], ["axis": .int(0)]), try run("Sum"),
        ] {
            #expect(result.operators == ["Neg"])
            #expect(result.isEqual)
        }
    }

    @Test func `what keeps the shape and moves elements stays`() throws {
        for result in [
            try run(
                "Slice",
                [.integers([-1]), .integers([-10]), .integers([1]), .integers([-1])]
            ),
            try run("Pad", [.integers([0, 1, 0, -1])]),
            try run("Slice", [.integers([1]), .integers([.max]), .integers([1])]),
        ] {
            #expect(result.operators.count == 2)
            #expect(result.isEqual)
        }
    }

    @Test func `views that undo each other go, and others are joined`() throws {
        var maker = GraphMaker()
        maker.input("x", [.symbolic("n"), .fixed(6)])
        maker.weight("axis", .integers([1]))
        maker.weight("shape", .integers([-1, 2, 3]))
        maker.weight("other", .integers([-1, 3, 2]))
        maker.node("Unsqueeze", ["x", "axis"], ["a"])
        maker.node("Squeeze", ["a", "axis"], ["b"])
        maker.node("Neg", ["b"], ["c"])
        maker.node("Reshape", ["c", "shape"], ["d"])
        maker.node("Reshape", ["d", "other"], ["e"])
        maker.node("Neg", ["e"], ["y"])
        maker.output("y")
        let result = try PassComparison(maker.graph, [scattered([2, 6])])
        #expect(result.operators == ["Neg", "Reshape", "Neg"])
        #expect(result.isEqual)
    }

    @Test func `a shape that copies an axis keeps the view that it copies from`() throws {
        var maker = GraphMaker()
        maker.input("x", [.fixed(2), .fixed(6)])
        maker.weight("shape", .integers([3, 4]))
        maker.weight("copying", .integers([0, 2, 2]))
        maker.node("Reshape", ["x", "shape"], ["a"])
        maker.node("Reshape", ["a", "copying"], ["b"])
        maker.node("Neg", ["b"], ["y"])
        maker.output("y")
        let result = try PassComparison(maker.graph, [scattered([2, 6])])
        #expect(result.operators == ["Reshape", "Reshape", "Neg"])
        #expect(result.isEqual)
    }

    @Test func `outputs keep their names when what made them goes`() throws {
        var maker = GraphMaker()
        maker.input("x", [.fixed(2), .fixed(3)])
        maker.weight("shape", .integers([2, 3]))
        maker.node("Neg", ["x"], ["a"])
        maker.node("Reshape", ["a", "shape"], ["y"])
        maker.output("y")
        let model = try CompiledModel(maker.graph)
        #expect(model.outputs.map(\.name) == ["y"])
        #expect(model.graph.nodes.count == 1)
    }

    @Test func `a transposition of axes of size 1 becomes a view`() throws {
        for (order, name) in [([0, 2, 1], "Reshape"), ([1, 0, 2], "Transpose")] {
            var maker = GraphMaker()
            maker.input("x", [.symbolic("n"), .fixed(3), .fixed(1)])
            maker.node("Neg", ["x"], ["a"])
            maker.node("Transpose", ["a"], ["b"], ["perm": .ints(order)])
            maker.node("Neg", ["b"], ["y"])
            maker.output("y")
            let result = try PassComparison(maker.graph, [scattered([2, 3, 1])])
            #expect(result.operators == ["Neg", name, "Neg"])
            #expect(result.isEqual)
        }
    }

    @Test func `what is computed twice is computed once`() throws {
        for (second, count) in [(Attribute.int(1), 2), (.int(0), 3)] {
            var maker = GraphMaker()
            maker.input("x", [.fixed(3), .fixed(3)])
            maker.node("Softmax", ["x"], ["a"], ["axis": .int(1)])
            maker.node("Softmax", ["x"], ["b"], ["axis": second])
            maker.node("Add", ["a", "b"], ["y"])
            maker.output("y")
            let result = try PassComparison(maker.graph, [scattered([3, 3])])
            #expect(result.operators.count == count)
            #expect(result.isEqual)
        }
    }
}
