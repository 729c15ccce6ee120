import TernGraph
import TernTensor

/// The values of one call whose size or making depends on the data.
///
/// Their nodes run after the plan's steps, each made ready when its inputs are there. That is the
/// slow way, for the few models that need it and for calls whose plan is not compiled yet. A value is
/// given up after its last reader; what a caller reads, by the next call.
struct DynamicValues {
    private var tensors: [ValueID: Tensor] = [:]

    /// The value, which must have been made.
    subscript(id: ValueID) -> Tensor {
        guard let tensor = tensors[id] else {
            preconditionFailure("a value is read that no node has made")
        }
        return tensor
    }

    /// Runs the dynamic nodes of a plan whose steps have run.
    mutating func evaluate(
        _ bound: BoundPlan,
        inputs: [BoundInput],
        evaluator: Evaluator,
        interruption: Interruption?
    ) throws(RuntimeError) {
        let plan = bound.plan
        tensors.removeAll(keepingCapacity: true)
        for (id, (place, elementType, shape)) in plan.dynamicInputs {
            tensors[id] = bound.copy(
                place,
                inputs: inputs,
                elementType: elementType,
                shape: shape
            )
        }
        let graph = plan.graph
        var held = 0
        for (position, index) in plan.dynamicNodes.enumerated() {
            let node = graph.nodes[index]
            if let interruption, interruption.isRequested { throw .interrupted }
            let outputs: [Tensor?]
            do throws(OperatorError) {
                outputs = try evaluator.evaluate(
                    node,
                    inputs: node.inputs.map { id in id.flatMap { tensors[$0] } },
                    areWeights: node.inputs.map { id in
                        id.map { graph.initializers[$0] != nil } ?? false
                    },
                    captures: node.capturedValues.map { self[$0] },
                    interruption: interruption
                )
            } catch {
                if let interruption, interruption.isRequested { throw .interrupted }
                throw RuntimeError(error, at: index, of: graph)
            }
            for (id, tensor) in zip(node.outputs, outputs) {
                guard let id, let tensor else { continue }
                tensors[id] = tensor
                held += tensor.storage.byteCount
            }
            guard held <= evaluator.outputByteCountLimit else {
                throw .memoryLimitExceeded(
                    neededByteCount: held,
                    limit: evaluator.outputByteCountLimit
                )
            }
            for id in plan.dynamicReleases[position] {
                guard let tensor = tensors.removeValue(forKey: id) else { continue }
                // What was there before the dynamic nodes was not counted.
                if plan.dynamicInputs[id] == nil { held -= tensor.storage.byteCount }
            }
        }
    }

    /// For each of some nodes, the values that none of those after it reads, and no caller.
    static func releases(of nodes: [Int], in graph: Graph) -> [[ValueID]] {
        var read = Set(graph.outputs.map(\.value))
        var releases: [[ValueID]] = []
        for index in nodes.reversed() {
            let node = graph.nodes[index]
            // What nobody reads at all goes as well.
            let values = node.usedValues + node.outputs.compactMap { $0 }
            releases.append(values.filter { read.insert($0).inserted })
        }
        return releases.reversed()
    }
}
