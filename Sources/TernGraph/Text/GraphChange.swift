/// What a pass changed: the nodes that went and those that came, and how many there are of each operator.
package struct GraphChange: Sendable, Equatable {
    /// The nodes that are no longer there, such as `Mul "scale"`, in their order.
    package let removed: [String]
    /// The nodes that were not there before.
    package let added: [String]
    /// How many nodes there were and are of each operator whose number changed, by name.
    package let counts: [String: Pair]

    /// A number before and after.
    package struct Pair: Sendable, Equatable {
        /// How many there were.
        package let before: Int
        /// How many there are.
        package let after: Int
    }

    /// Compares two states of a graph; subgraphs count for the numbers of operators alone.
    package init(from before: Graph, to after: Graph) {
        let (old, new) = (Self.labels(before), Self.labels(after))
        removed = Self.difference(old, new)
        added = Self.difference(new, old)
        let (oldCounts, newCounts) = (before.operatorCounts, after.operatorCounts)
        var changed: [String: Pair] = [:]
        for name in Set(oldCounts.keys).union(newCounts.keys) {
            let pair = Pair(before: oldCounts[name] ?? 0, after: newCounts[name] ?? 0)
            if pair.before != pair.after { changed[name] = pair }
        }
        counts = changed
    }

    private static func labels(_ graph: Graph) -> [String] {
        graph.nodes.enumerated().map { index, node in
            let made = node.outputs.compactMap { $0 }.first.map { GraphText.name($0, graph) } ?? ""
            let name = node.name.isEmpty ? made : GraphLocation.printable(node.name)
            return "\(GraphText.operatorName(node)) \"\(name)\""
        }
    }

    private static func difference(_ labels: [String], _ others: [String]) -> [String] {
        var left: [String: Int] = [:]
        for label in others { left[label, default: 0] += 1 }
        return labels.filter { label in
            guard let count = left[label], count > 0 else { return true }
            left[label] = count - 1
            return false
        }
    }
}

extension Graph {
    /// How many nodes of each operator there are, subgraphs included.
    package var operatorCounts: [String: Int] {
        var counts: [String: Int] = [:]
        for node in nodes {
            counts[GraphText.operatorName(node), default: 0] += 1
            for (_, subgraph) in node.subgraphs {
                counts.merge(subgraph.operatorCounts, uniquingKeysWith: +)
            }
        }
        return counts
    }
}
