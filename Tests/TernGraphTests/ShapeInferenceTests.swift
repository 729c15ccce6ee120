import TernTensor
import Testing

@testable import TernGraph

private let inference = ShapeInference(operators: testOperators, evaluator: testEvaluator)

@Suite struct ShapeInferenceTests {
    /// How exporters flatten: Reshape(x, Concat(Unsqueeze(Gather(Shape(x), 0)), [-1])).
    private func flattening() throws(GraphError) -> (Graph, y: ValueID) {
        var builder = GraphBuilder()
        builder.input("x", .fp32, [.symbolic("batch"), .fixed(2), .fixed(3)])
        builder.constant("zero", integers: [0], scalar: true)
        builder.constant("axis", integers: [0])
        builder.constant("rest", integers: [-1])
        builder.node("Shape", ["x"], ["shape"])
        builder.node("Gather", ["shape", "zero"], ["count"])
        builder.node("Unsqueeze", ["count", "axis"], ["first"])
        builder.node("Concat", ["first", "rest"], ["target"])
        builder.node("Reshape", ["x", "target"], ["y"])
        builder.output("y")
        return (try builder.resolved(), builder.id("y"))
    }

    @Test func `shape arithmetic comes out by name and by number`() throws {
        let (graph, y) = try flattening()
        let named = try inference.infer(graph)
        #expect(named[y].description == "FP32[batch, 6]")
        let numbered = try inference.infer(graph, inputShapes: [[5, 2, 3]])
        #expect(numbered[y].shape == [5, 6])
        #expect(numbered.symbols == ["batch": 5])
        let target = try #require(graph.nodes[3].outputs[0])
        #expect(numbered[target].constant?.elements(as: Int64.self) == [5, -1])
        #expect(named[target].constant == nil)
    }

    @Test func `the shapes are written into the graph`() throws {
        var (graph, _) = try flattening()
        try inference.infer(graph).annotate(&graph)
        #expect(graph.outputDescriptors.map(\.description) == ["y: FP32[batch, 6]"])
    }

    @Test func `input axes without a name can be followed`() throws {
        var builder = GraphBuilder()
        builder.input("x", .fp32, [.unknown, .fixed(6)])
        builder.constant("target", integers: [0, 2, -1])
        builder.node("Reshape", ["x", "target"], ["y"])
        builder.node("Add", ["y", "y"], ["z"])
        builder.output("z")
        let shapes = try inference.infer(builder.resolved())
        #expect(shapes[builder.id("z")].description == "FP32[x.0, 2, 3]")
    }

    @Test func `what the file says fills in what does not follow`() throws {
        var builder = GraphBuilder()
        builder.input("x", .fp32, [.fixed(4)])
        builder.node("NonZero", ["x"], ["places"])
        builder.output("places")
        builder.graph[builder.id("places")].dimensions = [.fixed(9), .symbolic("found")]
        let shapes = try inference.infer(builder.resolved())
        // A size that follows is believed rather than the file's.
        #expect(shapes[builder.id("places")].description == "INT64[1, found]")
        let numbered = try inference.infer(builder.resolved(), inputShapes: [[4]])
        #expect(numbered[builder.id("places")].shape == nil)
    }

    @Test func `small known values are computed on the way`() throws {
        var builder = GraphBuilder()
        builder.input("x", .fp32, [.symbolic("batch")])
        builder.node("Shape", ["x"], ["shape"])
        builder.node("Neg", ["shape"], ["negated"])
        builder.output("negated")
        let graph = try builder.resolved()
        let numbered = try inference.infer(graph, inputShapes: [[7]])
        let constant = numbered[builder.id("negated")].constant
        #expect(constant?.elements(as: Int64.self) == [-7])
        #expect(try inference.infer(graph)[builder.id("negated")].constant == nil)
    }

    @Test func `every node that does not fit is listed, with names and numbers`() throws {
        var builder = GraphBuilder()
        builder.input("x", .fp32, [.symbolic("batch"), .fixed(3)])
        builder.input("w", .fp32, [.fixed(4), .fixed(5)])
        builder.input("n", .int64, [.fixed(3)])
        builder.node("MatMul", ["x", "w"], ["product"], name: "dense")
        builder.node("Relu", ["product"], ["r"])
        builder.node("Add", ["x", "n"], ["sum"])
        builder.output("r", "sum")
        let graph = try builder.resolved()
        #expect(
            throws: GraphError.inconsistentShapes([
                ShapeProblem(
                    node: #"node "dense""#,
                    operatorName: "MatMul",
                    reason: #"input 0 ("x") has 3 columns, but input 1 ("w") has 4 rows"#
                ),
                ShapeProblem(
                    node: "node 2",
                    operatorName: "Add",
                    reason: #"input 1 ("n") is INT64, but input 0 ("x") is FP32"#
                ),
            ])
        ) { try inference.infer(graph) }
    }

    @Test func `shapes that do not match the inputs are all listed`() throws {
        var builder = GraphBuilder()
        builder.input("a", .fp32, [.symbolic("batch"), .fixed(3)])
        builder.input("b", .fp32, [.symbolic("batch")])
        builder.input("c", .fp32, nil)
        builder.node("Relu", ["c"], ["y"])
        builder.output("y")
        let graph = try builder.resolved()
        #expect(
            try inference.infer(graph, inputShapes: [[2, 3], [2], [9, 9]]).symbols["batch"] == 2
        )
        let error = #expect(throws: GraphError.self) {
            try inference.infer(graph, inputShapes: [[2, 4], [5], []])
        }
        #expect(
            error
                == .invalid([
                    "input a: expected [batch, 3], found [2, 4]: axis 1 is 4 instead of 3",
                    "input b: axis 0 (batch) is 5, but input a says batch is 2",
                ])
        )
        #expect(throws: GraphError.self) {
            try inference.infer(graph, inputShapes: [[2], [2], []])
        }
        #expect(throws: GraphError.self) { try inference.infer(graph, inputShapes: []) }
    }

    @Test func `subgraphs are inferred with what they capture`() throws {
        func branch(_ captured: ValueID, _ operatorName: String) -> Graph {
            var builder = GraphBuilder()
            builder.capture("x", outer: captured)
            builder.node(operatorName, ["x"], ["result"])
            builder.output("result")
            return builder.graph
        }
        var builder = GraphBuilder()
        builder.input("x", .fp32, [.symbolic("batch"), .fixed(3)])
        builder.input("choice", .bool, [])
        let x = builder.id("x")
        builder.node(
            "If",
            ["choice"],
            ["y"],
            [
                "then_branch": .graph(branch(x, "Relu")), "else_branch": .graph(branch(x, "Neg")),
            ]
        )
        builder.output("y")
        let graph = try builder.resolved()
        let shapes = try inference.infer(graph, inputShapes: [[2, 3], []])
        #expect(shapes[builder.id("y")].shape == [2, 3])
        #expect(shapes.subgraphs.count == 2)
        let inner = shapes.subgraphs[.init(nodeIndex: 0, attribute: "else_branch")]
        #expect(inner?.facts.last?.shape == [2, 3])
    }

    @Test func `what does not fit in a subgraph is said with the way to it`() throws {
        var branch = GraphBuilder()
        branch.constant("a", floats: [1, 2])
        branch.constant("b", floats: [1, 2, 3])
        branch.node("Add", ["a", "b"], ["result"], name: "sum")
        branch.output("result")
        var builder = GraphBuilder()
        builder.input("choice", .bool, [])
        builder.node(
            "If",
            ["choice"],
            ["y"],
            name: "pick",
            ["then_branch": .graph(branch.graph), "else_branch": .graph(branch.graph)]
        )
        builder.output("y")
        let graph = try builder.resolved()
        let error = #expect(throws: GraphError.self) {
            try ShapeInference(operators: testOperators).infer(graph)
        }
        guard case .inconsistentShapes(let problems) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(
            problems.map(\.node) == [
                #"node "sum" in then_branch of node "pick""#,
                #"node "sum" in else_branch of node "pick""#,
            ]
        )
    }

    @Test func `a rule's impossible shape is an error`() throws {
        for dimensions in [[.fixed(-1)], Array(repeating: .fixed(1), count: 9)] as [[Dimension]] {
            let schema = OperatorSchema(name: "Odd", versions: [1], inputCount: 0...0) {
                context throws(OperatorError) in
                context.setOutput(elementType: .fp32, dimensions: dimensions)
            }
            var builder = GraphBuilder()
            builder.node("Odd", [], ["y"])
            builder.output("y")
            #expect(throws: GraphError.self) {
                try ShapeInference(operators: OperatorSet([schema])).infer(builder.graph)
            }
        }
    }
}
