import TernTensor
import Testing

@testable import TernGraph

private let inference = ShapeInference(operators: testOperators, evaluator: testEvaluator)

@Suite struct MemoryPlanTests {
    private func plan(
        _ builder: GraphBuilder,
        _ shapes: [Shape]
    ) throws(GraphError) -> (graph: Graph, plan: MemoryPlan) {
        let graph = try builder.resolved()
        let inferred = try inference.infer(graph, inputShapes: shapes)
        return (graph, try MemoryPlan(graph, shapes: inferred, operators: testOperators))
    }

    @Test func `inputs, weights and outputs have their places`() throws {
        var builder = GraphBuilder()
        builder.input("x", .fp32, [.symbolic("n"), .fixed(2)])
        builder.constant(
            "w",
            Tensor(
                elementType: .fp32,
                shape: [2, 3],
                values: Array(repeating: 1, count: 6) as [Float]
            )
        )
        builder.node("MatMul", ["x", "w"], ["y"])
        builder.output("y")
        let (_, plan) = try plan(builder, [[5, 2]])
        #expect(plan[builder.id("x")] == .input(0))
        #expect(plan[builder.id("w")] == .initializer(builder.id("w")))
        #expect(plan[builder.id("y")] == .arena(offset: 0, byteCount: 60))
        #expect(plan.steps == [0] && plan.arenaByteCount == 64)
    }

    @Test func `views take no step and no memory`() throws {
        var builder = GraphBuilder()
        builder.input("x", .fp32, [.fixed(2), .fixed(3)])
        builder.constant("flat", integers: [-1])
        builder.node("Reshape", ["x", "flat"], ["a"])
        builder.node("Relu", ["a"], ["b"])
        builder.node("Identity", ["b"], ["c"])
        builder.node("Reshape", ["c", "flat"], ["y"])
        builder.output("y")
        let (_, plan) = try plan(builder, [[2, 3]])
        #expect(plan[builder.id("a")] == .input(0))
        #expect(plan[builder.id("y")] == plan[builder.id("b")])
        #expect(plan.steps == [1] && plan.arenaByteCount == 64)
    }

    @Test func `a chain of unary operators runs in one buffer, but never in the caller's`() throws {
        var builder = GraphBuilder()
        builder.input("x", .fp32, [.fixed(100)])
        builder.node("Relu", ["x"], ["a"])
        builder.node("Neg", ["a"], ["b"])
        builder.node("Relu", ["b"], ["y"])
        builder.output("y")
        let (_, plan) = try plan(builder, [[100]])
        #expect(plan[builder.id("a")] == .arena(offset: 0, byteCount: 400))
        #expect(plan[builder.id("b")] == plan[builder.id("a")])
        #expect(plan[builder.id("y")] == plan[builder.id("a")])
        #expect(plan.arenaByteCount == 448)
        #expect(plan.liveByteCount == 448)
    }

    @Test func `what is still needed is not overwritten`() throws {
        var builder = GraphBuilder()
        builder.input("x", .fp32, [.fixed(16)])
        builder.node("Relu", ["x"], ["a"])
        builder.node("Neg", ["a"], ["b"])
        builder.node("Add", ["a", "b"], ["y"])
        builder.output("y", "b")
        let (_, plan) = try plan(builder, [[16]])
        #expect(plan[builder.id("a")] != plan[builder.id("b")])
        // `a` is not needed any more; `b` is an output.
        #expect(plan[builder.id("y")] == plan[builder.id("a")])
    }

    @Test func `two views of one buffer are not overwritten while both are read`() throws {
        var builder = GraphBuilder()
        builder.input("x", .fp32, [.fixed(4), .fixed(1)])
        builder.constant("row", integers: [1, 4])
        builder.node("Relu", ["x"], ["a"])
        builder.node("Reshape", ["a", "row"], ["b"])
        builder.node("Add", ["a", "b"], ["y"])
        builder.output("y")
        let (_, plan) = try plan(builder, [[4, 1]])
        #expect(plan[builder.id("a")] == plan[builder.id("b")])
        #expect(plan[builder.id("y")] != plan[builder.id("a")])
    }

    @Test func `a shorter input is not overwritten by a longer output`() throws {
        var builder = GraphBuilder()
        builder.input("x", .fp32, [.fixed(1)])
        builder.input("z", .fp32, [.fixed(64)])
        builder.node("Relu", ["x"], ["a"])
        builder.node("Add", ["a", "z"], ["y"])
        builder.output("y")
        let (_, plan) = try plan(builder, [[1], [64]])
        #expect(plan[builder.id("y")] != plan[builder.id("a")])
        #expect(plan[builder.id("y")] == .arena(offset: 0, byteCount: 256))
    }

    @Test func `shape arithmetic takes no step once the shapes are known`() throws {
        var builder = GraphBuilder()
        builder.input("x", .fp32, [.symbolic("n"), .fixed(6)])
        builder.constant("zero", integers: [0], scalar: true)
        builder.constant("axis", integers: [0])
        builder.constant("rest", integers: [-1])
        builder.node("Shape", ["x"], ["shape"])
        builder.node("Gather", ["shape", "zero"], ["count"])
        builder.node("Unsqueeze", ["count", "axis"], ["first"])
        builder.node("Concat", ["first", "rest"], ["target"])
        builder.node("Relu", ["x"], ["r"])
        builder.node("Reshape", ["r", "target"], ["y"])
        builder.output("y", "shape")
        let (_, plan) = try plan(builder, [[5, 6]])
        #expect(plan.steps == [4])
        #expect(plan[builder.id("shape")] == .inferredConstant(builder.id("shape")))
        #expect(plan[builder.id("target")] == .inferredConstant(builder.id("target")))
        #expect(plan[builder.id("first")] == .unused)
    }

    @Test func `sizes that depend on the data are taken at run time`() throws {
        var builder = GraphBuilder()
        builder.input("x", .fp32, [.fixed(6)])
        builder.constant("flat", integers: [-1])
        builder.node("NonZero", ["x"], ["places"])
        builder.node("Reshape", ["places", "flat"], ["y"])
        builder.node("Neg", ["y"], ["z"])
        builder.output("y", "z")
        let (_, plan) = try plan(builder, [[6]])
        #expect(plan[builder.id("places")] == .dynamic(0) && plan[builder.id("y")] == .dynamic(0))
        #expect(plan[builder.id("z")] == .dynamic(1))
        #expect(plan.dynamicCount == 2 && plan.steps == [0, 2] && plan.arenaByteCount == 0)
    }

    @Test func `a reshape to what the caller says is no view, but checked when it runs`() throws {
        var builder = GraphBuilder()
        builder.input("x", .fp32, [.fixed(6)])
        builder.input("target", .int64, [.fixed(2)])
        builder.node("Reshape", ["x", "target"], ["y"])
        builder.output("y")
        let (_, plan) = try plan(builder, [[6], [2]])
        #expect(plan.steps == [0] && plan[builder.id("y")] == .dynamic(0))
    }

    @Test func `nodes that nobody needs take no step, their outputs no place`() throws {
        var builder = GraphBuilder()
        builder.input("x", .fp32, [.fixed(6)])
        builder.node("Neg", ["x"], ["dead"])
        builder.node("Relu", ["x"], ["y"])
        builder.output("y")
        let (_, plan) = try plan(builder, [[6]])
        #expect(plan.steps == [1] && plan[builder.id("dead")] == .unused)
    }

    @Test func `an output that nobody reads has a place of its own while its node runs`() throws {
        var builder = GraphBuilder()
        builder.input("x", .fp32, [.fixed(6)])
        builder.node("RandomNormal", [], ["r"])
        builder.node("If", ["r"], ["y", "unread"])
        builder.output("y")
        let graph = builder.graph
        let two = ValueFact(elementType: .fp32, dimensions: [.fixed(2)])
        let shapes = InferredShapes(
            facts: Array(repeating: two, count: graph.values.count),
            subgraphs: [:],
            symbols: [:]
        )
        let plan = try MemoryPlan(graph, shapes: shapes, operators: testOperators)
        let places = Set(["r", "y", "unread"].map { plan[builder.id($0)] })
        #expect(places.count == 3)
    }

    @Test func `scratch memory does not overlap what its node reads and writes`() throws {
        var builder = GraphBuilder()
        builder.input("x", .fp32, [.fixed(16)])
        builder.node("Relu", ["x"], ["a"])
        builder.node("MatMul", ["a", "a"], ["y"])
        builder.output("y")
        let graph = builder.graph
        let fact = ValueFact(elementType: .fp32, dimensions: [.fixed(16)])
        let shapes = InferredShapes(
            facts: Array(repeating: fact, count: graph.values.count),
            subgraphs: [:],
            symbols: [:]
        )
        let plan = try MemoryPlan(graph, shapes: shapes, operators: testOperators) {
            $0 == 1 ? 100 : 0
        }
        #expect(plan.scratchByteCounts == [0, 100])
        // The longest is placed first.
        #expect(plan.scratchOffsets[1] == 0)
        for name in ["a", "y"] {
            guard case .arena(let offset, 64) = plan[builder.id(name)] else {
                Issue.record("\(plan[builder.id(name)])")
                continue
            }
            #expect(offset >= 128)
        }
    }

    // MARK: - Any graph

    /// A graph of random operators over vectors of a few lengths.
    private func randomGraph(_ random: inout FixedRandom) -> GraphBuilder {
        var builder = GraphBuilder()
        var lengths: [String: Int] = [:]
        for index in 0..<3 {
            let length = [1, 16, 40].randomElement(using: &random) ?? 1
            builder.input("x\(index)", .fp32, [.fixed(length)])
            lengths["x\(index)"] = length
        }
        builder.constant("flat", integers: [-1])
        for index in 0..<Int.random(in: 1...40, using: &random) {
            let name = "v\(index)"
            let sources = lengths.keys.sorted()
            guard let first = sources.randomElement(using: &random),
                let length = lengths[first]
            else { continue }
            switch Int.random(in: 0..<4, using: &random) {
            case 0: builder.node("Relu", [first], [name])
            case 1: builder.node("Reshape", [first, "flat"], [name])
            case 2: builder.node("Identity", [first], [name])
            default:
                let fitting = sources.filter { lengths[$0] == length || lengths[$0] == 1 }
                let second = fitting.randomElement(using: &random) ?? first
                builder.node("Add", [first, second], [name])
            }
            lengths[name] = length
        }
        for name in lengths.keys.sorted().shuffled(using: &random).prefix(3) {
            builder.output(name)
        }
        return builder
    }

    /// Runs the plan on bytes: every value's place must still hold what its node wrote when it is
    /// read, which is checked with numbers that stand for values.
    @Test(arguments: 0..<300)
    func `what a node wrote is still there whenever it is read`(_ seed: Int) throws {
        var random = FixedRandom(state: UInt64(seed) &* 977)
        let builder = randomGraph(&random)
        let graph = try builder.resolved()
        let shapes = try inference.infer(
            graph,
            inputShapes: graph.inputs.map { port in
                Shape(graph[port.value].dimensions?.compactMap(\.fixedSize) ?? [])
            }
        )
        let plan = try MemoryPlan(graph, shapes: shapes, operators: testOperators)
        // Which value each byte of the arena belongs to; views belong to the value they show.
        var owners = Array(repeating: -1, count: plan.arenaByteCount)
        var shown = Array(graph.values.indices)
        func check(_ id: ValueID) {
            guard case .arena(let offset, let byteCount) = plan[id] else { return }
            #expect(offset % 64 == 0)
            #expect(owners[offset..<(offset + byteCount)].allSatisfy { $0 == shown[id.index] })
        }
        let steps = Set(plan.steps)
        for (index, node) in graph.nodes.enumerated() {
            guard let output = node.outputs[0], plan[output] != .unused else { continue }
            guard steps.contains(index) else {
                let source = try #require(node.inputs[0])
                #expect(plan[output] == plan[source])
                shown[output.index] = shown[source.index]
                continue
            }
            for id in node.inputs.compactMap({ $0 }) { check(id) }
            guard case .arena(let offset, let byteCount) = plan[output] else {
                Issue.record("a computed value is not in the arena: \(plan[output])")
                continue
            }
            // While the node writes, no other input of another length may lie under it.
            for id in node.inputs.compactMap({ $0 }) {
                guard case .arena(let inputOffset, let inputByteCount) = plan[id] else { continue }
                let overlaps = (offset..<(offset + byteCount)).overlaps(
                    inputOffset..<(inputOffset + inputByteCount)
                )
                #expect(!overlaps || (inputOffset == offset && inputByteCount == byteCount))
            }
            for byte in offset..<(offset + byteCount) { owners[byte] = output.index }
        }
        for port in graph.outputs { check(port.value) }
    }
}
