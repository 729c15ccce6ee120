import TernTensor
import Testing

@testable import TernGraph

/// Graphs as text and as drawings, and what changed between two.
@Suite struct GraphTextTests {
    private func graph() throws -> Graph {
        var builder = GraphBuilder()
        builder.input("x", .fp32, [.symbolic("n"), .fixed(2)])
        builder.constant("a\"b\n", floats: [1, 2])
        builder.node("Add", ["x", "a\"b\n"], ["sum"])
        builder.node("Relu", ["sum"], ["y"])
        builder.output("y")
        return try builder.resolved()
    }

    @Test func `a listing has a line for everything, and no line breaks from names`() throws {
        let lines = GraphListing(try graph()).description.split(separator: "\n")
        #expect(lines.count == 5)
        #expect(lines[0] == "input    x: FP32[n, 2]")
        #expect(lines[1] == "constant a\"b\u{FFFD}: FP32[2] = 1.0, 2.0")
        #expect(lines[2].contains("= Add(x, a\"b\u{FFFD})"))
        #expect(lines[4].hasPrefix("output   y"))
    }

    @Test func `a drawing has a box for each node and an arrow for each value, with names quoted`()
        throws
    {
        let text = GraphDrawing(try graph()).description
        #expect(text.hasPrefix("digraph"))
        #expect(text.contains("\"n0\" -> \"n1\""))
        #expect(text.contains("\"n_in0\" -> \"n0\""))
        #expect(text.contains("\"n1\" -> \"n_out0\""))
        #expect(text.contains("a\\\"b\u{FFFD}"))
        #expect(text.hasSuffix("}\n"))
    }

    @Test func `a change names what went and what came, and counts operators`() throws {
        let before = try graph()
        var after = before
        after.nodes[1].operatorName = "Neg"
        let change = GraphChange(from: before, to: after)
        #expect(change.removed == ["Relu \"y\""])
        #expect(change.added == ["Neg \"y\""])
        #expect(change.counts["Relu"] == GraphChange.Pair(before: 1, after: 0))
        #expect(change.counts["Neg"] == GraphChange.Pair(before: 0, after: 1))
        #expect(change.counts["Add"] == nil)
    }
}
