/// Takes out nodes and initializers that no output depends on.
package struct DeadCodeElimination: Pass {
    /// Makes the pass.
    package init() {}

    /// What the pass does.
    package var name: String { "dead code elimination" }

    /// Takes unneeded nodes out of the graph and its subgraphs.
    package func run(on graph: inout Graph) throws(GraphError) -> Int { Self.clean(&graph) }

    private static func clean(_ graph: inout Graph) -> Int {
        var isNeeded = Array(repeating: false, count: graph.values.count)
        for port in graph.outputs { isNeeded[port.value.index] = true }
        var removed = 0
        var kept: [Node] = []
        for var node in graph.nodes.reversed() {
            guard node.outputs.contains(where: { id in id.map { isNeeded[$0.index] } ?? false })
            else {
                removed += 1
                continue
            }
            node.updateSubgraphs { _, subgraph in removed += clean(&subgraph) }
            for id in node.usedValues { isNeeded[id.index] = true }
            kept.append(node)
        }
        graph.nodes = kept.reversed()
        graph.initializers = graph.initializers.filter { isNeeded[$0.key.index] }
        graph.captures.removeAll { !isNeeded[$0.inner.index] }
        return removed
    }
}
