import TernTensor

/// Replaces If nodes whose condition is known by the branch that is taken.
package struct BranchFolding: Pass {
    /// Makes the pass.
    package init() {}

    /// What the pass does.
    package var name: String { "branch folding" }

    /// Replaces the If nodes of the graph and its subgraphs that have a constant for a condition.
    package func run(on graph: inout Graph) throws(GraphError) -> Int { Self.fold(&graph) }

    private static func fold(_ graph: inout Graph) -> Int {
        var folded = 0
        while true {
            let choices = decided(in: graph)
            guard !choices.isEmpty else { break }
            folded += choices.count
            graph.inlineSubgraphs(choices)
        }
        for index in graph.nodes.indices {
            graph.nodes[index].updateSubgraphs { _, subgraph in folded += fold(&subgraph) }
        }
        return folded
    }

    /// Which branch each If node of a graph takes, as far as it is known: by the node's position,
    /// the attribute that holds the branch.
    ///
    /// - Parameters:
    ///   - graph: The graph; its subgraphs are not looked at.
    ///   - shapes: What is known of its values besides the initializers.
    /// - Returns: The branches that are certain to be taken.
    package static func decided(
        in graph: Graph,
        shapes: InferredShapes? = nil
    ) -> [Int: String] {
        var choices: [Int: String] = [:]
        for (index, node) in graph.nodes.enumerated()
        where node.domain.isEmpty && node.operatorName == "If" {
            guard let condition = node.inputs.first ?? nil,
                let known = graph.initializers[condition] ?? shapes?[condition].constant,
                known.elementType == .bool, known.shape.elementCount == 1
            else { continue }
            let name = known.elements(as: UInt8.self)[0] != 0 ? "then_branch" : "else_branch"
            guard case .graph(let branch) = node.attributes[name], branch.inputs.isEmpty,
                branch.outputs.count == node.outputs.count
            else { continue }
            choices[index] = name
        }
        return choices
    }
}
