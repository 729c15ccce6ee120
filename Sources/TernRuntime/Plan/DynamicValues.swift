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

    /// Runs a plan's dynamic nodes.
    mutating func evaluate(
        _ plan: ExecutionPlan,
        model: CompiledModel,
        bound: BoundPlan,
        inputs: [BoundInput]
    ) throws(RuntimeError) {
        tensors.removeAll(keepingCapacity: true)
        for (id, (place, elementType, shape)) in plan.dynamicInputs {
            tensors[id] = bound.copy(
                place,
                inputs: inputs,
                elementType: elementType,
                shape: shape
            )
        }
        let graph = model.graph
        var held = 0
        for index in plan.dynamicNodes {
            let node = graph.nodes[index]
            let outputs: [Tensor?]
            do throws(OperatorError) {
                outputs = try model.evaluator.evaluate(
                    node,
                    inputs: node.inputs.map { id in id.flatMap { tensors[$0] } },
                    weights: node.inputs.map { id in
                        id.flatMap { graph.initializers[$0] == nil ? nil : $0 }
                    }
                )
            } catch {
                throw RuntimeError(error, at: index, of: graph)
            }
            for (id, tensor) in zip(node.outputs, outputs) {
                guard let id, let tensor else { continue }
                tensors[id] = tensor
                held += tensor.storage.byteCount
            }
            guard held <= model.options.memoryByteCountLimit else {
                throw .memoryLimitExceeded(
                    neededByteCount: held,
                    limit: model.options.memoryByteCountLimit
                )
            }
        }
    }
}
