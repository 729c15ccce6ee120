import SwiftProtobuf
import TernGraph
import TernTensor
import Testing

@testable import TernONNX

/// Graphs in graphs that cannot be right.
struct HostileGraphTests {
    private func branch(_ nodes: [ONNXNodeProto], giving name: String) -> ONNXGraphProto {
        .with {
            $0.node = nodes
            $0.output = [.with { $0.name = name }]
        }
    }

    private func choice(
        _ condition: String,
        _ then: ONNXGraphProto,
        _ output: String
    ) -> ONNXNodeProto {
        .with {
            $0.opType = "If"
            $0.input = [condition]
            $0.output = [output]
            $0.attribute = ["then_branch", "else_branch"].map { name in
                .with {
                    $0.name = name
                    $0.type = .graph
                    $0.g = then
                }
            }
        }
    }

    private func plain(_ name: String, _ inputs: [String], _ output: String) -> ONNXNodeProto {
        .with {
            $0.opType = name
            $0.input = inputs
            $0.output = [output]
        }
    }

    private func problem(_ nodes: [ONNXNodeProto]) throws -> String {
        var model = try ONNXModelProto(serializedBytes: Fixtures.bytes("identity.onnx"))
        model.graph.node = nodes
        let bytes: [UInt8] = try model.serializedBytes()
        do throws(ONNXError) {
            _ = try ONNXModel(bytes)
            return "it was read"
        } catch {
            return error.description
        }
    }

    @Test func `a branch that reads what its own node makes is a cycle`() throws {
        let then = branch([plain("Neg", ["y"], "z")], giving: "z")
        let nodes = [plain("IsNaN", ["x"], "c"), choice("c", then, "y")]
        #expect(try problem(nodes).contains("node 1 (If) depends on its own output"))
    }

    @Test func `a cycle through two nodes and a captured name is found`() throws {
        let then = branch([plain("Neg", ["m"], "z")], giving: "z")
        let nodes = [
            plain("IsNaN", ["x"], "c"), choice("c", then, "y"), plain("Abs", ["y"], "m"),
        ]
        #expect(try problem(nodes).contains("depends on its own output"))
    }

    @Test func `a cycle inside a branch is found there`() throws {
        let then = branch([plain("Neg", ["b"], "a"), plain("Abs", ["a"], "b")], giving: "b")
        let nodes = [plain("IsNaN", ["x"], "c"), choice("c", then, "y")]
        let found = try problem(nodes)
        #expect(found.contains("depends on its own output in then_branch of node 1 (If)"))
    }

    @Test func `a captured name that no graph around has is named, with its place`() throws {
        let then = branch([plain("Neg", ["ghost"], "z")], giving: "z")
        let nodes = [plain("IsNaN", ["x"], "c"), choice("c", then, "y")]
        #expect(
            try problem(nodes).contains(
                #"node 0 (Neg) in then_branch of node 1 (If) reads "ghost", which nothing defines"#
            )
        )
        let silent = [plain("IsNaN", ["x"], "c"), choice("c", branch([], giving: "ghost"), "y")]
        #expect(try problem(silent).contains(#"output "ghost" is not defined by anything"#))
    }

    @Test func `a graph cannot read what only a graph inside it has`() throws {
        let then = branch([plain("Neg", ["x"], "inner")], giving: "inner")
        let nodes = [
            plain("IsNaN", ["x"], "c"), choice("c", then, "m"), plain("Add", ["m", "inner"], "y"),
        ]
        #expect(try problem(nodes).contains(#"reads "inner", which nothing defines"#))
    }

    /// Only the last of the two branches goes deeper, so that the file stays short.
    private func nested(_ depth: Int) -> ONNXNodeProto {
        var node = plain("Neg", ["x"], "y\(depth)")
        for level in (0..<depth).reversed() {
            let inner = node
            node = choice("c", branch([inner], giving: "y\(level + 1)"), "y\(level)")
            node.attribute.removeLast()
        }
        node.output = ["y"]
        return node
    }

    @Test func `nesting has a limit, and what is within it is read`() throws {
        #expect(try problem([plain("IsNaN", ["x"], "c"), nested(60)]) == "it was read")
        for depth in [66, 100, 1000] {
            let found = try problem([plain("IsNaN", ["x"], "c"), nested(depth)])
            #expect(found.contains("nested"), "\(depth): \(found.prefix(200))")
        }
    }

    @Test func `what is said of a deep place does not grow with every level`() throws {
        var node = nested(60)
        node.name = String(repeating: "long", count: 40)
        var model = try ONNXModelProto(serializedBytes: Fixtures.bytes("identity.onnx"))
        model.graph.node = [plain("IsNaN", ["x"], "c"), node]
        let graph = try ONNXModel(try model.serializedBytes()).graph
        let operators = OperatorSet([])
        let unsupported = operators.unsupportedNodes(in: graph)
        #expect(unsupported.count == 62)
        #expect(unsupported.allSatisfy { $0.node.utf8.count < 4000 })
    }
}
