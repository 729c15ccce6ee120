import TernTensor

/// Computes nodes whose inputs are all known when the model is loaded, and keeps their results as
/// initializers.
package struct ConstantFolding: Pass {
    private let operators: OperatorSet
    private let evaluator: ConstantEvaluator
    private let resultByteCountLimit: Int

    /// Sets folding up.
    ///
    /// - Parameters:
    ///   - operators: The operators; only pure ones are computed.
    ///   - resultByteCountLimit: How long the results of one node may be. A node with more stays,
    ///     so that a short model cannot take memory without end.
    ///   - evaluator: Computes a node.
    package init(
        operators: OperatorSet,
        resultByteCountLimit: Int = 1 << 30,
        evaluator: @escaping ConstantEvaluator
    ) {
        self.operators = operators
        self.resultByteCountLimit = resultByteCountLimit
        self.evaluator = evaluator
    }

    /// What the pass does.
    package var name: String { "constant folding" }

    /// Folds the graph and its subgraphs.
    package func run(on graph: inout Graph) throws(GraphError) -> Int {
        try fold(&graph, path: [])
    }

    private func fold(_ graph: inout Graph, path: [String]) throws(GraphError) -> Int {
        var folded = 0
        var kept: [Node] = []
        kept.reserveCapacity(graph.nodes.count)
        for (index, original) in graph.nodes.enumerated() {
            let location = GraphLocation.describe(original, at: index, path: path)
            if let results = try results(of: original, in: graph, at: location) {
                for (id, tensor) in zip(original.outputs, results) {
                    guard let id else { continue }
                    graph.initializers[id] = tensor
                    graph[id].elementType = tensor.elementType
                    graph[id].dimensions = tensor.shape.map { .fixed($0) }
                }
                folded += 1
                continue
            }
            var node = original
            try node.updateSubgraphs { (name, subgraph) throws(GraphError) in
                bindConstantCaptures(of: &subgraph, from: graph)
                folded += try fold(&subgraph, path: path + ["\(name) of \(location)"])
            }
            kept.append(node)
        }
        graph.nodes = kept
        return folded
    }

    /// The results of a node that can be computed now; `nil` if it has to wait for a call.
    private func results(
        of node: Node,
        in graph: Graph,
        at location: String
    ) throws(GraphError) -> [Tensor]? {
        guard let schema = operators.schema(of: node), schema.isPure, node.subgraphs.isEmpty else {
            return nil
        }
        var tensors: [Tensor?] = []
        for input in node.inputs {
            guard let input else {
                tensors.append(nil)
                continue
            }
            guard let tensor = graph.initializers[input] else { return nil }
            tensors.append(tensor)
        }
        guard isAffordable(node, schema, tensors) else { return nil }
        let results: [Tensor]?
        do throws(OperatorError) {
            results = try evaluator(node, tensors)
        } catch {
            throw .foldingFailed(node: location, reason: error.message)
        }
        guard let results else { return nil }
        guard results.count == node.outputs.count else {
            throw .foldingFailed(
                node: location,
                reason: "\(results.count) results for \(node.outputs.count) outputs"
            )
        }
        return results
    }

    /// Whether the results are known to be short enough, by the operator's own shape rule.
    private func isAffordable(
        _ node: Node,
        _ schema: OperatorSchema,
        _ inputs: [Tensor?]
    ) -> Bool {
        var context = ShapeInferenceContext(
            node: node,
            inputs: inputs.map { $0.map(ValueFact.init) }
        )
        do throws(OperatorError) {
            try schema.inferShapes(&context)
        } catch {
            // The evaluator will say so with the node's name.
            return true
        }
        var total = 0
        for (id, fact) in zip(node.outputs, context.outputs) where id != nil {
            guard let dimensions = fact.dimensions, let type = fact.elementType else { continue }
            if dimensions.contains(where: { $0.fixedSize == nil }) { continue }
            guard let shape = fact.shape else { return false }
            guard type != .bytes else { continue }
            guard let byteCount = shape.byteCount(of: type) else { return false }
            let (sum, overflow) = total.addingReportingOverflow(byteCount)
            if overflow || sum > resultByteCountLimit { return false }
            total = sum
        }
        return true
    }

    /// Turns captures of known values into initializers of the subgraph.
    private func bindConstantCaptures(of subgraph: inout Graph, from graph: Graph) {
        subgraph.captures.removeAll { capture in
            guard let tensor = graph.initializers[capture.outer] else { return false }
            subgraph.initializers[capture.inner] = tensor
            return true
        }
    }
}
