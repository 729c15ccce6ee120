import TernGraph

/// Puts nodes into an order in which every value is defined before it is used.
///
/// The specification asks files for such an order and most have it, in which case it is kept; of
/// the others the file's own order is kept as far as possible.
enum NodeOrder {
    /// A node for messages: `node "conv1" (Conv)`, `node 7 (Conv)`.
    static func describe(_ message: ONNXNodeProto, at index: Int) -> String {
        let name =
            message.name.isEmpty
            ? "node \(index)" : "node \"\(GraphLocation.printable(message.name))\""
        return "\(name) (\(GraphLocation.printable(message.opType)))"
    }

    /// The nodes' positions in order; `nil` if there is a cycle, which is added to the problems.
    static func sorted(
        _ nodes: [ONNXNodeProto],
        place: String,
        problems: inout ProblemList
    ) -> [Int]? {
        var producers: [String: Int] = [:]
        for (index, node) in nodes.enumerated() {
            // Names that are defined twice are found when the values are made.
            for name in node.output where !name.isEmpty && producers[name] == nil {
                producers[name] = index
            }
        }
        let uses = nodes.map { node in
            var uses = node.input
            for attribute in node.attribute { uses += freeNames(of: attribute) }
            return uses.compactMap { producers[$0] }
        }
        enum Mark { case untouched, open, done }
        var marks = Array(repeating: Mark.untouched, count: nodes.count)
        var order: [Int] = []
        order.reserveCapacity(nodes.count)
        // A depth-first walk with a stack of its own: a long chain in a file must not use up ours.
        var stack: [(node: Int, nextUse: Int)] = []
        for root in nodes.indices where marks[root] == .untouched {
            marks[root] = .open
            stack.append((root, 0))
            while let (node, nextUse) = stack.last {
                guard nextUse < uses[node].count else {
                    marks[node] = .done
                    order.append(node)
                    stack.removeLast()
                    continue
                }
                stack[stack.count - 1].nextUse += 1
                let producer = uses[node][nextUse]
                switch marks[producer] {
                case .done: continue
                case .untouched:
                    marks[producer] = .open
                    stack.append((producer, 0))
                case .open:
                    problems.addInvalid(
                        "\(describe(nodes[producer], at: producer)) depends on its own output\(place)"
                    )
                    return nil
                }
            }
        }
        return order
    }

    /// The names that an attribute's graphs take from outside.
    private static func freeNames(of attribute: ONNXAttributeProto, depth: Int = 0) -> [String] {
        guard depth <= GraphImporter.subgraphDepthLimit else { return [] }
        var graphs = attribute.graphs
        if attribute.hasG { graphs.append(attribute.g) }
        return graphs.flatMap { graph -> [String] in
            var defined = Set(graph.input.map(\.name))
            defined.formUnion(graph.initializer.map(\.name))
            var used = graph.output.map(\.name)
            for node in graph.node {
                defined.formUnion(node.output)
                used += node.input
                for inner in node.attribute { used += freeNames(of: inner, depth: depth + 1) }
            }
            return used.filter { !defined.contains($0) }
        }
    }
}
