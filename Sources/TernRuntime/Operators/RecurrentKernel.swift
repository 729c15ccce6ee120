import TernGraph
import TernKernels
import TernMicrokernels
import TernTensor

/// Runs a recurrent cell along a sequence.
///
/// Per direction, one matrix product does the inputs of all steps; then each step adds the product
/// of the state, and the cell's element-wise part makes the next state. Each row of a batch is
/// computed by itself, in an order that depends on nothing else.
///
/// Sequences shorter than the longest keep their state beyond their end, and give zeros there.
struct RecurrentKernel: Sendable {
    let cell: RecurrentOperators.Cell
    let attributes: RecurrentAttributes
    let sequenceCount: Int
    let batchCount: Int
    let inputCount: Int
    let hiddenCount: Int
    private let weights: RecurrentProduct
    private let states: [RecurrentProduct]
    private let hasBias: Bool
    private let hasLengths: Bool
    private let hasHidden: Bool
    private let hasCell: Bool
    private let hasPeepholes: Bool
    private let hasOutput: [Bool]

    /// Makes the kernel of a node with weights of 32-bit floats.
    init(_ context: NodeContext, _ cell: RecurrentOperators.Cell) throws(OperatorError) {
        let recurrent = try context.input(2).shape
        let hidden = recurrent[2]
        let gates = cell.gateCount * hidden
        guard recurrent[1] == gates else {
            throw OperatorError("the weights have \(recurrent[1]) rows, expected \(gates)")
        }
        func product(_ input: Int, _ rows: Range<Int>) throws(OperatorError) -> RecurrentProduct {
            .floats(try WeightProduct(context, input: input, rows: rows, of: gates))
        }
        // A GRU's candidate has a product of its own.
        let split = cell == .gru ? 2 * hidden : gates
        var states = [try product(2, 0..<split)]
        if cell == .gru { states.append(try product(2, split..<gates)) }
        try self.init(
            context,
            cell,
            hiddenCount: hidden,
            weights: try product(1, 0..<gates),
            states: states
        )
    }

    /// Makes a kernel with given products.
    ///
    /// - Parameters:
    ///   - context: The node, whose inputs from 3 to 7 are those of LSTM.
    ///   - cell: Which cell.
    ///   - hiddenCount: How long a state is.
    ///   - weights: The product of the inputs.
    ///   - states: The product of the state; for a GRU that of the gates and that of the candidate.
    /// - Throws: ``OperatorError`` if an attribute does not fit.
    init(
        _ context: NodeContext,
        _ cell: RecurrentOperators.Cell,
        hiddenCount: Int,
        weights: RecurrentProduct,
        states: [RecurrentProduct]
    ) throws(OperatorError) {
        self.cell = cell
        attributes = try RecurrentAttributes(context.node, cell)
        let shape = try context.input(0).shape
        sequenceCount = attributes.isBatchFirst ? shape[1] : shape[0]
        batchCount = attributes.isBatchFirst ? shape[0] : shape[1]
        inputCount = shape[2]
        self.hiddenCount = hiddenCount
        self.weights = weights
        self.states = states
        hasBias = context.hasInput(3)
        hasLengths = context.hasInput(4)
        hasHidden = context.hasInput(5)
        hasCell = cell == .lstm && context.hasInput(6)
        hasPeepholes = cell == .lstm && context.hasInput(7)
        hasOutput = (0..<3).map { context.hasOutput($0) }
    }

    private var gateCount: Int { cell.gateCount * hiddenCount }
    private var stateCount: Int { batchCount * hiddenCount }

    /// Where each thing is in the scratch memory, in floats from its start.
    private struct Scratch {
        var input = 0, bias = 0, gates = 0, hidden = 0, cell = 0, oldCell = 0, next = 0
        var recurrent = 0, reset = 0, product = 0, end = 0
    }

    private var scratch: Scratch {
        var layout = Scratch()
        var end = 0
        func place(_ count: Int) -> Int {
            defer { end += (count + 15) & ~15 }
            return end
        }
        layout.input = place(attributes.isBatchFirst ? sequenceCount * batchCount * inputCount : 0)
        layout.bias = place(2 * gateCount)
        layout.gates = place(sequenceCount * batchCount * gateCount)
        layout.hidden = place(stateCount)
        layout.cell = place(stateCount)
        layout.oldCell = place(stateCount)
        layout.next = place(stateCount)
        layout.recurrent = place(cell == .gru ? batchCount * gateCount : 0)
        layout.reset = place(cell == .gru ? stateCount : 0)
        layout.product = end
        let rows = sequenceCount * batchCount
        let needs =
            [weights.scratchByteCount(rows)] + states.map { $0.scratchByteCount(batchCount) }
        layout.end = end + (needs.max() ?? 0) / MemoryLayout<Float>.stride + 16
        return layout
    }

    func kernel() -> Kernel {
        let layout = scratch
        let run = self
        let transposition = LayoutOperators.transposition(
            [batchCount, sequenceCount, inputCount],
            [1, 0, 2]
        )
        return Kernel(scratchByteCount: layout.end * MemoryLayout<Float>.stride) {
            (frame) throws(OperatorError) in
            guard let start = unsafe frame.scratch.baseAddress else { return }
            let base = unsafe start.assumingMemoryBound(to: Float.self)
            var input = unsafe frame.input(0, as: Float.self)
            if run.attributes.isBatchFirst, run.sequenceCount * run.batchCount * run.inputCount > 0
            {
                unsafe transposition.run(
                    UnsafeRawPointer(input),
                    into: UnsafeMutableRawPointer(base + layout.input),
                    elementByteCount: MemoryLayout<Float>.stride,
                    context: frame.context
                )
                unsafe input = UnsafePointer(base + layout.input)
            }
            for direction in run.attributes.isReverse.indices {
                unsafe try run.run(direction, input, base, layout, frame)
            }
        }
    }

    /// Runs one direction.
    @unsafe private func run(
        _ direction: Int,
        _ input: UnsafePointer<Float>,
        _ base: UnsafeMutablePointer<Float>,
        _ layout: Scratch,
        _ frame: borrowing KernelFrame
    ) throws(OperatorError) {
        let bias = unsafe base + layout.bias
        let gates = unsafe base + layout.gates
        let hidden = unsafe base + layout.hidden
        let cellState = unsafe base + layout.cell
        unsafe spreadBias(direction, into: bias, frame)
        unsafe start(direction, from: hasHidden ? 5 : nil, into: hidden, frame)
        unsafe start(direction, from: hasCell ? 6 : nil, into: cellState, frame)
        let product = unsafe UnsafeMutableRawBufferPointer(
            start: base + layout.product,
            count: (layout.end - layout.product) * MemoryLayout<Float>.stride
        )
        unsafe weights.multiply(
            direction,
            input,
            rowStride: inputCount,
            rowCount: sequenceCount * batchCount,
            into: gates,
            rowStride: gateCount,
            epilogue: Epilogue(bias: .perColumn(UnsafePointer(bias))),
            scratch: product,
            frame
        )
        for step in 0..<sequenceCount {
            let time = attributes.isReverse[direction] ? sequenceCount - 1 - step : step
            let sums = unsafe gates + time * batchCount * gateCount
            if hasLengths {
                unsafe (base + layout.oldCell).update(from: cellState, count: stateCount)
            }
            let next = unsafe base + layout.next
            switch cell {
            case .lstm: unsafe lstm(direction, sums, hidden, cellState, next, product, frame)
            case .rnn: unsafe rnn(direction, sums, hidden, next, product, frame)
            case .gru:
                unsafe gru(
                    direction,
                    sums,
                    hidden,
                    next,
                    base + layout.recurrent,
                    base + layout.reset,
                    bias + gateCount,
                    product,
                    frame
                )
            }
            try unsafe keep(
                direction,
                time,
                next,
                hidden,
                cellState,
                base + layout.oldCell,
                frame
            )
        }
        if hasOutput[1] { unsafe finish(direction, hidden, output: 1, frame) }
        if hasOutput[2] { unsafe finish(direction, cellState, output: 2, frame) }
    }

    // MARK: One step

    @unsafe private func lstm(
        _ direction: Int,
        _ sums: UnsafeMutablePointer<Float>,
        _ hidden: UnsafeMutablePointer<Float>,
        _ cellState: UnsafeMutablePointer<Float>,
        _ next: UnsafeMutablePointer<Float>,
        _ product: UnsafeMutableRawBufferPointer,
        _ frame: borrowing KernelFrame
    ) {
        unsafe addState(direction, hidden, into: sums, product, frame)
        var activations = Recurrent.Activations()
        activations.gate = attributes.activations[direction][0]
        activations.candidate = attributes.activations[direction][1]
        activations.output = attributes.activations[direction][2]
        let peepholes =
            unsafe hasPeepholes
            ? frame.input(7, as: Float.self) + direction * 3 * hiddenCount : nil
        unsafe Recurrent.lstmStep(
            gates: sums,
            cell: cellState,
            output: next,
            outputRowStride: hiddenCount,
            batchCount: batchCount,
            hiddenCount: hiddenCount,
            peepholes: peepholes,
            clip: attributes.clip,
            couplesForget: attributes.couplesForget,
            activations: activations,
            context: frame.context
        )
    }

    @unsafe private func rnn(
        _ direction: Int,
        _ sums: UnsafeMutablePointer<Float>,
        _ hidden: UnsafeMutablePointer<Float>,
        _ next: UnsafeMutablePointer<Float>,
        _ product: UnsafeMutableRawBufferPointer,
        _ frame: borrowing KernelFrame
    ) {
        unsafe addState(direction, hidden, into: sums, product, frame)
        unsafe Recurrent.rnnStep(
            sums: UnsafePointer(sums),
            output: next,
            outputRowStride: hiddenCount,
            batchCount: batchCount,
            hiddenCount: hiddenCount,
            clip: attributes.clip,
            activation: attributes.activations[direction][0],
            context: frame.context
        )
    }

    /// Adds the product of the state to what the inputs gave.
    @unsafe private func addState(
        _ direction: Int,
        _ hidden: UnsafeMutablePointer<Float>,
        into sums: UnsafeMutablePointer<Float>,
        _ product: UnsafeMutableRawBufferPointer,
        _ frame: borrowing KernelFrame
    ) {
        unsafe states[0].multiply(
            direction,
            UnsafePointer(hidden),
            rowStride: hiddenCount,
            rowCount: batchCount,
            into: sums,
            rowStride: gateCount,
            epilogue: Epilogue(beta: 1),
            scratch: product,
            frame
        )
    }

    @unsafe private func gru(
        _ direction: Int,
        _ inputs: UnsafeMutablePointer<Float>,
        _ hidden: UnsafeMutablePointer<Float>,
        _ next: UnsafeMutablePointer<Float>,
        _ recurrent: UnsafeMutablePointer<Float>,
        _ reset: UnsafeMutablePointer<Float>,
        _ recurrentBias: UnsafeMutablePointer<Float>,
        _ product: UnsafeMutableRawBufferPointer,
        _ frame: borrowing KernelFrame
    ) {
        var activations = Recurrent.Activations()
        activations.gate = attributes.activations[direction][0]
        activations.candidate = attributes.activations[direction][1]
        let isLinear = attributes.appliesLinearBeforeReset
        unsafe states[0].multiply(
            direction,
            UnsafePointer(hidden),
            rowStride: hiddenCount,
            rowCount: batchCount,
            into: recurrent,
            rowStride: gateCount,
            epilogue: Epilogue(),
            scratch: product,
            frame
        )
        let candidate = unsafe Epilogue(
            bias: .perColumn(UnsafePointer(recurrentBias + 2 * hiddenCount))
        )
        if isLinear {
            unsafe states[1].multiply(
                direction,
                UnsafePointer(hidden),
                rowStride: hiddenCount,
                rowCount: batchCount,
                into: recurrent + 2 * hiddenCount,
                rowStride: gateCount,
                epilogue: candidate,
                scratch: product,
                frame
            )
        }
        unsafe Recurrent.gruGates(
            inputs: UnsafePointer(inputs),
            recurrent: recurrent,
            hidden: UnsafePointer(hidden),
            hiddenRowStride: hiddenCount,
            reset: isLinear ? nil : reset,
            batchCount: batchCount,
            hiddenCount: hiddenCount,
            clip: attributes.clip,
            activations: activations,
            context: frame.context
        )
        if !isLinear {
            unsafe states[1].multiply(
                direction,
                UnsafePointer(reset),
                rowStride: hiddenCount,
                rowCount: batchCount,
                into: recurrent + 2 * hiddenCount,
                rowStride: gateCount,
                epilogue: candidate,
                scratch: product,
                frame
            )
        }
        unsafe Recurrent.gruOutput(
            inputs: UnsafePointer(inputs),
            recurrent: recurrent,
            hidden: UnsafePointer(hidden),
            hiddenRowStride: hiddenCount,
            output: next,
            outputRowStride: hiddenCount,
            batchCount: batchCount,
            hiddenCount: hiddenCount,
            clip: attributes.clip,
            activations: activations,
            context: frame.context
        )
    }

    // MARK: States

    /// Puts the bias of the inputs' product at the front and a GRU's own of the state behind it.
    ///
    /// What can be added to the inputs' product is; a GRU's candidate has its bias inside the
    /// product that the reset gate multiplies.
    @unsafe private func spreadBias(
        _ direction: Int,
        into bias: UnsafeMutablePointer<Float>,
        _ frame: borrowing KernelFrame
    ) {
        let candidate = 2 * hiddenCount
        for gate in 0..<gateCount {
            guard hasBias else {
                unsafe bias[gate] = 0
                unsafe bias[gateCount + gate] = 0
                continue
            }
            // SAFETY: B is [directions, 2 · gates], as the shape rule checked.
            let given = unsafe frame.input(3, as: Float.self) + direction * 2 * gateCount
            let ofState = unsafe given[gateCount + gate]
            let isOwn = cell == .gru && gate >= candidate
            unsafe bias[gate] = given[gate] + (isOwn ? 0 : ofState)
            unsafe bias[gateCount + gate] = isOwn ? ofState : 0
        }
    }

    /// The distance between a direction's rows of a state that callers see, and where they start.
    private func rows(_ direction: Int) -> (start: Int, stride: Int) {
        attributes.isBatchFirst
            ? (direction * hiddenCount, attributes.isReverse.count * hiddenCount)
            : (direction * stateCount, hiddenCount)
    }

    @unsafe private func start(
        _ direction: Int,
        from input: Int?,
        into state: UnsafeMutablePointer<Float>,
        _ frame: borrowing KernelFrame
    ) {
        guard let input else {
            unsafe state.update(repeating: 0, count: stateCount)
            return
        }
        let (start, stride) = rows(direction)
        for entry in 0..<batchCount {
            // SAFETY: the initial state is [directions, batch, hidden] or [batch, directions,
            // hidden], as the shape rule checked.
            unsafe (state + entry * hiddenCount).update(
                from: frame.input(input, as: Float.self) + start + entry * stride,
                count: hiddenCount
            )
        }
    }

    @unsafe private func finish(
        _ direction: Int,
        _ state: UnsafeMutablePointer<Float>,
        output: Int,
        _ frame: borrowing KernelFrame
    ) {
        let (start, stride) = rows(direction)
        for entry in 0..<batchCount {
            // SAFETY: as for the initial state.
            unsafe (frame.output(output, as: Float.self) + start + entry * stride).update(
                from: state + entry * hiddenCount,
                count: hiddenCount
            )
        }
    }

    /// Takes over the next state and writes the step's output, entry by entry.
    @unsafe private func keep(
        _ direction: Int,
        _ time: Int,
        _ next: UnsafeMutablePointer<Float>,
        _ hidden: UnsafeMutablePointer<Float>,
        _ cellState: UnsafeMutablePointer<Float>,
        _ oldCell: UnsafeMutablePointer<Float>,
        _ frame: borrowing KernelFrame
    ) throws(OperatorError) {
        let directions = attributes.isReverse.count
        for entry in 0..<batchCount {
            var isActive = true
            if hasLengths {
                let length = frame.integer(ofInput: 4, at: entry, elementType: .int32)
                guard length >= 0, length <= sequenceCount else {
                    throw OperatorError(
                        "sequence_lens has \(length) at \(entry), expected 0 to \(sequenceCount)"
                    )
                }
                isActive = time < length
            }
            let row = entry * hiddenCount
            if isActive {
                unsafe (hidden + row).update(from: next + row, count: hiddenCount)
            } else {
                unsafe (cellState + row).update(from: oldCell + row, count: hiddenCount)
            }
            guard hasOutput[0] else { continue }
            let place =
                attributes.isBatchFirst
                ? (entry * sequenceCount + time) * directions + direction
                : (time * directions + direction) * batchCount + entry
            // SAFETY: Y has a row for each step, direction and entry.
            let target = unsafe frame.output(0, as: Float.self) + place * hiddenCount
            if isActive {
                unsafe target.update(from: next + row, count: hiddenCount)
            } else {
                unsafe target.update(repeating: 0, count: hiddenCount)
            }
        }
    }
}
