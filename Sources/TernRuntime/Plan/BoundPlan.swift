import TernGraph
import TernKernels
import TernTensor

/// A plan with its operands in one session's memory: every place is an address.
@safe final class BoundPlan {
    let plan: ExecutionPlan
    let arena: AlignedBuffer
    private let table: OperandTable
    /// The places that lie in what the caller binds, which is somewhere else in each call.
    private let inputPlaces: [(place: Int, input: Int)]
    /// What the kernels share, at an address that frames can point at.
    @unsafe private let call: UnsafeMutablePointer<CallContext>

    init(_ plan: ExecutionPlan, arena: AlignedBuffer, context: KernelContext) {
        precondition(arena.byteCount >= plan.arenaByteCount, "an arena is too short for its plan")
        self.plan = plan
        self.arena = arena
        table = OperandTable(count: plan.places.count)
        var inputPlaces: [(place: Int, input: Int)] = []
        for (index, place) in plan.places.enumerated() {
            switch place.source {
            case .input(let input):
                inputPlaces.append((index, input))
            case .arena(let offset):
                precondition(
                    offset >= 0 && offset + place.byteCount <= arena.byteCount,
                    "a plan's operand lies outside the arena"
                )
                // SAFETY: the range was just checked.
                unsafe table[index] = OperandSlot(
                    arena.baseAddress + offset,
                    byteCount: place.byteCount
                )
            case .constant(let constant):
                let storage = plan.constants[constant].storage
                // SAFETY: the plan keeps its constants; kernels only read inputs.
                unsafe table[index] = OperandSlot(
                    storage.baseAddress,
                    byteCount: storage.byteCount
                )
            case .nothing, .dynamic: break
            }
        }
        self.inputPlaces = inputPlaces
        unsafe call = .allocate(capacity: 1)
        unsafe call.initialize(to: CallContext(kernels: context))
    }

    deinit {
        unsafe call.deinitialize(count: 1)
        unsafe call.deallocate()
    }

    /// Whether the plan is for inputs of these shapes.
    func fits(_ inputs: [BoundInput]) -> Bool {
        let shapes = plan.inputShapes
        for index in inputs.indices where inputs[index].shape != shapes[index] { return false }
        return true
    }

    /// Writes the inputs' addresses into the places that read them.
    func placeInputs(_ inputs: [BoundInput]) {
        for (place, input) in inputPlaces {
            let bytes = unsafe inputs[input].bytes
            guard let address = bytes.baseAddress else { continue }
            // SAFETY: kernels only read inputs, and the plan never writes over one: a buffer that
            // may be written lies in the arena.
            unsafe table[place] = OperandSlot(
                UnsafeMutableRawPointer(mutating: address),
                byteCount: bytes.count
            )
        }
    }

    /// Runs the steps in order.
    func run(unless interruption: Interruption?) throws(RuntimeError) {
        if let interruption {
            unsafe call.pointee.interruption = interruption
            defer { unsafe call.pointee.interruption = nil }
            for index in plan.steps.indices {
                if interruption.isRequested { throw .interrupted }
                do throws(RuntimeError) {
                    try run(step: index)
                } catch {
                    // A loop that was told to stop has no other way to say so.
                    throw interruption.isRequested ? .interrupted : error
                }
            }
        } else {
            for index in plan.steps.indices { try run(step: index) }
        }
    }

    /// Runs one step.
    @inline(__always)
    func run(step index: Int) throws(RuntimeError) {
        let step = plan.steps[index]
        // SAFETY: the builder gave each step inputCount + outputCount + 1 places from firstPlace on.
        let frame = unsafe KernelFrame(
            slots: table.baseAddress + step.firstPlace,
            inputCount: step.inputCount,
            outputCount: step.outputCount,
            call: call
        )
        do throws(OperatorError) {
            try step.body(frame)
        } catch {
            throw RuntimeError(error, at: step.nodeIndex, of: plan.graph)
        }
    }

    /// A copy of what a place holds.
    func copy(
        _ place: ExecutionPlan.Place,
        inputs: [BoundInput],
        elementType: ElementType,
        shape: Shape
    ) -> Tensor? {
        let source: UnsafeRawBufferPointer
        switch place.source {
        case .input(let input):
            unsafe source = inputs[input].bytes
        case .arena(let offset):
            unsafe source = UnsafeRawBufferPointer(
                start: arena.baseAddress + offset,
                count: place.byteCount
            )
        case .constant(let constant):
            return Tensor(
                elementType: elementType,
                shape: shape,
                storage: plan.constants[constant].storage
            )
        case .nothing, .dynamic:
            return nil
        }
        let storage = AlignedBuffer(byteCount: source.count)
        // SAFETY: the input's bytes stay until the call is over, and the arena's range was checked
        // when the plan was bound.
        unsafe storage.withMutableBytes { unsafe $0.copyMemory(from: source) }
        return Tensor(elementType: elementType, shape: shape, storage: storage)
    }
}

extension RuntimeError {
    /// A node's failure, with its name.
    init(_ error: OperatorError, at nodeIndex: Int, of graph: Graph) {
        let node = graph.nodes[nodeIndex]
        self = .nodeFailed(
            node: GraphLocation.describe(node, at: nodeIndex),
            operatorName: GraphLocation.printable(node.qualifiedOperatorName),
            reason: error.message
        )
    }
}
