import TernTensor
import Testing

@testable import TernGraph

private let folding = ConstantFolding(operators: testOperators, evaluator: testEvaluator)

@Suite struct PassTests {
    @Test func `nodes with known inputs are computed, one after the other`() throws {
        var builder = GraphBuilder()
        builder.input("x", .fp32, [.fixed(2)])
        builder.constant("a", floats: [1, 2])
        builder.constant("b", floats: [10, 20])
        builder.node("Add", ["a", "b"], ["sum"])
        builder.node("Neg", ["sum"], ["negated"])
        builder.node("Mul", ["x", "negated"], ["y"])
        builder.output("y")
        var graph = try builder.resolved()
        #expect(try folding.run(on: &graph) == 2)
        #expect(graph.nodes.map(\.operatorName) == ["Mul"])
        let result = graph.initializers[builder.id("negated")]
        #expect(result?.elements(as: Float.self) == [-11, -22])
        try graph.validate()
        // Nothing needs what it was computed from.
        try graph.apply([DeadCodeElimination()])
        #expect(graph.initializers.count == 1)
    }

    @Test func `random nodes, and those the evaluator leaves, stay`() throws {
        var builder = GraphBuilder()
        builder.constant("a", floats: [1, 2])
        builder.node("RandomNormal", [], ["r"])
        builder.node("Relu", ["a"], ["s"])
        builder.output("r", "s")
        var graph = try builder.resolved()
        #expect(try folding.run(on: &graph) == 0)
        #expect(graph.nodes.count == 2)
    }

    @Test func `what is computed twice is computed once, but for random numbers`() throws {
        var builder = GraphBuilder()
        builder.input("x", .fp32, [.fixed(2)])
        builder.node("Neg", ["x"], ["a"])
        builder.node("Neg", ["x"], ["b"])
        builder.node("RandomNormal", [], ["r"])
        builder.node("RandomNormal", [], ["s"])
        builder.output("a", "b", "r", "s")
        var graph = try builder.resolved()
        #expect(try CommonSubexpressions(operators: testOperators).run(on: &graph) == 1)
        #expect(graph.nodes.count == 3)
        #expect(graph.outputs[0].value == graph.outputs[1].value)
        #expect(graph.outputs.map(\.name) == ["a", "b", "r", "s"])
        try graph.validate()
    }

    @Test func `results longer than the limit are not computed`() throws {
        var builder = GraphBuilder()
        builder.constant("a", floats: [1, 2])
        builder.node("Neg", ["a"], ["y"])
        builder.output("y")
        for (limit, count) in [(7, 0), (8, 1)] {
            var graph = try builder.resolved()
            let pass = ConstantFolding(
                operators: testOperators,
                resultByteCountLimit: limit,
                evaluator: testEvaluator
            )
            #expect(try pass.run(on: &graph) == count)
        }
    }

    @Test func `what only folded nodes read is given up, and makes room`() throws {
        var builder = GraphBuilder()
        builder.constant("a", floats: [1, 2])
        var last = "a"
        for index in 0..<10 {
            builder.node("Neg", [last], ["v\(index)"])
            last = "v\(index)"
        }
        builder.node("Add", ["v3", last], ["y"])
        builder.output("y")
        var graph = try builder.resolved()
        // Room for three vectors: one is kept for the end, and two are held at each step.
        let pass = ConstantFolding(
            operators: testOperators,
            resultByteCountLimit: 24,
            evaluator: testEvaluator
        )
        #expect(try pass.run(on: &graph) == 11)
        #expect(graph.initializers.count == 1)
        #expect(graph.initializers[builder.id("y")]?.elements(as: Float.self) == [2, 4])
    }

    @Test func `a constant that cannot be computed is an error that names the node`() throws {
        var builder = GraphBuilder()
        builder.constant("a", integers: [.min])
        builder.node("Neg", ["a"], ["y"], name: "broken")
        builder.output("y")
        var graph = try builder.resolved()
        #expect(
            throws: GraphError.foldingFailed(
                node: #"node "broken""#,
                reason: "the smallest number has no negative"
            )
        ) { try folding.run(on: &graph) }
    }

    /// A graph whose If has one branch that reads the constant `a` of the graph around it.
    private func withBranch(_ build: (inout GraphBuilder) -> Void) throws(GraphError) -> Graph {
        var builder = GraphBuilder()
        builder.input("choice", .bool, [])
        builder.constant("a", floats: [1, 2])
        var branch = GraphBuilder()
        branch.capture("a", outer: builder.id("a"))
        build(&branch)
        branch.output("result")
        builder.node("If", ["choice"], ["y"], ["then_branch": .graph(branch.graph)])
        builder.output("y")
        return try builder.resolved()
    }

    @Test func `constants reach into subgraphs`() throws {
        var graph = try withBranch { $0.node("Neg", ["a"], ["result"]) }
        #expect(try folding.run(on: &graph) == 1)
        let branch = try graph.nodes[0].graph("then_branch")
        #expect(branch.nodes.isEmpty && branch.captures.isEmpty)
        #expect(
            branch.initializers[branch.outputs[0].value]?.elements(as: Float.self) == [-1, -2]
        )
    }

    @Test func `nodes that no output needs are taken out`() throws {
        var builder = GraphBuilder()
        builder.input("x", .fp32, [.fixed(2)])
        builder.constant("unused", floats: [1])
        builder.node("Relu", ["x"], ["y"])
        builder.node("Neg", ["x"], ["dead"])
        builder.node("Neg", ["dead"], ["deader"])
        builder.output("y")
        var graph = try builder.resolved()
        #expect(try DeadCodeElimination().run(on: &graph) == 2)
        #expect(graph.nodes.map(\.operatorName) == ["Relu"])
        #expect(graph.initializers.isEmpty && graph.inputs.count == 1)
    }

    @Test func `a capture that nobody reads goes, and with it what made it`() throws {
        var graph = try withBranch {
            $0.node("RandomNormal", [], ["result"])
            $0.node("Neg", ["a"], ["dead"])
        }
        #expect(try DeadCodeElimination().run(on: &graph) == 1)
        #expect(graph.initializers.isEmpty)
        try graph.validate()
    }

    @Test func `identities go, and outputs keep their names`() throws {
        var builder = GraphBuilder()
        builder.input("x", .fp32, [.fixed(2)])
        builder.node("Identity", ["x"], ["a"])
        builder.node("Identity", ["a"], ["b"])
        builder.node("Relu", ["b"], ["c"])
        builder.node("Identity", ["c"], ["y"])
        builder.output("y", "a")
        var graph = try builder.resolved()
        #expect(try IdentityRemoval().run(on: &graph) == 3)
        #expect(graph.nodes.map(\.operatorName) == ["Relu"])
        #expect(graph.outputs.map(\.name) == ["y", "a"])
        #expect(graph.outputs.map(\.value) == [builder.id("c"), builder.id("x")])
        try graph.validate()
    }

    @Test func `an identity in front of a capture goes`() throws {
        var builder = GraphBuilder()
        builder.input("x", .fp32, [.fixed(2)])
        builder.input("choice", .bool, [])
        builder.node("Identity", ["x"], ["copy"])
        var branch = GraphBuilder()
        branch.capture("copy", outer: builder.id("copy"))
        branch.node("Identity", ["copy"], ["result"])
        branch.output("result")
        builder.node("If", ["choice"], ["y"], ["then_branch": .graph(branch.graph)])
        builder.output("y")
        var graph = try builder.resolved()
        #expect(try IdentityRemoval().run(on: &graph) == 2)
        let inner = try graph.nodes[0].graph("then_branch")
        #expect(inner.captures.map(\.outer) == [builder.id("x")])
        #expect(inner.outputs.map(\.value) == inner.captures.map(\.inner))
        try graph.validate()
    }

    @Test(arguments: [
        (7, 1, false, true), (12, 1, false, true), (13, 2, false, true), (13, 3, false, false),
        (13, 1, true, false), (6, 1, false, false), (1, 1, false, false),
    ])
    func `dropout goes if it cannot be training and nobody wants the mask`(
        _ version: Int,
        _ inputCount: Int,
        _ usesMask: Bool,
        _ goes: Bool
    ) throws {
        var builder = GraphBuilder()
        builder.input("x", .fp32, [.fixed(2)])
        builder.input("ratio", .fp32, [])
        builder.input("training", .bool, [])
        let inputs = ["x", "ratio", "training"].prefix(inputCount)
        builder.node("Dropout", Array(inputs), ["y", "mask"])
        builder.graph.nodes[0].operatorVersion = version
        builder.output("y")
        if usesMask { builder.output("mask") }
        var graph = builder.graph
        #expect(try IdentityRemoval().run(on: &graph) == (goes ? 1 : 0))
    }
}
