package import TernMicrokernels

/// The element-wise parts of ONNX LSTM, GRU and RNN: what follows the matrix products of a step.
///
/// A driver computes all X·Wᵀ of a sequence with one ``GEMM`` (bias Wb + Rb in the epilogue), then per
/// step adds H·Rᵀ with `beta = 1`, and calls one of these. Rows are batch entries. ONNX's order of
/// gates is kept: i, o, f, c in LSTM, and z, r, h in GRU.
package enum Recurrent {
    /// The activations of one direction, with ONNX's defaults.
    package struct Activations: Sendable {
        /// f: the gates.
        package var gate = UnaryOperation(.sigmoid)
        /// g: the candidate.
        package var candidate = UnaryOperation(.hyperbolicTangent)
        /// h: the output; LSTM only.
        package var output = UnaryOperation(.hyperbolicTangent)

        /// The defaults.
        package init() {}
    }

    /// One LSTM step.
    ///
    /// i = f(clip(gᵢ + Pᵢ·c)), f = f(clip(g_f + P_f·c)), c̃ = g(clip(g_c)), c = f·c + i·c̃,
    /// o = f(clip(gₒ + Pₒ·c)), h = o·h(c).
    ///
    /// - Parameters:
    ///   - gates: [batch, 4·hidden], the sums of both products and biases; left with anything.
    ///   - cell: [batch, hidden], c; read and written.
    ///   - output: [batch, hidden], h; rows `outputRowStride` apart.
    ///   - outputRowStride: At least `hiddenCount`.
    ///   - batchCount: The rows.
    ///   - hiddenCount: The cells.
    ///   - peepholes: P [3·hidden] in the order i, o, f, or nothing.
    ///   - clip: Bounds what enters an activation to ±clip; infinite for none.
    ///   - couplesForget: ONNX `input_forget`: f = 1 - i.
    ///   - activations: f, g, h.
    ///   - context: Where to run.
    @unsafe package static func lstmStep(
        gates: UnsafeMutablePointer<Float>,
        cell: UnsafeMutablePointer<Float>,
        output: UnsafeMutablePointer<Float>,
        outputRowStride: Int,
        batchCount: Int,
        hiddenCount: Int,
        peepholes: UnsafePointer<Float>? = nil,
        clip: Float = .infinity,
        couplesForget: Bool = false,
        activations: Activations = Activations(),
        context: KernelContext
    ) {
        let h = hiddenCount
        let table = context.table
        let isPlain =
            unsafe peepholes == nil && !couplesForget && activations.gate.function == .sigmoid
            && activations.candidate.function == .hyperbolicTangent
            && activations.output.function == .hyperbolicTangent
        let cost = Double(h) * 1.5 + 30
        context.forEach(
            batchCount,
            grain: KernelContext.grain(nanosecondsPerPiece: cost),
            nanosecondsPerPiece: cost
        ) { rows in
            for row in rows {
                let input = unsafe gates + row * 4 * h
                let outputGate = unsafe input + h
                let forget = unsafe input + 2 * h
                let candidate = unsafe input + 3 * h
                let state = unsafe cell + row * h
                if isPlain {
                    let target = unsafe output + row * outputRowStride
                    unsafe table.rows.lstm(input, state, target, h, clip)
                    continue
                }
                if let peepholes = unsafe peepholes {
                    unsafe addProduct(peepholes, state, to: input, h)
                    unsafe addProduct(peepholes + 2 * h, state, to: forget, h)
                }
                unsafe activate(input, h, activations.gate, clip, table)
                if couplesForget {
                    let complement = UnaryOperation(.affine, a: -1, b: 1)
                    unsafe UnaryDriver.run(complement, input, into: forget, count: h, table: table)
                } else {
                    unsafe activate(forget, h, activations.gate, clip, table)
                }
                unsafe activate(candidate, h, activations.candidate, clip, table)
                unsafe table.rows.lstmCell(input, forget, candidate, state, h)
                if let peepholes = unsafe peepholes {
                    unsafe addProduct(peepholes + h, state, to: outputGate, h)
                }
                unsafe activate(outputGate, h, activations.gate, clip, table)
                // The candidate's place is free.
                unsafe UnaryDriver.run(
                    activations.output,
                    state,
                    into: candidate,
                    count: h,
                    table: table
                )
                _ = unsafe table.binary(
                    .multiply,
                    .arrays,
                    outputGate,
                    candidate,
                    output + row * outputRowStride,
                    h
                )
            }
        }
    }

    /// sums += x·y, element by element.
    @unsafe private static func addProduct(
        _ x: UnsafePointer<Float>,
        _ y: UnsafePointer<Float>,
        to sums: UnsafeMutablePointer<Float>,
        _ count: Int
    ) {
        for i in 0..<count { unsafe sums[i] += x[i] * y[i] }
    }

    /// x = f(clip(x)).
    @unsafe private static func activate(
        _ x: UnsafeMutablePointer<Float>,
        _ count: Int,
        _ activation: UnaryOperation,
        _ clip: Float,
        _ table: KernelTable
    ) {
        if clip < .infinity {
            let bounds = UnaryOperation(.clamp, a: -clip, b: clip)
            unsafe UnaryDriver.run(bounds, x, into: x, count: count, table: table)
        }
        unsafe UnaryDriver.run(activation, x, into: x, count: count, table: table)
    }

    /// The first half of a GRU step: z = f(clip(x_z + r_z)), r = f(clip(x_r + r_r)).
    ///
    /// With `linear_before_reset` the recurrent candidate product (with its bias Rb_h) is already in
    /// `recurrent`, and r multiplies it there; otherwise r multiplies the hidden state into `reset`,
    /// whose product with R_hᵀ the caller then puts into the third part of `recurrent`.
    ///
    /// - Parameters:
    ///   - inputs: [batch, 3·hidden], X·Wᵀ + Wb (+ Rb for z and r).
    ///   - recurrent: [batch, 3·hidden], H·Rᵀ in z and r, and with `linear_before_reset` in h as well;
    ///     its z and r are overwritten with the gates.
    ///   - hidden: [batch, hidden], H; rows `hiddenRowStride` apart.
    ///   - hiddenRowStride: At least `hiddenCount`.
    ///   - reset: [batch, hidden], r·H; `nil` with `linear_before_reset`.
    ///   - batchCount: The rows.
    ///   - hiddenCount: The cells.
    ///   - clip: Bounds what enters an activation to ±clip; infinite for none.
    ///   - activations: f.
    ///   - context: Where to run.
    @unsafe package static func gruGates(
        inputs: UnsafePointer<Float>,
        recurrent: UnsafeMutablePointer<Float>,
        hidden: UnsafePointer<Float>,
        hiddenRowStride: Int,
        reset: UnsafeMutablePointer<Float>?,
        batchCount: Int,
        hiddenCount: Int,
        clip: Float = .infinity,
        activations: Activations = Activations(),
        context: KernelContext
    ) {
        let h = hiddenCount
        let table = context.table
        let isPlain = activations.gate.function == .sigmoid
        let cost = Double(h) * 0.7 + 30
        context.forEach(
            batchCount,
            grain: KernelContext.grain(nanosecondsPerPiece: cost),
            nanosecondsPerPiece: cost
        ) { rows in
            for row in rows {
                let gates = unsafe recurrent + row * 3 * h
                if isPlain {
                    unsafe table.rows.gruGates(
                        inputs + row * 3 * h,
                        gates,
                        hidden + row * hiddenRowStride,
                        reset.map { unsafe $0 + row * h },
                        h,
                        clip
                    )
                    continue
                }
                _ = unsafe table.binary(
                    .add,
                    .arrays,
                    inputs + row * 3 * h,
                    gates,
                    gates,
                    2 * h
                )
                unsafe activate(gates, 2 * h, activations.gate, clip, table)
                let r = unsafe gates + h
                if let reset = unsafe reset {
                    let state = unsafe hidden + row * hiddenRowStride
                    _ = unsafe table.binary(.multiply, .arrays, r, state, reset + row * h, h)
                } else {
                    let candidate = unsafe gates + 2 * h
                    _ = unsafe table.binary(.multiply, .arrays, r, candidate, candidate, h)
                }
            }
        }
    }

    /// The second half of a GRU step: h̃ = g(clip(x_h + n)), H' = (1 - z)·h̃ + z·H.
    ///
    /// - Parameters:
    ///   - inputs: As in ``gruGates(inputs:recurrent:hidden:hiddenRowStride:reset:batchCount:hiddenCount:clip:activations:context:)``.
    ///   - recurrent: [batch, 3·hidden] with the gate z and the candidate term n in the third part.
    ///   - hidden: H; rows `hiddenRowStride` apart.
    ///   - hiddenRowStride: At least `hiddenCount`.
    ///   - output: H'; rows `outputRowStride` apart; may be `hidden`.
    ///   - outputRowStride: At least `hiddenCount`.
    ///   - batchCount: The rows.
    ///   - hiddenCount: The cells.
    ///   - clip: Bounds what enters the activation to ±clip; infinite for none.
    ///   - activations: g.
    ///   - context: Where to run.
    @unsafe package static func gruOutput(
        inputs: UnsafePointer<Float>,
        recurrent: UnsafeMutablePointer<Float>,
        hidden: UnsafePointer<Float>,
        hiddenRowStride: Int,
        output: UnsafeMutablePointer<Float>,
        outputRowStride: Int,
        batchCount: Int,
        hiddenCount: Int,
        clip: Float = .infinity,
        activations: Activations = Activations(),
        context: KernelContext
    ) {
        let h = hiddenCount
        let table = context.table
        let isPlain = activations.candidate.function == .hyperbolicTangent
        let cost = Double(h) * 0.5 + 30
        context.forEach(
            batchCount,
            grain: KernelContext.grain(nanosecondsPerPiece: cost),
            nanosecondsPerPiece: cost
        ) { rows in
            for row in rows {
                let gates = unsafe recurrent + row * 3 * h
                if isPlain {
                    unsafe table.rows.gruOutput(
                        inputs + row * 3 * h,
                        gates,
                        hidden + row * hiddenRowStride,
                        output + row * outputRowStride,
                        h,
                        clip
                    )
                    continue
                }
                let candidate = unsafe gates + 2 * h
                _ = unsafe table.binary(
                    .add,
                    .arrays,
                    inputs + (row * 3 + 2) * h,
                    candidate,
                    candidate,
                    h
                )
                unsafe activate(candidate, h, activations.candidate, clip, table)
                unsafe table.rows.gruBlend(
                    gates,
                    candidate,
                    hidden + row * hiddenRowStride,
                    output + row * outputRowStride,
                    h
                )
            }
        }
    }

    /// One step of a plain RNN: h = f(clip(x)), where x holds both products and biases.
    @unsafe package static func rnnStep(
        sums: UnsafePointer<Float>,
        output: UnsafeMutablePointer<Float>,
        outputRowStride: Int,
        batchCount: Int,
        hiddenCount: Int,
        clip: Float = .infinity,
        activation: UnaryOperation = UnaryOperation(.hyperbolicTangent),
        context: KernelContext
    ) {
        let table = context.table
        for row in 0..<batchCount {
            let source = unsafe sums + row * hiddenCount
            let target = unsafe output + row * outputRowStride
            let bounds = UnaryOperation(.clamp, a: -clip, b: clip)
            unsafe UnaryDriver.run(bounds, source, into: target, count: hiddenCount, table: table)
            unsafe UnaryDriver.run(
                activation,
                target,
                into: target,
                count: hiddenCount,
                table: table
            )
        }
    }
}
