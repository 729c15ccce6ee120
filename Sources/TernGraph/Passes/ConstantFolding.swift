import TernTensor

/// Computes nodes whose inputs are all known when the model is loaded, and keeps their results as
/// initializers.
///
/// What only folded nodes read is given up at once: models that make their weights in many steps
/// would otherwise hold every step's result.
package struct ConstantFolding: Pass {
    /// What the pass knows while it is at work on a model.
    private struct Progress {
        /// How many nodes were folded.
        var foldedCount = 0
        /// How many bytes the results that are held have together.
        var heldByteCount = 0
    }

    private let operators: OperatorSet
    private let evaluator: ConstantEvaluator
    private let resultByteCountLimit: Int
    private let kept: Set<String>

    /// Sets folding up.
    ///
    /// - Parameters:
    ///   - operators: The operators; only pure ones are computed.
    ///   - resultByteCountLimit: How long all results that are held may be together. A node that
    ///     would exceed it stays, so that a short model cannot take memory without end.
    ///   - kept: Operators of the standard domain that are left for later.
    ///   - evaluator: Computes a node.
    package init(
        operators: OperatorSet,
        resultByteCountLimit: Int = 4 << 30,
        keeping kept: Set<String> = [],
        evaluator: @escaping ConstantEvaluator
    ) {
        self.operators = operators
        self.evaluator = evaluator
        self.resultByteCountLimit = resultByteCountLimit
        self.kept = kept
    }

    /// What the pass does.
    package var name: String { "constant folding" }

    /// Folds the graph and its subgraphs.
    package func run(on graph: inout Graph) throws(GraphError) -> Int {
        var progress = Progress()
        try fold(&graph, path: [], &progress)
        return progress.foldedCount
    }

    private func fold(
        _ graph: inout Graph,
        path: [String],
        _ progress: inout Progress
    ) throws(GraphError) {
        var kept: [Node] = []
        kept.reserveCapacity(graph.nodes.count)
        var useCounts = Array(repeating: 0, count: graph.values.count)
        for node in graph.nodes { for id in node.usedValues { useCounts[id.index] += 1 } }
        for port in graph.outputs { useCounts[port.value.index] += 1 }
        for (index, original) in graph.nodes.enumerated() {
            let location = GraphLocation.describe(original, at: index, path: path)
            let known = try results(
                of: original,
                in: graph,
                at: location,
                isCertain: path.isEmpty,
                progress
            )
            if let results = known {
                for (id, tensor) in zip(original.outputs, results) {
                    guard let id, useCounts[id.index] > 0 else { continue }
                    graph.initializers[id] = tensor
                    graph[id].elementType = tensor.elementType
                    graph[id].dimensions = tensor.shape.map { .fixed($0) }
                    progress.heldByteCount += tensor.storage.byteCount
                }
                for id in original.inputs.compactMap({ $0 }) {
                    useCounts[id.index] -= 1
                    guard useCounts[id.index] == 0,
                        let unused = graph.initializers.removeValue(forKey: id)
                    else { continue }
                    // The file's own initializers count as room gained: they were held before.
                    progress.heldByteCount -= unused.storage.byteCount
                }
                progress.foldedCount += 1
                continue
            }
            var node = original
            try node.updateSubgraphs { (name, subgraph) throws(GraphError) in
                let place = "\(name) of \(GraphLocation.describe(original, at: index))"
                bindConstantCaptures(of: &subgraph, from: graph)
                try fold(&subgraph, path: path + [place], &progress)
            }
            kept.append(node)
        }
        graph.nodes = kept
    }

    /// The results of a node that can be computed now; `nil` if it has to wait for a call.
    ///
    /// A node that cannot be computed is an error only where it is certain to run: a branch that is
    /// never taken may hold what is never right.
    private func results(
        of node: Node,
        in graph: Graph,
        at location: String,
        isCertain: Bool,
        _ progress: Progress
    ) throws(GraphError) -> [Tensor]? {
        guard let schema = operators.schema(of: node), schema.isPure, node.subgraphs.isEmpty,
            !(node.domain.isEmpty && kept.contains(node.operatorName))
        else { return nil }
        var tensors: [Tensor?] = []
        for input in node.inputs {
            guard let input else {
                tensors.append(nil)
                continue
            }
            guard let tensor = graph.initializers[input] else { return nil }
            tensors.append(tensor)
        }
        guard isAffordable(node, schema, tensors, progress) else { return nil }
        let results: [Tensor]?
        do throws(OperatorError) {
            results = try evaluator(node, tensors)
        } catch {
            guard isCertain else { return nil }
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

    /// Whether there is room for the results, as far as their sizes are known, by the operator's own shape rule.
    private func isAffordable(
        _ node: Node,
        _ schema: OperatorSchema,
        _ inputs: [Tensor?],
        _ progress: Progress
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
        var total = progress.heldByteCount
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
