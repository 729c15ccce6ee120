import TernTensor
import Testing

@testable import TernGraph

@Suite struct GraphValidationTests {
    private func problems(_ builder: GraphBuilder) -> [String] {
        do throws(GraphError) {
            try builder.graph.validate()
            return []
        } catch {
            guard case .invalid(let sentences) = error else { return ["\(error)"] }
            return sentences
        }
    }

    @Test func `a good graph is good`() {
        var builder = GraphBuilder()
        builder.input("x", .fp32, nil)
        builder.node("Relu", ["x"], ["y"])
        builder.output("y")
        #expect(problems(builder) == [])
    }

    @Test func `everything that is wrong is listed`() {
        var builder = GraphBuilder()
        builder.input("x", .fp32, nil)
        builder.graph[builder.id("x")].elementType = nil
        builder.node("Relu", ["later"], ["y"], name: "early")
        builder.node("Relu", ["x"], ["later"])
        builder.node("Relu", ["x"], ["later"])
        _ = builder.graph.addValue(Value(name: "x"))
        builder.output("never")
        builder.graph.outputs.append(Port(name: "far", value: ValueID(99)))
        #expect(
            problems(builder) == [
                #"two values are called "x""#,
                #"the input "x" has no element type"#,
                #"node "early" reads "later" before it is defined"#,
                #"node 2 defines "later" again"#,
                #"the output "never" is not defined"#,
                #"the output "far" is not defined"#,
            ]
        )
    }

    @Test func `captures must be of values that are defined`() {
        var branch = GraphBuilder()
        branch.capture("outer", outer: ValueID(5))
        branch.output("outer")
        var builder = GraphBuilder()
        builder.input("x", .bool, [])
        builder.node("If", ["x"], ["y"], ["then_branch": .graph(branch.graph)])
        builder.output("y")
        #expect(problems(builder) == ["node 0 reads value 5 before it is defined"])
    }

    @Test func `names are shortened and cleaned for messages`() {
        #expect(GraphLocation.printable("a\n\u{7F}b") == "a\u{FFFD}\u{FFFD}b")
        #expect(GraphLocation.printable(String(repeating: "x", count: 300)).count == 201)
        #expect(GraphLocation.printable("日本 conv/1") == "日本 conv/1")
    }
}
