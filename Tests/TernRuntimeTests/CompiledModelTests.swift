import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

struct CompiledModelTests {
    @Test func `a model with unsupported nodes is refused with all of them`() {
        var maker = GraphMaker()
        maker.input("x", [.fixed(1)])
        maker.node("Exp", ["x"], ["a"])
        maker.node("Wobble", ["a"], ["b"], name: "first")
        maker.node("QGemm", ["b"], ["c"], domain: "com.microsoft", name: "second")
        maker.output("c")
        let error = #expect(throws: GraphError.self) { try CompiledModel(maker.graph) }
        guard case .unsupportedOperators(let nodes) = error else {
            Issue.record("found \(String(describing: error))")
            return
        }
        #expect(nodes.map(\.node) == ["node \"first\"", "node \"second\""])
        #expect(nodes.map(\.operatorName) == ["Wobble", "com.microsoft:QGemm"])
    }

    @Test func `a node whose required input is left out is refused`() {
        var maker = GraphMaker()
        maker.input("x", [.fixed(1)])
        maker.node("Add", ["x", ""], ["y"])
        maker.output("y")
        let error = #expect(throws: GraphError.self) { try CompiledModel(maker.graph) }
        #expect(error?.description.contains("input 1 is left out") == true)
    }

    @Test func `a size that only the file tells is not taken for true`() throws {
        var maker = GraphMaker()
        maker.input("x", [.fixed(3)])
        // Nothing says what is taken, but the file says how much.
        maker.node("Slice", ["x"], ["y"])
        maker.output("y")
        var graph = maker.graph
        graph[graph.outputs[0].value].dimensions = [.fixed(1)]
        graph[graph.outputs[0].value].elementType = .fp32
        let session = Session(try CompiledModel(graph))
        #expect(throws: RuntimeError.self) { try session([.floats([1, 2, 3])]) }
    }

    @Test func `a few bytes that ask for a gigabyte do not get it when the model is compiled`()
        throws
    {
        var maker = GraphMaker()
        maker.weight("sizes", .integers([1 << 28]))
        maker.node("ConstantOfShape", ["sizes"], ["zeros"])
        maker.node("Shape", ["zeros"], ["y"])
        maker.output("y")
        let model = try CompiledModel(maker.graph)
        let session = Session(model)
        #expect(try session([])[0].elements(as: Int64.self) == [1 << 28])
        let large = try model.plan(for: []).constants.filter { $0.storage.byteCount > 1 << 20 }
        #expect(large.isEmpty)
    }

    @Test func `a model for a newer operator set than is known is refused`() {
        var maker = GraphMaker(version: 999)
        maker.input("x", [.fixed(1)])
        maker.node("Exp", ["x"], ["y"])
        maker.output("y")
        let error = #expect(throws: GraphError.self) { try CompiledModel(maker.graph) }
        #expect(error?.description.contains("999") == true)
    }

    @Test func `outputs are described with the sizes that stay open`() throws {
        var maker = GraphMaker()
        maker.input("x", [.symbolic("batch"), .fixed(3), .fixed(4)])
        maker.node("Flatten", ["x"], ["y"])
        maker.output("y")
        let model = try CompiledModel(maker.graph)
        #expect(model.inputs[0].description == "x: FP32[batch, 3, 4]")
        #expect(model.outputs[0].description == "y: FP32[batch, 12]")
    }

    @Test func `shape arithmetic is done before the call`() throws {
        var maker = GraphMaker()
        maker.input("x", [.symbolic("batch"), .symbolic("length"), .fixed(4)])
        maker.weight("zero", .integers([0], []))
        maker.weight("axis", .integers([0]))
        maker.weight("rest", .integers([-1]))
        maker.node("Shape", ["x"], ["shape"])
        maker.node("Gather", ["shape", "zero"], ["batch"])
        maker.node("Unsqueeze", ["batch", "axis"], ["batches"])
        maker.node("Concat", ["batches", "rest"], ["target"], ["axis": .int(0)])
        maker.node("Reshape", ["x", "target"], ["flat"])
        maker.node("Exp", ["flat"], ["y"])
        maker.output("y")
        let model = try CompiledModel(maker.graph)
        #expect(model.outputs[0].dimensions?.count == 2)
        #expect(model.outputs[0].dimensions?.first == .symbolic("batch"))
        let plan = try model.plan(for: [[2, 3, 4]])
        #expect(plan.steps.count == 1)
        #expect(plan.dynamicNodes.isEmpty)
        #expect(plan.outputs[0].shape == [2, 12])
    }

    @Test func `constants are folded, and what nobody needs goes away`() throws {
        var maker = GraphMaker()
        maker.input("x", [.fixed(2)])
        maker.weight("a", .floats([1, 2]))
        maker.node("Exp", ["a"], ["b"])
        maker.node("Neg", ["b"], ["c"])
        maker.node("Neg", ["x"], ["unused"])
        maker.node("Add", ["x", "c"], ["y"])
        maker.output("y")
        let model = try CompiledModel(maker.graph)
        #expect(model.graph.nodes.map(\.operatorName) == ["Add"])
        #expect(model.parameterCount == 2)
    }

    @Test func `a model that is all constants gives them`() throws {
        var maker = GraphMaker()
        maker.input("x", [.fixed(1)])
        maker.weight("a", .floats([1, 2]))
        maker.node("Neg", ["a"], ["y"])
        maker.output("y")
        #expect(try Session(CompiledModel(maker.graph))([.floats([0])])[0].floats == [-1, -2])
    }

    @Test func `weights that do not fit are refused when the model is loaded`() {
        var maker = GraphMaker()
        maker.input("x", [.symbolic("n"), .fixed(3)])
        maker.weight("w", .floats(noise(8), [4, 2]))
        maker.node("MatMul", ["x", "w"], ["y"], name: "product")
        maker.output("y")
        let error = #expect(throws: GraphError.self) { try CompiledModel(maker.graph) }
        #expect(error?.description.contains("node \"product\"") == true)
        #expect(error?.description.contains("3 columns meet 4 rows") == true)
    }

    @Test func `packed weights are shared by the plans of all shapes`() throws {
        var maker = GraphMaker()
        maker.input("x", [.symbolic("n"), .fixed(3)])
        maker.weight("w", .floats(noise(6), [3, 2]))
        maker.node("MatMul", ["x", "w"], ["y"])
        maker.output("y")
        let model = try CompiledModel(maker.graph)
        let session = Session(model)
        let one = try session([.floats([1, 2, 3], [1, 3])])[0].floats
        let two = try session([.floats([1, 2, 3, 1, 2, 3], [2, 3])])[0].floats
        #expect(two == one + one)
    }

    @Test func `no operator is declared twice`() {
        let all = OperatorLibrary.standard.operators.all
        let keys = Set(all.map { "\($0.domain):\($0.name)" })
        #expect(keys.count == OperatorLibrary.families.joined().count)
    }
}
