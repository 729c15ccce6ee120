import TernGraph
import TernTensor

/// The plan of a subgraph, run inside the scratch memory of its node's kernel.
///
/// Nothing is allocated: the operand table and the subgraph's arena both lie in the scratch memory,
/// and what the subgraph captures is read where the enclosing graph has it.
struct NestedPlan: Sendable {
    /// The plan.
    let plan: ExecutionPlan
    private let inputPlaces: [(place: Int, input: Int)]
    private let tableByteCount: Int

    /// Takes a plan in; `nil` if part of it depends on data.
    init?(_ plan: ExecutionPlan) {
        guard plan.dynamicNodes.isEmpty else { return nil }
        self.plan = plan
        tableByteCount = (plan.places.count * MemoryLayout<OperandSlot>.stride + 63) & ~63
        inputPlaces = plan.places.enumerated().compactMap { index, place in
            if case .input(let input) = place.source { (index, input) } else { nil }
        }
    }

    /// How much scratch memory it needs, 64-byte aligned.
    var scratchByteCount: Int { tableByteCount + plan.arenaByteCount }

    /// Writes the operand table; needed once in a call.
    @unsafe func bind(_ scratch: UnsafeMutableRawPointer) {
        let table = unsafe scratch.bindMemory(to: OperandSlot.self, capacity: plan.places.count)
        for (index, place) in plan.places.enumerated() {
            let slot: OperandSlot =
                switch place.source {
                case .arena(let offset):
                    // SAFETY: the plan's places lie within its arena, which follows the table.
                    unsafe OperandSlot(
                        scratch + tableByteCount + offset,
                        byteCount: place.byteCount
                    )
                case .constant(let constant):
                    // SAFETY: the plan keeps its constants; kernels only read inputs.
                    unsafe OperandSlot(
                        plan.constants[constant].storage.baseAddress,
                        byteCount: plan.constants[constant].storage.byteCount
                    )
                case .input, .nothing, .dynamic:
                    // No kernel looks at an operand that is left out.
                    unsafe OperandSlot(scratch, byteCount: 0)
                }
            unsafe (table + index).initialize(to: slot)
        }
    }

    /// Runs the subgraph.
    ///
    /// - Parameters:
    ///   - scratch: The memory that was bound.
    ///   - inputs: Where each input of the plan is.
    ///   - frame: The frame of the kernel that runs it.
    /// - Throws: ``OperatorError`` that names the inner node.
    @unsafe func run(
        _ scratch: UnsafeMutableRawPointer,
        inputs: UnsafePointer<OperandSlot>,
        _ frame: borrowing KernelFrame
    ) throws(OperatorError) {
        let table = unsafe scratch.assumingMemoryBound(to: OperandSlot.self)
        for (place, input) in inputPlaces { unsafe table[place] = inputs[input] }
        for index in plan.steps.indices {
            if frame.isInterrupted { throw OperatorError("it was stopped") }
            let step = plan.steps[index]
            // SAFETY: the table has inputCount + outputCount + 1 slots from firstPlace on.
            let inner = unsafe KernelFrame(
                slots: table + step.firstPlace,
                inputCount: step.inputCount,
                outputCount: step.outputCount,
                call: frame.call
            )
            do throws(OperatorError) {
                try step.body(inner)
            } catch {
                let node = plan.graph.nodes[step.nodeIndex]
                throw OperatorError(
                    "\(GraphLocation.describe(node, at: step.nodeIndex)): "
                        + "\(GraphLocation.printable(node.qualifiedOperatorName)): \(error.message)"
                )
            }
        }
    }

    /// Where an output is after a run.
    @unsafe func output(
        _ index: Int,
        _ scratch: UnsafeMutableRawPointer,
        inputs: UnsafePointer<OperandSlot>
    ) -> UnsafeRawPointer {
        switch plan.outputs[index].source {
        case .arena(let offset): return unsafe UnsafeRawPointer(scratch + tableByteCount + offset)
        case .input(let input): return unsafe UnsafeRawPointer(inputs[input].address)
        case .constant(let constant):
            return unsafe UnsafeRawPointer(plan.constants[constant].storage.baseAddress)
        case .nothing, .dynamic:
            preconditionFailure("an output of a subgraph is nowhere after it has run")
        }
    }

    /// Whether an output has the type and shape of an operand.
    func output(_ index: Int, fits operand: Operand) -> Bool {
        plan.outputs[index].shape == operand.shape
            && plan.outputs[index].elementType == operand.elementType
    }
}

extension NodeContext {
    /// Plans a subgraph of the node for the operands that there are.
    ///
    /// - Parameters:
    ///   - name: The attribute that holds it.
    ///   - inputs: What is known of its own inputs, all shapes included.
    /// - Returns: The plan, and for each capture which input of the node's kernel it is.
    /// - Throws: ``OperatorError`` if the subgraph does not fit, or
    ///   ``OperatorError/waitsForData``.
    func nestedPlan(
        _ name: String,
        _ inputs: [ValueFact] = []
    ) throws(OperatorError) -> (plan: NestedPlan, captures: [Int]) {
        let program = try environment.program(of: node, name)
        let captured = program.captureIndices.map { captures[$0] }
        let facts = inputs + captured.map(\.fact)
        guard program.graph.inputs.count == facts.count else {
            throw OperatorError(
                "\(name) takes \(program.graph.inputs.count - captured.count) inputs, "
                    + "\(inputs.count) are given"
            )
        }
        let shapes = facts.compactMap(\.shape)
        guard shapes.count == facts.count else { throw .waitsForData }
        let plan: ExecutionPlan
        do throws(RuntimeError) {
            plan = try PlanBuilder.build(
                program.graph,
                inputs: .facts(facts, shapes),
                environment: environment
            )
        } catch {
            throw OperatorError("in \(name): \(error)")
        }
        guard let nested = NestedPlan(plan) else { throw .waitsForData }
        return (nested, program.captureIndices.map { self.inputs.count + $0 })
    }
}
