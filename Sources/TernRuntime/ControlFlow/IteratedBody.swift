import TernGraph
import TernTensor

/// The body of a loop, planned once and run again and again in the kernel's scratch memory, with
/// states that go from one iteration to the next.
///
/// There are two copies of the states: the body reads one, and what it made of them is written to the
/// other, since its outputs may be views of its inputs.
struct IteratedBody: Sendable {
    private let plan: NestedPlan
    private let captures: [Int]
    /// The first of the body's inputs that is a state.
    private let firstState: Int
    /// The first of the body's outputs that is a state.
    private let firstStateOutput: Int
    /// How many inputs the body has besides its captures.
    private let inputCount: Int
    private let stateByteCounts: [Int]
    private let stateOffsets: [Int]
    private let slotByteCount: Int
    private let stateByteCount: Int

    /// Plans a body.
    ///
    /// - Parameters:
    ///   - context: The node; its attribute `body` is the body.
    ///   - inputs: What is known of the body's own inputs.
    ///   - states: Which of them are states.
    ///   - firstStateOutput: The first of the body's outputs that is a state.
    /// - Throws: ``OperatorError`` if it does not fit; ``OperatorError/waitsForData`` if the states
    ///   change their shapes.
    init(
        _ context: NodeContext,
        inputs: [ValueFact],
        states: Range<Int>,
        firstStateOutput: Int
    ) throws(OperatorError) {
        (plan, captures) = try context.nestedPlan("body", inputs)
        firstState = states.lowerBound
        self.firstStateOutput = firstStateOutput
        inputCount = inputs.count
        var counts: [Int] = []
        var offsets: [Int] = []
        var end = 0
        for index in states {
            let output = plan.plan.outputs[firstStateOutput + index - states.lowerBound]
            guard let type = inputs[index].elementType, let shape = inputs[index].shape,
                let byteCount = shape.byteCount(of: type), output.shape == shape,
                output.elementType == type
            else { throw .waitsForData }
            counts.append(byteCount)
            offsets.append(end)
            end += (byteCount + 63) & ~63
        }
        stateByteCounts = counts
        stateOffsets = offsets
        stateByteCount = end
        slotByteCount =
            ((inputCount + captures.count) * MemoryLayout<OperandSlot>.stride + 63) & ~63
    }

    /// How many states there are.
    var stateCount: Int { stateByteCounts.count }

    /// How much scratch memory it needs.
    var scratchByteCount: Int { slotByteCount + 2 * stateByteCount + plan.scratchByteCount }

    /// The type and shape of one of the body's outputs.
    func output(_ index: Int) -> (elementType: ElementType?, shape: Shape?) {
        (plan.plan.outputs[index].elementType, plan.plan.outputs[index].shape)
    }

    /// One call's use of the body.
    @safe struct Run {
        private let body: IteratedBody
        private let scratch: UnsafeMutableRawPointer
        private let slots: UnsafeMutablePointer<OperandSlot>
        /// Which copy of the states is read.
        private var side = 0

        /// Begins: the states are those of the kernel's inputs from `firstInput` on.
        ///
        /// - Parameters:
        ///   - body: The body.
        ///   - scratch: ``IteratedBody/scratchByteCount`` bytes, 64-byte aligned.
        ///   - firstInput: The kernel's input that is the first state.
        ///   - frame: The kernel's frame.
        @unsafe init(
            _ body: IteratedBody,
            _ scratch: UnsafeMutableRawPointer,
            firstInput: Int,
            _ frame: borrowing KernelFrame
        ) {
            self.body = body
            unsafe self.scratch = scratch
            let count = body.inputCount + body.captures.count
            unsafe slots = scratch.bindMemory(to: OperandSlot.self, capacity: count)
            for index in 0..<body.inputCount {
                unsafe (slots + index).initialize(to: OperandSlot(scratch, byteCount: 0))
            }
            for (position, input) in body.captures.enumerated() {
                unsafe (slots + body.inputCount + position).initialize(
                    to: frame.inputSlot(input)
                )
            }
            unsafe body.plan.bind(nested)
            for index in 0..<body.stateCount {
                unsafe state(index, side: 0).copyMemory(
                    from: frame.rawInput(firstInput + index),
                    byteCount: body.stateByteCounts[index]
                )
            }
        }

        private var nested: UnsafeMutableRawPointer {
            unsafe scratch + body.slotByteCount + 2 * body.stateByteCount
        }

        private func state(_ index: Int, side: Int) -> UnsafeMutableRawPointer {
            unsafe scratch + body.slotByteCount + side * body.stateByteCount
                + body.stateOffsets[index]
        }

        /// Says where one of the body's inputs that is no state is.
        @unsafe func set(_ input: Int, _ slot: OperandSlot) { unsafe slots[input] = slot }

        /// Runs the body once; its outputs can be read until the states move on.
        func step(_ frame: borrowing KernelFrame) throws(OperatorError) {
            if frame.isInterrupted { throw OperatorError("it was stopped") }
            for index in 0..<body.stateCount {
                unsafe slots[body.firstState + index] = OperandSlot(
                    state(index, side: side),
                    byteCount: body.stateByteCounts[index]
                )
            }
            try unsafe body.plan.run(nested, inputs: UnsafePointer(slots), frame)
        }

        /// Where one of the body's outputs is after a step.
        @unsafe func output(_ index: Int) -> UnsafeRawPointer {
            unsafe body.plan.output(index, nested, inputs: UnsafePointer(slots))
        }

        /// Takes over the states that the step made.
        mutating func advance() {
            for index in 0..<body.stateCount {
                unsafe state(index, side: 1 - side).copyMemory(
                    from: output(body.firstStateOutput + index),
                    byteCount: body.stateByteCounts[index]
                )
            }
            side = 1 - side
        }

        /// Writes the states to the kernel's first outputs, those that are asked for.
        func finish(_ isAsked: [Bool], _ frame: borrowing KernelFrame) {
            for index in 0..<body.stateCount where isAsked[index] {
                unsafe frame.rawOutput(index).copyMemory(
                    from: state(index, side: side),
                    byteCount: body.stateByteCounts[index]
                )
            }
        }
    }
}
