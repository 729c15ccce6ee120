import TernGraph
import TernTensor
import Testing

@testable import TernRuntime

struct IfTests {
    /// `isUp` chooses x + step or x - step; `step` and `x` are captured.
    private func choice() throws -> CompiledModel {
        var maker = GraphMaker()
        maker.input("isUp", [], .bool)
        maker.input("x", [.symbolic("n")])
        maker.weight("step", .floats([10], []))
        maker.node("Neg", ["x"], ["negative"])
        let branches = ["then_branch": "Add", "else_branch": "Sub"].mapValues { name in
            maker.subgraph(capturing: ["negative", "step"]) { inner in
                inner.node(name, ["negative", "step"], ["result"])
                inner.output("result")
            }
        }
        maker.node("If", ["isUp"], ["y"], branches)
        maker.node("Neg", ["y"], ["z"])
        maker.output("z")
        return try CompiledModel(maker.graph)
    }

    private func truth(_ value: Bool) -> Tensor {
        Tensor(elementType: .bool, shape: [], values: [UInt8(value ? 1 : 0)])
    }

    @Test func `a condition that depends on data chooses a branch in each call`() throws {
        let model = try choice()
        let session = Session(model)
        for (isUp, expected) in [
            (true, [-9, -8] as [Float]), (false, [11, 12]), (true, [-9, -8]),
        ] {
            #expect(try session([truth(isUp), .floats([1, 2])])[0].floats == expected)
        }
        #expect(try session([truth(false), .floats([5])])[0].floats == [15])
        // All of it is planned: nothing waits for data.
        let plan = try model.plan(for: [[], [2]])
        #expect(plan.dynamicNodes.isEmpty && plan.steps.count == 3)
    }

    @Test func `a constant condition leaves only the branch`() throws {
        for isUp in [true, false] {
            var maker = GraphMaker()
            maker.input("x", [.symbolic("n")])
            maker.weight("isUp", truth(isUp))
            maker.weight("one", .floats([1], []))
            let names = ["then_branch": "Add", "else_branch": "Mul"]
            let branches = names.mapValues { name in
                maker.subgraph(capturing: ["x", "one"]) { inner in
                    inner.node(name, ["x", "one"], ["x2"])
                    inner.output("x2")
                }
            }
            maker.node("If", ["isUp"], ["y"], branches)
            maker.output("y")
            let model = try CompiledModel(maker.graph)
            #expect(model.graph.nodes.map(\.operatorName) == [isUp ? "Add" : "Mul"])
            #expect(model.outputs.map(\.name) == ["y"])
            #expect(try Session(model)([.floats([3])])[0].floats == [isUp ? 4 : 3])
        }
    }

    /// Takes away the first axis if it is 1, as exporters write it, inside another If that asks the
    /// same again.
    private func squeezing() throws -> CompiledModel {
        var maker = GraphMaker()
        maker.input("x", [.symbolic("a"), .symbolic("b")])
        maker.weight("zero", .integers([0]))
        maker.weight("one", .integers([1]))
        maker.node("Shape", ["x"], ["shape"])
        maker.node("Gather", ["shape", "zero"], ["first"])
        maker.node("Equal", ["first", "one"], ["isOne"])
        let squeeze = maker.subgraph(capturing: ["x", "zero", "isOne"]) { outer in
            let inner = outer.subgraph(capturing: ["x", "zero"]) { inner in
                inner.node("Squeeze", ["x", "zero"], ["squeezed"])
                inner.output("squeezed")
            }
            let other = outer.subgraph(capturing: ["x"]) { inner in
                inner.node("Neg", ["x"], ["squeezed"])
                inner.output("squeezed")
            }
            outer.node("If", ["isOne"], ["y"], ["then_branch": inner, "else_branch": other])
            outer.output("y")
        }
        let keep = maker.subgraph(capturing: ["x"]) { inner in
            inner.node("Identity", ["x"], ["y"])
            inner.output("y")
        }
        maker.node("If", ["isOne"], ["y"], ["then_branch": squeeze, "else_branch": keep])
        maker.output("y")
        return try CompiledModel(maker.graph)
    }

    @Test func `the shapes of a call decide branches before it runs`() throws {
        let model = try squeezing()
        #expect(model.outputs[0].dimensions == nil)
        let session = Session(model)
        for _ in 0..<2 {
            #expect(try session([.floats([1, 2, 3], [1, 3])])[0].shape == [3])
            #expect(try session([.floats([1, 2, 3, 4], [2, 2])])[0].shape == [2, 2])
        }
        for shape in [[1, 3], [2, 2]] as [Shape] {
            let plan = try model.plan(for: [shape])
            #expect(!plan.graph.nodes.contains { $0.operatorName == "If" })
            #expect(plan.steps.isEmpty && plan.dynamicNodes.isEmpty)
        }
    }

    @Test func `weights in a branch are packed once for all plans`() throws {
        var maker = GraphMaker()
        maker.input("isUp", [], .bool)
        maker.input("x", [.symbolic("n"), .fixed(2)])
        maker.weight("w", .floats([1, 2, 3, 4], [2, 2]))
        let multiply = maker.subgraph(capturing: ["x", "w"]) { inner in
            inner.node("MatMul", ["x", "w"], ["product"])
            inner.output("product")
        }
        let keep = maker.subgraph(capturing: ["x"]) { inner in
            inner.node("Neg", ["x"], ["product"])
            inner.output("product")
        }
        maker.node("If", ["isUp"], ["y"], ["then_branch": multiply, "else_branch": keep])
        maker.output("y")
        let session = Session(try CompiledModel(maker.graph))
        for count in 1...4 {
            let x = Tensor.floats(Array(repeating: 1, count: 2 * count), [count, 2])
            let y = try session([truth(true), x])[0].floats
            #expect(y == Array(repeating: [4, 6], count: count).flatMap { $0 })
            #expect(try session([truth(false), x])[0].floats == x.floats.map { -$0 })
        }
    }

    @Test func `branches may differ in shape`() throws {
        var maker = GraphMaker()
        maker.input("isLong", [], .bool)
        maker.input("x", [.fixed(2)])
        let long = maker.subgraph(capturing: ["x"]) { inner in
            inner.node("Concat", ["x", "x"], ["y"], ["axis": .int(0)])
            inner.output("y")
        }
        let short = maker.subgraph(capturing: ["x"]) { inner in inner.output("x") }
        maker.node("If", ["isLong"], ["y"], ["then_branch": long, "else_branch": short])
        maker.node("Neg", ["y"], ["z"])
        maker.output("z")
        let session = Session(try CompiledModel(maker.graph))
        #expect(try session([truth(true), .floats([1, 2])])[0].floats == [-1, -2, -1, -2])
        #expect(try session([truth(false), .floats([1, 2])])[0].floats == [-1, -2])
    }

    @Test func `a branch that does not fit is an error only if it is taken`() throws {
        var maker = GraphMaker()
        maker.input("isUp", [], .bool)
        maker.input("x", [.symbolic("n")])
        maker.weight("shape", .integers([2, 2]))
        maker.weight("flat", .integers([-1]))
        let square = maker.subgraph(capturing: ["x", "shape", "flat"]) { inner in
            inner.node("Reshape", ["x", "shape"], ["square"], name: "fold")
            inner.node("Reshape", ["square", "flat"], ["y"])
            inner.output("y")
        }
        let keep = maker.subgraph(capturing: ["x"]) { inner in
            inner.node("Neg", ["x"], ["y"])
            inner.output("y")
        }
        maker.node("If", ["isUp"], ["y"], ["then_branch": square, "else_branch": keep])
        maker.output("y")
        let session = Session(try CompiledModel(maker.graph))
        #expect(try session([truth(true), .floats([1, 2, 3, 4])])[0].floats == [1, 2, 3, 4])
        #expect(try session([truth(false), .floats([1, 2, 3])])[0].floats == [-1, -2, -3])
        let error = #expect(throws: RuntimeError.self) {
            try session([truth(true), .floats([1, 2, 3])])
        }
        #expect(error?.description.contains("fold") == true)
    }

    @Test func `an If that contradicts itself is refused`() throws {
        func refusal(_ build: (inout GraphMaker) -> [String: Attribute]) -> String {
            var maker = GraphMaker()
            maker.input("c", [], .bool)
            maker.input("x", [.symbolic("n")])
            maker.input("k", [.symbolic("n")], .int64)
            maker.node("If", ["c"], ["y"], build(&maker))
            maker.output("y")
            do {
                _ = try CompiledModel(maker.graph)
                return "it compiled"
            } catch {
                return "\(error)"
            }
        }
        func giving(_ name: String, _ maker: GraphMaker) -> Attribute {
            maker.subgraph(capturing: [name]) { $0.output(name) }
        }
        #expect(refusal { _ in [:] }.contains("else_branch is missing"))
        #expect(
            refusal { ["then_branch": giving("x", $0), "else_branch": .int(1)] }
                .contains("else_branch must be a graph")
        )
        #expect(
            refusal { ["then_branch": giving("x", $0), "else_branch": giving("k", $0)] }
                .contains("different types in the branches: FP32 and INT64")
        )
        let empty = refusal { maker in
            ["then_branch": giving("x", maker), "else_branch": maker.subgraph { _ in }]
        }
        #expect(empty.contains("else_branch has 0 outputs, the node has 1"))
    }

    @Test(arguments: [1, 20, 63])
    func `deep nesting runs`(_ depth: Int) throws {
        let session = Session(try CompiledModel(nested(depth)))
        for (value, expected) in [(true, Float(depth)), (false, -1)] {
            #expect(try session([truth(value), .floats([0])])[0].floats == [expected])
        }
    }

    /// Ifs in the branches of Ifs; each adds 1 if the condition holds.
    private func nested(_ depth: Int) -> Graph {
        func fill(_ maker: inout GraphMaker, _ x: String, _ rest: Int) {
            let other = maker.subgraph(capturing: [x, "one"]) { inner in
                inner.node("Sub", [x, "one"], ["less"])
                inner.output("less")
            }
            let then = maker.subgraph(capturing: [x, "one", "c"]) { inner in
                inner.node("Add", [x, "one"], ["sum\(rest)"])
                if rest > 1 {
                    fill(&inner, "sum\(rest)", rest - 1)
                } else {
                    inner.output("sum\(rest)")
                }
            }
            let branches = ["then_branch": then, "else_branch": other]
            maker.node("If", ["c"], ["result\(rest)"], branches)
            maker.output("result\(rest)")
        }
        var maker = GraphMaker()
        maker.input("c", [], .bool)
        maker.input("x", [.fixed(1)])
        maker.weight("one", .floats([1], []))
        fill(&maker, "x", depth)
        return maker.graph
    }
}
