import TernGraph
import TernTensor

/// The values of one call whose size or making depends on the data.
///
/// Their nodes run after the plan's steps, each made ready when its inputs are there. That is the
/// slow way, for the few models that need it; what it holds is freed by the next call.
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
        for index in plan.dynamicNodes {
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
        }
    }
}
