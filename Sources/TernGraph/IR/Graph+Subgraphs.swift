extension Graph {
    /// Gives every node of the graph and its subgraphs a number of its own; see ``Node/identity``.
    package mutating func numberNodes() {
        var next = 1
        number(&next)
    }

    private mutating func number(_ next: inout Int) {
        for index in nodes.indices {
            nodes[index].identity = next
            next += 1
            nodes[index].updateSubgraphs { _, subgraph in subgraph.number(&next) }
        }
    }

    /// The graph with its captures as further inputs, after its own: a subgraph as it can be planned
    /// and run by itself.
    package func liftingCaptures() -> Graph {
        var lifted = self
        lifted.inputs += captures.map { Port(name: self[$0.inner].name, value: $0.inner) }
        lifted.captures = []
        return lifted
    }

    /// Replaces nodes by what one of their subgraphs does.
    ///
    /// The subgraph's nodes come where the node was, what it captures is read directly, and whoever
    /// read the node's outputs reads the subgraph's.
    ///
    /// - Parameter choices: For each node to replace, by position, the attribute that holds the
    ///   subgraph: it has no inputs of its own and as many outputs as the node.
    package mutating func inlineSubgraphs(_ choices: [Int: String]) {
        guard !choices.isEmpty else { return }
        var inliner = Inliner(self)
        for (index, node) in nodes.enumerated() {
            let choice = choices[index].flatMap { node.attributes[$0] }
            if case .graph(let subgraph) = choice {
                inliner.splice(subgraph, for: node)
            } else {
                inliner.keep(node)
            }
        }
        self = inliner.finish()
    }
}

/// Copies a graph, with subgraphs in the place of some nodes.
private struct Inliner {
    private var graph: Graph
    private var kept: [Node] = []
    /// What is read instead of the outputs of nodes that are gone.
    private var replacements: [ValueID: ValueID] = [:]
    private var names: Set<String>

    init(_ graph: Graph) {
        self.graph = graph
        names = Set(graph.values.map(\.name))
        kept.reserveCapacity(graph.nodes.count)
    }

    mutating func keep(_ node: Node) {
        let replaced = replacements
        guard !replaced.isEmpty else {
            kept.append(node)
            return
        }
        kept.append(Self.renaming(node) { replaced[$0] ?? $0 })
    }

    mutating func splice(_ subgraph: Graph, for node: Node) {
        precondition(
            subgraph.inputs.isEmpty && subgraph.outputs.count == node.outputs.count,
            "a subgraph is inlined that needs inputs or has other outputs than its node"
        )
        var targets: [ValueID?] = Array(repeating: nil, count: subgraph.values.count)
        for capture in subgraph.captures {
            targets[capture.inner.index] = replacements[capture.outer] ?? capture.outer
        }
        for (index, value) in subgraph.values.enumerated() where targets[index] == nil {
            var value = value
            value.name = unusedName(value.name)
            targets[index] = graph.addValue(value)
        }
        func target(_ id: ValueID) -> ValueID {
            guard let target = targets[id.index] else {
                preconditionFailure("every value of an inlined subgraph has a place")
            }
            return target
        }
        for (id, tensor) in subgraph.initializers { graph.initializers[target(id)] = tensor }
        for inner in subgraph.nodes {
            var copy = Self.renaming(inner, target)
            copy.outputs = inner.outputs.map { id in id.map(target) }
            kept.append(copy)
        }
        for (output, port) in zip(node.outputs, subgraph.outputs) {
            if let output { replacements[output] = target(port.value) }
        }
    }

    func finish() -> Graph {
        var result = graph
        result.nodes = kept
        for index in result.outputs.indices {
            let value = result.outputs[index].value
            result.outputs[index].value = replacements[value] ?? value
        }
        return result
    }

    /// The node, reading other values.
    private static func renaming(_ node: Node, _ target: (ValueID) -> ValueID) -> Node {
        var copy = node
        copy.inputs = node.inputs.map { id in id.map(target) }
        copy.updateSubgraphs { _, subgraph in
            for index in subgraph.captures.indices {
                subgraph.captures[index].outer = target(subgraph.captures[index].outer)
            }
        }
        return copy
    }

    private mutating func unusedName(_ name: String) -> String {
        var candidate = name
        var number = 2
        while !names.insert(candidate).inserted {
            candidate = "\(name)#\(number)"
            number += 1
        }
        return candidate
    }
}
