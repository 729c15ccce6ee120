package import TernGraph
package import TernTensor

/// What a plan does, step by step, for people.
package struct PlanDescription: Sendable {
    /// What a step makes.
    package struct Result: Sendable {
        /// The value's name, type and shape, such as `x: FP32[1, 10]`.
        package let value: String
        /// How many bytes it has.
        package let byteCount: Int
        /// Where it lies: `arena 128`, `constant`, `input 0`.
        package let place: String
    }

    /// One kernel's run.
    package struct Step: Sendable {
        /// The operator with its domain.
        package let operatorName: String
        /// The node, by name or number.
        package let node: String
        /// What it makes.
        package let results: [Result]
        /// How much scratch memory it has.
        package let scratchByteCount: Int
    }

    /// The shape of each input.
    package let inputShapes: [Shape]
    /// What became of the model's graph once these shapes were known.
    package let change: GraphChange
    /// What runs.
    package let steps: [Step]
    /// The nodes that wait for a call's data.
    package let dynamicNodeCount: Int
    /// How many bytes all results have together.
    package let resultByteCount: Int
    /// How long the arena is that they and the scratch memory lie in.
    package let arenaByteCount: Int
    /// How many bytes the constants have that are read.
    package let constantByteCount: Int
}

extension CompiledModel {
    /// Describes the plan for a combination of input shapes, which is made if there is none.
    ///
    /// - Parameter inputShapes: The shape of each input, in order.
    /// - Returns: What the plan does.
    /// - Throws: ``RuntimeError`` if the model does not take these shapes.
    package func describePlan(inputShapes: [Shape]) throws(RuntimeError) -> PlanDescription {
        let plan = try plan(for: inputShapes)
        let shapes: InferredShapes
        do throws(GraphError) {
            shapes = try ShapeInference(
                operators: options.operators.operators,
                evaluator: evaluator.constantEvaluator
            ).infer(plan.graph, inputShapes: inputShapes)
        } catch {
            throw RuntimeError(error)
        }
        let steps = plan.steps.map { step in
            let node = plan.graph.nodes[step.nodeIndex]
            let first = step.firstPlace + step.inputCount
            var results: [PlanDescription.Result] = []
            for (index, id) in node.outputs.enumerated() {
                guard let id else { continue }
                let place = plan.places[first + index]
                let name = GraphLocation.printable(plan.graph[id].name)
                results.append(
                    PlanDescription.Result(
                        value: "\(name): \(shapes[id])",
                        byteCount: place.byteCount,
                        place: place.source.description
                    )
                )
            }
            return PlanDescription.Step(
                operatorName: GraphLocation.printable(node.qualifiedOperatorName),
                node: GraphLocation.describe(node, at: step.nodeIndex),
                results: results,
                scratchByteCount: plan.places[first + step.outputCount].byteCount
            )
        }
        return PlanDescription(
            inputShapes: inputShapes,
            change: GraphChange(from: graph, to: plan.graph),
            steps: steps,
            dynamicNodeCount: plan.dynamicNodes.count,
            resultByteCount: steps.flatMap(\.results).reduce(0) { $0 + $1.byteCount },
            arenaByteCount: plan.arenaByteCount,
            constantByteCount: plan.constants.reduce(0) { $0 + $1.storage.byteCount }
        )
    }
}

extension ExecutionPlan.Source: CustomStringConvertible {
    /// Such as `arena 128`.
    package var description: String {
        switch self {
        case .input(let index): "input \(index)"
        case .arena(let offset): "arena \(offset)"
        case .constant: "constant"
        case .nothing: "nowhere"
        case .dynamic: "own memory"
        }
    }
}
