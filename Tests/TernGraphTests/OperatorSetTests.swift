import TernTensor
import Testing

@testable import TernGraph

@Suite struct OperatorSetTests {
    private func version(_ name: String, _ set: Int) -> Int? {
        switch testOperators.resolve(domain: "", name: name, operatorSetVersion: set) {
        case .found(_, let version): version
        case .unsupported: nil
        }
    }

    @Test func `the newest version that is not newer than the model's set is taken`() {
        #expect(version("Relu", 1) == 1)
        #expect(version("Relu", 5) == 1)
        #expect(version("Relu", 6) == 6)
        #expect(version("Relu", 13) == 13)
        #expect(version("Relu", 24) == 14)
    }

    @Test func `sets too old, too new, or past a change are unsupported`() {
        #expect(version("Reshape", 4) == nil)
        #expect(version("Relu", 25) == nil)
        #expect(version("Split", 12) == 11)
        #expect(version("Split", 13) == nil)
        #expect(version("Nothing", 13) == nil)
    }

    @Test func `every unsupported node is listed, those of subgraphs too`() throws {
        var branch = GraphBuilder()
        branch.node("Waveguide", [], ["result"])
        branch.output("result")
        var builder = GraphBuilder()
        builder.input("x", .fp32, [.fixed(2)])
        builder.node("Swirl", ["x"], ["s"], domain: "com.example", version: 1, name: "old")
        builder.node("Relu", ["s"], ["r"])
        builder.node("Split", ["r"], ["a", "b"])
        builder.node("Relu", ["a", "b"], ["t"], name: "wide")
        builder.node("If", ["t"], ["y"], name: "pick", ["then_branch": .graph(branch.graph)])
        builder.output("y")
        var graph = builder.graph
        let error = #expect(throws: GraphError.self) { try testOperators.resolve(&graph) }
        let expected = [
            UnsupportedNode(
                node: #"node "old""#,
                operatorName: "com.example:Swirl",
                operatorSetVersion: 1,
                reason: "versions 2 are there, the model asks for an older one"
            ),
            UnsupportedNode(
                node: "node 2",
                operatorName: "Split",
                operatorSetVersion: 17,
                reason: "the definition changed in version 13; versions 2, 11 are there"
            ),
            UnsupportedNode(
                node: #"node "wide""#,
                operatorName: "Relu",
                operatorSetVersion: 17,
                reason: "takes 1 inputs, 2 are given"
            ),
            UnsupportedNode(
                node: #"node 0 in then_branch of node "pick""#,
                operatorName: "Waveguide",
                operatorSetVersion: 17,
                reason: "there is no such operator here"
            ),
        ]
        #expect(error == .unsupportedOperators(expected))
        #expect(testOperators.unsupportedNodes(in: builder.graph) == expected)
        let text = try #require(error?.description)
        #expect(
            text.hasPrefix(
                "4 unsupported nodes:\n  node \"old\": com.example:Swirl, operator set 1"
            )
        )
    }

    @Test func `resolving sets the versions of all nodes`() throws {
        var builder = GraphBuilder()
        builder.input("x", .fp32, [.fixed(2)])
        builder.node("Relu", ["x"], ["y"], version: 7)
        builder.output("y")
        #expect(try builder.resolved().nodes[0].operatorVersion == 6)
    }

    @Test func `declaring an operator twice stops the program`() async {
        await #expect(processExitsWith: .failure) {
            let schema = OperatorSchema(name: "A", versions: [1], inputCount: 0...0) {
                _ throws(OperatorError) in
            }
            _ = OperatorSet([schema, schema])
        }
    }
}
