/// A graph in the DOT language, as Graphviz draws it: a box for each node, with an arrow for each value
/// from who makes it to who reads it.
///
/// Constants are part of their readers' boxes. Subgraphs become clusters, with arrows for what they
/// capture.
package struct GraphDrawing: CustomStringConvertible {
    private let graph: Graph

    /// Draws a graph.
    package init(_ graph: Graph) { self.graph = graph }

    /// The text, with a line break at the end of each line.
    package var description: String {
        var lines = [
            "digraph \(Self.quoted(graph.name)) {",
            "    node [shape=box, style=rounded, fontname=\"sans-serif\", fontsize=10];",
            "    edge [fontname=\"sans-serif\", fontsize=8];",
        ]
        draw(graph, prefix: "n", captured: [:], into: &lines)
        lines.append("}")
        return lines.joined(separator: "\n") + "\n"
    }

    /// Draws a graph's nodes and arrows.
    ///
    /// - Parameters:
    ///   - graph: The graph.
    ///   - prefix: What the names of its boxes begin with.
    ///   - captured: The boxes that make what it captures.
    ///   - lines: Where they go.
    private func draw(
        _ graph: Graph,
        prefix: String,
        captured: [ValueID: String],
        into lines: inout [String]
    ) {
        var makers = captured
        for (index, port) in graph.inputs.enumerated() {
            let box = "\(prefix)_in\(index)"
            makers[port.value] = box
            lines.append(Self.box(box, [port.name, GraphText.type(port.value, graph)], "oval"))
        }
        for (index, node) in graph.nodes.enumerated() {
            for id in node.outputs.compactMap({ $0 }) { makers[id] = "\(prefix)\(index)" }
        }
        for (index, node) in graph.nodes.enumerated() {
            let box = "\(prefix)\(index)"
            let constants = node.inputs.compactMap { $0 }.filter { graph.initializers[$0] != nil }
            let names = constants.map { GraphText.value($0, graph) }
            lines.append(
                Self.box(
                    box,
                    [node.qualifiedOperatorName, node.name] + GraphText.attributes(node) + names
                )
            )
            for id in node.usedValues {
                guard let maker = makers[id] else { continue }
                lines.append(Self.arrow(maker, box, GraphText.type(id, graph)))
            }
            for (name, subgraph) in node.subgraphs {
                let inner = "\(box)_\(lines.count)_"
                lines.append("    subgraph \(Self.quoted("cluster_" + inner)) {")
                lines.append("    label=\(Self.quoted("\(name) of \(node.name)"));")
                var outer: [ValueID: String] = [:]
                for capture in subgraph.captures { outer[capture.inner] = makers[capture.outer] }
                draw(subgraph, prefix: inner, captured: outer, into: &lines)
                lines.append("    }")
            }
        }
        for (index, port) in graph.outputs.enumerated() {
            let box = "\(prefix)_out\(index)"
            lines.append(Self.box(box, [port.name, GraphText.type(port.value, graph)], "oval"))
            if let maker = makers[port.value] { lines.append(Self.arrow(maker, box, "")) }
        }
    }

    private static func box(_ name: String, _ texts: [String], _ shape: String? = nil) -> String {
        let label = texts.filter { !$0.isEmpty }.map(escaped).joined(separator: "\\n")
        let style = shape.map { ", shape=\($0)" } ?? ""
        return "    \(quoted(name)) [label=\"\(label)\"\(style)];"
    }

    private static func arrow(_ from: String, _ to: String, _ label: String) -> String {
        "    \(quoted(from)) -> \(quoted(to)) [label=\(quoted(label))];"
    }

    private static func quoted(_ text: String) -> String { "\"\(escaped(text))\"" }

    private static func escaped(_ text: String) -> String {
        GraphLocation.printable(text).reduce(into: "") { result, character in
            if character == "\"" || character == "\\" { result.append("\\") }
            result.append(character)
        }
    }
}
