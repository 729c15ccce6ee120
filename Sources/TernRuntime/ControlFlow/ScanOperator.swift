import TernGraph
import TernTensor

/// Scan: runs its body once for each slice of its inputs, with states that go from one to the next.
///
/// The body takes the states and a slice of each scanned input, and gives the next states and the
/// slices of the outputs. The number of iterations is the length of the scanned axis, so that the
/// body is planned once, and the scan is a kernel like any other, unless something in the body
/// depends on data.
enum ScanOperator {
    static let all = [declaration]

    private static let declaration = OperatorDeclaration(
        "Scan",
        versions: [8, 9, 11, 16, 19, 21, 23, 24, 25],
        inputs: 1...4096,
        outputs: 1...4096,
        shape: { (context) throws(OperatorError) in try infer(&context) },
        kernel: { (context) throws(OperatorError) in try kernel(context) },
        evaluation: { (context) throws(OperatorError) in try evaluate(context) }
    )

    /// The attributes, and how inputs and outputs are parted.
    private struct Parts {
        let stateCount: Int
        let scanCount: Int
        let stackCount: Int
        private let node: Node

        init(_ node: Node) throws(OperatorError) {
            self.node = node
            guard node.operatorVersion >= 9 else {
                throw OperatorError(
                    "Scan before version 9, with a batch axis, is not supported here"
                )
            }
            scanCount = try node.int("num_scan_inputs")
            // Whatever the file says; it is checked below.
            stateCount = node.inputs.count &- scanCount
            let body = try node.graph("body")
            guard scanCount >= 1, stateCount >= 0, body.inputs.count == node.inputs.count else {
                throw OperatorError(
                    "\(scanCount) of \(node.inputs.count) inputs are scanned, and the body takes "
                        + "\(body.inputs.count)"
                )
            }
            stackCount = body.outputs.count - stateCount
            guard stackCount >= 0, node.outputs.count == body.outputs.count else {
                throw OperatorError(
                    "the body gives \(body.outputs.count) outputs, the node has \(node.outputs.count)"
                )
            }
            for input in node.inputs where input == nil {
                throw OperatorError("an input of a Scan is missing")
            }
        }

        private func list(_ name: String, _ index: Int, count: Int) throws(OperatorError) -> Int {
            let values = try node.ints(name) ?? []
            guard values.isEmpty || values.count == count else {
                throw OperatorError("\(name) has \(values.count) numbers, expected \(count)")
            }
            return values.isEmpty ? 0 : values[index]
        }

        /// Along which axis an input is scanned.
        func inputAxis(_ index: Int, rank: Int) throws(OperatorError) -> Int {
            try ShapeInferenceContext.normalizedAxis(
                list("scan_input_axes", index, count: scanCount),
                rank: rank
            )
        }

        /// Along which axis of the output slices of the given rank are stacked.
        func outputAxis(_ index: Int, sliceRank: Int) throws(OperatorError) -> Int {
            try ShapeInferenceContext.normalizedAxis(
                list("scan_output_axes", index, count: stackCount),
                rank: sliceRank + 1
            )
        }

        /// Whether an input is scanned from its end.
        func inputIsReversed(_ index: Int) throws(OperatorError) -> Bool {
            try list("scan_input_directions", index, count: scanCount) != 0
        }

        /// Whether an output is filled from its end.
        func outputIsReversed(_ index: Int) throws(OperatorError) -> Bool {
            try list("scan_output_directions", index, count: stackCount) != 0
        }
    }

    // MARK: Shapes

    private static func infer(_ context: inout ShapeInferenceContext) throws(OperatorError) {
        let parts = try Parts(context.node)
        var length = Dimension.unknown
        var facts: [ValueFact] = []
        for index in 0..<parts.stateCount {
            let fact = context.fact(index)
            facts.append(ValueFact(elementType: fact?.elementType, dimensions: fact?.dimensions))
        }
        for index in 0..<parts.scanCount {
            let position = parts.stateCount + index
            var dimensions = context.dimensions(position)
            if let all = dimensions {
                let axis = try parts.inputAxis(index, rank: all.count)
                let own = dimensions?.remove(at: axis) ?? .unknown
                guard !own.isKnownDifferent(from: length) else {
                    throw OperatorError(
                        "\(context.describe(position)) has \(own) slices, others have \(length)"
                    )
                }
                if length.fixedSize == nil { length = own }
            }
            facts.append(
                ValueFact(elementType: context.elementType(position), dimensions: dimensions)
            )
        }
        let found = try context.tentativelyInferSubgraph("body", inputs: facts)
        for index in 0..<parts.stateCount {
            let (before, after) = (facts[index], found[index])
            guard let old = before.dimensions, let new = after.dimensions else {
                context.setOutput(
                    index,
                    elementType: before.elementType ?? after.elementType,
                    dimensions: before.dimensions
                )
                continue
            }
            guard old.count == new.count,
                !zip(old, new).contains(where: { $0.isKnownDifferent(from: $1) })
            else {
                throw OperatorError(
                    "state \(index) begins as \(ShapeInferenceContext.text(old)) and becomes "
                        + ShapeInferenceContext.text(new)
                )
            }
            context.setOutput(
                index,
                elementType: before.elementType ?? after.elementType,
                dimensions: old
            )
        }
        for index in 0..<parts.stackCount {
            let slice = found[parts.stateCount + index]
            var dimensions = slice.dimensions
            if let own = dimensions {
                dimensions?.insert(
                    length,
                    at: try parts.outputAxis(index, sliceRank: own.count)
                )
            }
            context.setOutput(
                parts.stateCount + index,
                elementType: slice.elementType,
                dimensions: dimensions
            )
        }
    }

    // MARK: Kernel

    /// How the slices of a tensor lie: `outer` blocks of `block` bytes, `outerStride` apart.
    private struct Slices: Sendable {
        let outer: Int
        let block: Int
        let outerStride: Int
        let count: Int
        let isReversed: Bool

        init(_ operand: Operand, axis: Int, isReversed: Bool) {
            let width = operand.elementType.width
            outer = operand.outerCount(axis)
            block = operand.innerCount(axis) * width
            count = operand.shape[axis]
            outerStride = count * block
            self.isReversed = isReversed
        }

        var byteCount: Int { outer * block }

        /// Where the first block of an iteration's slice is.
        func offset(_ iteration: Int) -> Int {
            (isReversed ? count - 1 - iteration : iteration) * block
        }
    }

    private static func kernel(_ context: NodeContext) throws(OperatorError) -> Kernel {
        let parts = try Parts(context.node)
        var facts: [ValueFact] = []
        for index in 0..<parts.stateCount {
            let operand = try context.input(index)
            facts.append(
                ValueFact(elementType: operand.elementType, dimensions: operand.fact.dimensions)
            )
        }
        var sources: [Slices] = []
        for index in 0..<parts.scanCount {
            let operand = try context.input(parts.stateCount + index)
            let axis = try parts.inputAxis(index, rank: operand.rank)
            sources.append(
                Slices(operand, axis: axis, isReversed: try parts.inputIsReversed(index))
            )
            var sizes = Array(operand.shape)
            sizes.remove(at: axis)
            facts.append(
                ValueFact(
                    elementType: operand.elementType,
                    dimensions: sizes.map { .fixed($0) }
                )
            )
        }
        let body = try IteratedBody(
            context,
            inputs: facts,
            states: 0..<parts.stateCount,
            firstStateOutput: 0
        )
        var targets: [(output: Int, slices: Slices)] = []
        for index in 0..<parts.stackCount {
            let position = parts.stateCount + index
            guard let operand = context.outputs[position] else { continue }
            let (type, shape) = body.output(position)
            guard let shape, type == operand.elementType else { throw .waitsForData }
            let axis = try parts.outputAxis(index, sliceRank: shape.rank)
            var sizes = Array(operand.shape)
            let length = sizes.remove(at: axis)
            guard shape.elementsEqual(sizes), length == sources[0].count else {
                throw .waitsForData
            }
            targets.append(
                (
                    position,
                    Slices(operand, axis: axis, isReversed: try parts.outputIsReversed(index))
                )
            )
        }
        let isAsked = context.outputs.map { $0 != nil }
        let (inputs, stacks) = (sources, targets)
        let (stateCount, length) = (parts.stateCount, sources[0].count)
        // A slice that lies in pieces is put together first.
        var stagingOffsets: [Int] = []
        var staging = 0
        for source in sources {
            stagingOffsets.append(staging)
            staging += source.outer > 1 ? (source.byteCount + 63) & ~63 : 0
        }
        let (offsets, bodyOffset) = (stagingOffsets, staging)
        return Kernel(scratchByteCount: staging + body.scratchByteCount) {
            (frame) throws(OperatorError) in
            guard let base = unsafe frame.scratch.baseAddress else { return }
            var run = unsafe IteratedBody.Run(body, base + bodyOffset, firstInput: 0, frame)
            for iteration in 0..<length {
                for (index, source) in inputs.enumerated() {
                    var slot = unsafe frame.inputSlot(stateCount + index)
                    unsafe slot.address += source.offset(iteration)
                    slot.byteCount = source.byteCount
                    if source.outer > 1 {
                        let target = unsafe base + offsets[index]
                        for piece in 0..<source.outer {
                            // SAFETY: the blocks lie in the input, and the slice has room for them.
                            unsafe (target + piece * source.block).copyMemory(
                                from: slot.address + piece * source.outerStride,
                                byteCount: source.block
                            )
                        }
                        unsafe slot.address = target
                    }
                    unsafe run.set(stateCount + index, slot)
                }
                try run.step(frame)
                for (output, slices) in stacks {
                    let source = unsafe run.output(output)
                    let target = unsafe frame.rawOutput(output) + slices.offset(iteration)
                    for piece in 0..<slices.outer {
                        // SAFETY: the output has the slices' shape with the new axis.
                        unsafe (target + piece * slices.outerStride).copyMemory(
                            from: source + piece * slices.block,
                            byteCount: slices.block
                        )
                    }
                }
                run.advance()
            }
            run.finish(isAsked, frame)
        }
    }

    // MARK: With tensors

    private static func evaluate(
        _ context: EvaluationContext
    ) throws(OperatorError) -> [Tensor?] {
        let parts = try Parts(context.node)
        let body = try context.node.graph("body")
        var states: [Tensor] = []
        for index in 0..<parts.stateCount { states.append(try context.requiredInput(index)) }
        var inputs: [(tensor: Tensor, slices: Slices, shape: Shape)] = []
        for index in 0..<parts.scanCount {
            let tensor = try context.requiredInput(parts.stateCount + index)
            guard tensor.elementType != .bytes else {
                throw OperatorError("strings cannot be scanned here")
            }
            let axis = try parts.inputAxis(index, rank: tensor.shape.rank)
            let slices = Slices(
                Operand(elementType: tensor.elementType, shape: tensor.shape),
                axis: axis,
                isReversed: try parts.inputIsReversed(index)
            )
            guard inputs.first.map({ $0.slices.count == slices.count }) ?? true else {
                throw OperatorError("the scanned inputs differ in length")
            }
            var sizes = Array(tensor.shape)
            sizes.remove(at: axis)
            inputs.append((tensor, slices, Shape(validating: sizes) ?? []))
        }
        var stacks = (0..<parts.stackCount).map { index in
            TensorStack(
                declared: body[body.outputs[parts.stateCount + index].value],
                byteCountLimit: context.environment.outputByteCountLimit
            )
        }
        for iteration in 0..<inputs[0].slices.count {
            let results = try context.run(
                "body",
                states + inputs.map { slice(of: $0.tensor, $0.slices, $0.shape, iteration) }
            )
            for (index, state) in results.prefix(parts.stateCount).enumerated()
            where state.shape != states[index].shape {
                throw OperatorError(
                    "state \(index) begins as \(states[index].shape) and becomes \(state.shape)"
                )
            }
            states = Array(results.prefix(parts.stateCount))
            for index in stacks.indices {
                try stacks[index].append(results[parts.stateCount + index])
            }
        }
        var outputs: [Tensor?] = states
        for (index, stack) in stacks.enumerated() {
            outputs.append(
                try stack.tensor(
                    axis: parts.outputAxis(index, sliceRank: stack.sliceRank),
                    isReversed: parts.outputIsReversed(index)
                )
            )
        }
        return outputs
    }

    private static func slice(
        of tensor: Tensor,
        _ slices: Slices,
        _ shape: Shape,
        _ iteration: Int
    ) -> Tensor {
        let storage = AlignedBuffer(byteCount: slices.byteCount)
        for piece in 0..<slices.outer {
            // SAFETY: the blocks lie in the tensor, and the slice has room for them.
            unsafe (storage.baseAddress + piece * slices.block).copyMemory(
                from: tensor.storage.baseAddress + slices.offset(iteration)
                    + piece * slices.outerStride,
                byteCount: slices.block
            )
        }
        return Tensor(elementType: tensor.elementType, shape: shape, storage: storage)
    }
}
