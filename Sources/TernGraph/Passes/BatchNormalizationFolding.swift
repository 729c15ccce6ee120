import TernTensor

/// Folds a BatchNormalization into the filters and the bias of the convolution before it.
///
/// With s = scale / √(variance + ε): (W ∗ x + b − mean) · s + bias = (s·W) ∗ x + (b − mean) · s + bias.
/// The new numbers are computed in double precision and rounded once.
package struct BatchNormalizationFolding: Pass {
    /// Makes the pass.
    package init() {}

    /// What the pass does.
    package var name: String { "batch normalization folding" }

    /// Folds every normalization whose numbers are known.
    package func run(on graph: inout Graph) throws(GraphError) -> Int {
        var uses = ValueUses(graph)
        var folded = 0
        for index in uses.nodes.indices {
            guard let node = uses.nodes[index], node.domain.isEmpty,
                node.operatorName == "BatchNormalization",
                node.outputs.dropFirst().allSatisfy({ $0 == nil }),
                let (source, convolution) = uses.producer(of: node.inputs[0], named: "Conv"),
                uses.onlyReader(of: convolution.outputs[0]) == index,
                let merged = Self.merge(convolution, node, &graph)
            else { continue }
            uses.remove(at: source)
            uses.replace(at: index, by: merged)
            folded += 1
        }
        graph.adopt(uses)
        return folded
    }

    private static func merge(
        _ convolution: Node,
        _ normalization: Node,
        _ graph: inout Graph
    ) -> Node? {
        guard normalization.inputs.count == 5, convolution.inputs.count >= 2,
            let weightID = convolution.inputs[1], let weights = graph.floats(weightID),
            let shape = graph.initializers[weightID]?.shape, shape.rank >= 3, shape[0] > 0,
            let scale = graph.floats(normalization.inputs[1]),
            let bias = graph.floats(normalization.inputs[2]),
            let mean = graph.floats(normalization.inputs[3]),
            let variance = graph.floats(normalization.inputs[4])
        else { return nil }
        let filters = shape[0]
        var oldBias = [Float](repeating: 0, count: filters)
        if convolution.inputs.count > 2, let id = convolution.inputs[2] {
            guard let known = graph.floats(id) else { return nil }
            oldBias = known
        }
        guard [scale, bias, mean, variance, oldBias].allSatisfy({ $0.count == filters }),
            case .float(let epsilon) = normalization.attributes["epsilon"] ?? .float(1e-5)
        else { return nil }
        var newWeights = weights
        var newBias = oldBias
        let depth = weights.count / filters
        for filter in 0..<filters {
            let factor =
                Double(scale[filter])
                / (Double(variance[filter]) + Double(epsilon)).squareRoot()
            for index in filter * depth..<(filter + 1) * depth {
                newWeights[index] = Float(Double(weights[index]) * factor)
            }
            newBias[filter] = Float(
                (Double(oldBias[filter]) - Double(mean[filter])) * factor + Double(bias[filter])
            )
        }
        let name = graph[weightID].name
        var node = convolution
        node.inputs = [
            convolution.inputs[0], graph.addFloats(near: name, newWeights, shape),
            graph.addFloats(near: name, newBias, [filters]),
        ]
        node.outputs = [normalization.outputs[0]]
        return node
    }
}
