import TernTensor

/// What shape inference found out about every value of a graph.
package struct InferredShapes: Sendable {
    /// Which subgraph of which node.
    package struct SubgraphKey: Hashable, Sendable {
        /// The node's position.
        package let nodeIndex: Int
        /// The attribute that holds the subgraph.
        package let attribute: String

        /// Makes a key.
        package init(nodeIndex: Int, attribute: String) {
            self.nodeIndex = nodeIndex
            self.attribute = attribute
        }
    }

    /// What is known of each value, by ``ValueID/index``.
    package internal(set) var facts: [ValueFact]
    /// The same for the subgraphs that the shape rules asked about.
    package internal(set) var subgraphs: [SubgraphKey: InferredShapes]
    /// The sizes that the names stand for, if concrete shapes were given.
    package internal(set) var symbols: [String: Int]

    /// What is known of a value.
    package subscript(id: ValueID) -> ValueFact { facts[id.index] }

    /// Writes the types and shapes into the graph's values.
    package func annotate(_ graph: inout Graph) {
        precondition(facts.count == graph.values.count, "these shapes are another graph's")
        for index in facts.indices {
            graph.values[index].elementType = facts[index].elementType
            graph.values[index].dimensions = facts[index].dimensions
        }
    }
}
