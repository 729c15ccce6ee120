import TernTensor

extension Graph {
    /// Makes initializers of the values that shape inference knows, such as sizes, and takes out the nodes
    /// that would have computed them.
    ///
    /// - Parameter shapes: What is known of the graph's values.
    /// - Returns: How many nodes were taken out.
    @discardableResult
    package mutating func foldKnownValues(_ shapes: InferredShapes) -> Int {
        var folded = 0
        var kept: [Node] = []
        for node in nodes {
            var known: [ValueID: Tensor] = [:]
            let isKnown = node.outputs.allSatisfy { id in
                guard let id else { return true }
                known[id] = shapes[id].constant
                return known[id] != nil
            }
            if isKnown, !known.isEmpty {
                initializers.merge(known) { old, _ in old }
                folded += 1
            } else {
                kept.append(node)
            }
        }
        nodes = kept
        return folded
    }
}
