package import TernGraph
import TernTensor

/// A graph with the plans that were made of it: a model's own, or a subgraph of one of its nodes,
/// whose captures are then its last inputs.
package final class GraphProgram: Sendable {
    /// The graph; it captures nothing.
    package let graph: Graph
    /// For a subgraph, which of its node's ``Node/capturedValues`` each of its last inputs is.
    package let captureIndices: [Int]
    /// What is done to the graph once the shapes of a plan are known.
    private let passes: [any Pass]
    private let general: GeneralPlan
    private let plans: Guarded<PlanCache>
    private let counters: PlanCounters

    /// Makes a program of a whole model.
    init(
        _ graph: Graph,
        planCountLimit: Int,
        counters: PlanCounters,
        passes: [any Pass] = []
    ) {
        self.graph = graph
        self.counters = counters
        self.passes = passes
        captureIndices = []
        general = GeneralPlan(graph)
        plans = Guarded(PlanCache(limit: planCountLimit))
    }

    /// Makes a program of a subgraph.
    ///
    /// - Parameters:
    ///   - node: The node.
    ///   - name: The attribute that holds the subgraph.
    /// - Throws: ``OperatorError`` if there is none.
    init(subgraphOf node: Node, _ name: String) throws(OperatorError) {
        let subgraph = try node.graph(name)
        let captured = node.capturedValues
        passes = []
        graph = subgraph.liftingCaptures()
        captureIndices = subgraph.captures.compactMap { captured.firstIndex(of: $0.outer) }
        general = GeneralPlan(graph)
        plans = Guarded(PlanCache(limit: 16))
        // Not a caller's shapes.
        counters = PlanCounters()
    }

    /// The plan for a combination of input shapes, found or made.
    ///
    /// Takes a lock; sessions keep the plans they use.
    func plan(
        for inputs: PlanBuilder.Inputs,
        environment: Evaluator
    ) throws(RuntimeError) -> ExecutionPlan {
        if let found = foundPlan(for: inputs.shapes) { return found }
        return try compile(inputs, environment)
    }

    /// The plan for a combination of input shapes, if it has been made.
    func foundPlan(for shapes: [Shape]) -> ExecutionPlan? {
        plans.withLock { $0.find(shapes) }
    }

    /// A plan that runs at once, for shapes that have no plan of their own yet.
    func generalPlan(for shapes: [Shape]) -> ExecutionPlan { general.plan(for: shapes) }

    /// Makes the plan for a combination of input shapes by and by, unless it is there or being made.
    func compileInBackground(_ shapes: [Shape], environment: Evaluator, lane: PlanLane) {
        guard case .granted = plans.withLock({ $0.claim(shapes) }) else { return }
        let isTaken = lane.enqueue { [self] in
            do throws(RuntimeError) {
                _ = try compile(.shapes(shapes), environment)
            } catch {
                // A caller that needs it meets the same error.
                plans.withLock { $0.giveUp(shapes) }
            }
        }
        if !isTaken {
            plans.withLock { $0.giveUp(shapes) }
            counters.countRefusal()
        }
    }

    private func compile(
        _ inputs: PlanBuilder.Inputs,
        _ environment: Evaluator
    ) throws(RuntimeError) -> ExecutionPlan {
        let clock = ContinuousClock()
        let start = clock.now
        let made = try PlanBuilder.build(
            graph,
            inputs: inputs,
            passes: passes,
            environment: environment
        )
        let evictedCount = plans.withLock { $0.insert(made) }
        counters.countCompilation(taking: clock.now - start, evicting: evictedCount)
        return made
    }

    /// Runs a call with memory of its own, for what cannot be planned ahead.
    ///
    /// - Parameters:
    ///   - tensors: The inputs.
    ///   - environment: The model's operators, packed weights and limits.
    ///   - interruption: How somebody may stop it.
    /// - Returns: The outputs; they may share the inputs' memory.
    /// - Throws: ``RuntimeError``, as a session does.
    func run(
        _ tensors: [Tensor],
        environment: Evaluator,
        interruption: Interruption?
    ) throws(RuntimeError) -> [Tensor] {
        let facts = tensors.map {
            ValueFact(elementType: $0.elementType, dimensions: $0.shape.map { .fixed($0) })
        }
        let plan = try plan(for: .facts(facts, tensors.map(\.shape)), environment: environment)
        let bound = BoundPlan(
            plan,
            arena: AlignedBuffer(byteCount: plan.arenaByteCount),
            context: environment.context
        )
        let inputs = tensors.map { tensor in
            var input = BoundInput(elementType: tensor.elementType)
            // SAFETY: the tensors are kept during the call.
            unsafe input.bind(
                UnsafeRawBufferPointer(
                    start: tensor.storage.baseAddress,
                    count: tensor.storage.byteCount
                ),
                shape: tensor.shape
            )
            input.owner = tensor.storage
            return input
        }
        bound.placeInputs(inputs)
        try bound.run(unless: interruption)
        var dynamicValues = DynamicValues()
        if !plan.dynamicNodes.isEmpty {
            try dynamicValues.evaluate(
                bound,
                inputs: inputs,
                evaluator: environment,
                interruption: interruption
            )
        }
        var results: [Tensor] = []
        for output in plan.outputs {
            results.append(result(output, bound, tensors, inputs, dynamicValues))
        }
        return results
    }

    private func result(
        _ output: ExecutionPlan.Output,
        _ bound: BoundPlan,
        _ tensors: [Tensor],
        _ inputs: [BoundInput],
        _ dynamicValues: DynamicValues
    ) -> Tensor {
        if case .dynamic(let id) = output.source { return dynamicValues[id] }
        guard let shape = output.shape, let type = output.elementType else {
            preconditionFailure("an output has no shape after the graph has run")
        }
        if case .input(let index) = output.source {
            return Tensor(elementType: type, shape: shape, storage: tensors[index].storage)
        }
        let copy = bound.copy(
            .init(source: output.source, byteCount: output.byteCount ?? 0),
            inputs: inputs,
            elementType: type,
            shape: shape
        )
        guard let copy else {
            preconditionFailure("an output is nowhere after the graph has run")
        }
        return copy
    }
}

extension Evaluator {
    /// The program of a node's subgraph, made once for the whole model.
    package func program(of node: Node, _ name: String) throws(OperatorError) -> GraphProgram {
        try preparedFromAttributes(of: node, variant: name) { () throws(OperatorError) in
            try GraphProgram(subgraphOf: node, name)
        }
    }
}
