import TernTensor

/// A graph as text, a line for each input, constant, node and output, in the order in which they run.
///
/// Subgraphs follow their node, indented. Long constants are described by type and shape alone, short ones
/// by what is in them.
package struct GraphListing: CustomStringConvertible {
    private let graph: Graph

    /// Lists a graph.
    package init(_ graph: Graph) { self.graph = graph }

    /// The text, with a line break at the end of each line.
    package var description: String {
        lines(of: graph, indentation: "").joined(separator: "\n") + "\n"
    }

    private func lines(of graph: Graph, indentation: String) -> [String] {
        var lines: [String] = []
        for port in graph.inputs {
            lines.append("input    \(Self.port(port, graph))")
        }
        for capture in graph.captures {
            lines.append("captured \(GraphText.value(capture.inner, graph))")
        }
        for (id, tensor) in graph.initializers.sorted(by: { $0.key < $1.key }) {
            lines.append("constant \(GraphText.value(id, graph))\(GraphText.contents(tensor))")
        }
        for (index, node) in graph.nodes.enumerated() {
            let outputs = node.outputs.map { $0.map { GraphText.value($0, graph) } ?? "-" }
            let inputs = node.inputs.map { $0.map { GraphText.name($0, graph) } ?? "-" }
            let attributes = GraphText.attributes(node)
            var line = "\(index): ".leftPadded(to: 9) + outputs.joined(separator: ", ")
            line += " = \(GraphText.operatorName(node))(\(inputs.joined(separator: ", ")))"
            if !attributes.isEmpty { line += " {\(attributes.joined(separator: ", "))}" }
            if !node.name.isEmpty { line += "  # \(GraphLocation.printable(node.name))" }
            lines.append(line)
            for (name, subgraph) in node.subgraphs {
                lines.append("         \(GraphLocation.printable(name)):")
                lines += self.lines(of: subgraph, indentation: "             ")
            }
        }
        for port in graph.outputs { lines.append("output   \(Self.port(port, graph))") }
        return lines.map { indentation + $0 }
    }

    private static func port(_ port: Port, _ graph: Graph) -> String {
        let value = GraphText.value(port.value, graph)
        let name = GraphLocation.printable(port.name)
        return port.name == graph[port.value].name ? value : "\(name) = \(value)"
    }
}

/// How parts of a graph are written.
enum GraphText {
    static func name(_ id: ValueID, _ graph: Graph) -> String {
        GraphLocation.printable(graph[id].name)
    }

    static func operatorName(_ node: Node) -> String {
        GraphLocation.printable(node.qualifiedOperatorName)
    }

    /// Such as `x: FP32[batch, 10]`.
    static func value(_ id: ValueID, _ graph: Graph) -> String {
        "\(name(id, graph)): \(type(id, graph))"
    }

    /// Such as `FP32[batch, 10]`.
    static func type(_ id: ValueID, _ graph: Graph) -> String {
        let value = graph[id]
        let fact = ValueFact(elementType: value.elementType, dimensions: value.dimensions)
        return GraphLocation.printable(fact.description)
    }

    /// Up to eight numbers of a constant, such as ` = 1, 2`.
    static func contents(_ tensor: Tensor) -> String {
        guard tensor.shape.elementCount <= 8 else { return "" }
        let numbers: [String]
        switch tensor.elementType {
        case .fp32: numbers = tensor.elements(as: Float.self).map(\.description)
        case .fp64: numbers = tensor.elements(as: Double.self).map(\.description)
        default: numbers = tensor.integerElements?.map(\.description) ?? []
        }
        return numbers.isEmpty ? "" : " = " + numbers.joined(separator: ", ")
    }

    /// The attributes that are not graphs, by name.
    static func attributes(_ node: Node) -> [String] {
        node.attributes.sorted { $0.key < $1.key }.compactMap { name, attribute in
            text(attribute).map { "\(GraphLocation.printable(name)): \($0)" }
        }
    }

    private static func text(_ attribute: Attribute) -> String? {
        switch attribute {
        case .int(let value): "\(value)"
        case .float(let value): "\(value)"
        case .string(let value): text(value)
        case .ints(let values): list(values) { "\($0)" }
        case .floats(let values): list(values) { "\($0)" }
        case .strings(let values): list(values, text)
        case .tensor(let tensor): "\(tensor.elementType)\(tensor.shape)"
        case .tensors(let tensors): list(tensors) { "\($0.elementType)\($0.shape)" }
        case .graph, .graphs: nil
        }
    }

    private static func text(_ bytes: [UInt8]) -> String {
        GraphLocation.printable(String(decoding: bytes, as: UTF8.self))
    }

    private static func list<Element>(
        _ elements: [Element],
        _ text: (Element) -> String
    ) -> String {
        let shown = elements.prefix(16).map(text)
        let rest = elements.count > shown.count ? ["… \(elements.count) in all"] : []
        return "[" + (shown + rest).joined(separator: ", ") + "]"
    }
}

extension String {
    fileprivate func leftPadded(to width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }
}
