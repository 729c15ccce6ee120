import TernGraph
import TernKernels
import TernTensor

/// The kernel of an Attention node: the caches are joined, the mask is written out, and every head is
/// computed.
///
/// What the fast kernel can do it does: single precision without a soft limit, of which nobody wants to
/// see the scores.
struct AttentionCall<Real: RealElement>: Sendable {
    private let geometry: AttentionGeometry
    private let bias: AttentionBias<Real>?
    private let keys: JoinedCache
    private let values: JoinedCache
    private let hasScores: Bool
    private let isFast: Bool
    private let innerOffset: Int
    private let byteCount: Int

    init(_ context: NodeContext, _ geometry: AttentionGeometry) throws(OperatorError) {
        self.geometry = geometry
        var layout = ScratchLayout()
        keys = try JoinedCache(
            context,
            geometry,
            input: (new: 1, past: 4),
            output: 1,
            size: geometry.size,
            width: MemoryLayout<Real>.stride,
            &layout
        )
        values = try JoinedCache(
            context,
            geometry,
            input: (new: 2, past: 5),
            output: 2,
            size: geometry.valueSize,
            width: MemoryLayout<Real>.stride,
            &layout
        )
        let hasWindow = geometry.leftWindow >= 0 || geometry.rightWindow >= 0
        let isMasked = context.hasInput(3) || context.hasInput(6) || hasWindow
        hasScores = context.hasOutput(3)
        isFast = Real.elementType == .fp32 && geometry.softcap == 0 && !hasScores
        // Causality alone is what the fast kernel knows by itself.
        let needsBias = isMasked || (geometry.isCausal && !isFast)
        bias = needsBias ? try AttentionBias(context, geometry, &layout) : nil
        innerOffset =
            isFast
            ? try layout.reserve(
                geometry.attention.scratchByteCount(context: context.kernels),
                of: UInt8.self
            )
            : try layout.reserve(geometry.keys, of: Real.self)
        byteCount = layout.byteCount
    }

    func kernel() -> Kernel {
        let call = self
        return Kernel(scratchByteCount: byteCount) { (frame) throws(OperatorError) in
            call.keys.join(frame)
            call.values.join(frame)
            try call.bias?.write(frame)
            if call.isFast { call.runFast(frame) } else { call.runPlainly(frame) }
        }
    }

    private var queryStrides: Attention.Strides {
        geometry.strides(
            heads: geometry.queryHeads,
            sequence: geometry.queries,
            size: geometry.size
        )
    }

    private var outputStrides: Attention.Strides {
        geometry.strides(
            heads: geometry.queryHeads,
            sequence: geometry.queries,
            size: geometry.valueSize
        )
    }

    private func runFast(_ frame: borrowing KernelFrame) {
        var attention = geometry.attention
        var mask = AttentionMask.none
        if let bias {
            // It says all there is to say.
            attention.isCausal = false
            if let scratch = unsafe frame.scratch.baseAddress {
                // SAFETY: the bias was written there, and the strides are its own.
                unsafe mask = .bias(
                    (scratch + bias.offset).assumingMemoryBound(to: Float.self),
                    strides: bias.strides
                )
            }
        }
        let scratch = unsafe UnsafeMutableRawBufferPointer(rebasing: frame.scratch[innerOffset...])
        // SAFETY: the operands are as long as the geometry says, which was checked against them.
        unsafe attention.run(
            frame.input(0, as: Float.self),
            strides: queryStrides,
            keys: keys.address(frame).assumingMemoryBound(to: Float.self),
            strides: keys.strides,
            values: values.address(frame).assumingMemoryBound(to: Float.self),
            strides: values.strides,
            mask: mask,
            into: frame.output(0, as: Float.self),
            strides: outputStrides,
            scratch: scratch,
            context: frame.context
        )
    }

    /// Query by query, in the operands' own precision.
    private func runPlainly(_ frame: borrowing KernelFrame) {
        var scores = frame.scratchElements(at: innerOffset, count: geometry.keys, as: Real.self)
        let queries = frame.elements(ofInput: 0, as: Real.self)
        let keyRows = keys.elements(frame, as: Real.self)
        let valueRows = values.elements(frame, as: Real.self)
        var output = frame.mutableElements(ofOutput: 0, as: Real.self)
        let group = geometry.queryHeads / geometry.keyHeads
        for batch in 0..<geometry.batch {
            for head in 0..<geometry.queryHeads {
                for row in 0..<geometry.queries {
                    let query = Self.place(queryStrides, batch, head, row)
                    for key in 0..<geometry.keys {
                        let other = Self.place(keys.strides, batch, head / group, key)
                        var sum: Real = 0
                        for i in 0..<geometry.size {
                            sum += queries[query + i] * keyRows[other + i]
                        }
                        scores[key] = sum * Real(geometry.scale)
                    }
                    weigh(frame, &scores, batch, head, row)
                    let target = Self.place(outputStrides, batch, head, row)
                    for i in 0..<geometry.valueSize {
                        var sum: Real = 0
                        for key in 0..<geometry.keys where scores[key] != 0 {
                            let other = Self.place(values.strides, batch, head / group, key)
                            sum += scores[key] * valueRows[other + i]
                        }
                        output[target + i] = sum
                    }
                }
            }
        }
    }

    private static func place(
        _ strides: Attention.Strides,
        _ batch: Int,
        _ head: Int,
        _ row: Int
    ) -> Int { batch * strides.batch + head * strides.head + row * strides.row }

    /// Turns a row of scores into weights, and shows them at the stage that is asked for.
    private func weigh(
        _ frame: borrowing KernelFrame,
        _ scores: inout MutableSpan<Real>,
        _ batch: Int,
        _ head: Int,
        _ row: Int
    ) {
        let line = (batch * geometry.queryHeads + head) * geometry.queries + row
        show(.products, scores, frame, line)
        if geometry.softcap > 0 {
            let cap = Real(geometry.softcap)
            for key in scores.indices {
                scores[key] = Real.hyperbolicTangent(scores[key] / cap) * cap
            }
        }
        show(.capped, scores, frame, line)
        var isSeen = true
        if let bias {
            let numbers = frame.scratchElements(at: bias.offset, count: bias.count, as: Real.self)
            let start = Self.place(bias.strides, batch, head, row)
            isSeen = false
            for key in scores.indices {
                let number = numbers[start + key]
                if number != -.infinity { isSeen = true }
                scores[key] += number
            }
        }
        show(.masked, scores, frame, line)
        var largest = -Real.infinity
        for key in scores.indices { largest = Real.maximum(largest, scores[key]) }
        var total: Real = 0
        // A query that sees no key has no weights.
        for key in scores.indices {
            let weight = isSeen ? Real.exponential(scores[key] - largest) : 0
            scores[key] = weight
            total += weight
        }
        if total != 0 { for key in scores.indices { scores[key] /= total } }
        show(.weights, scores, frame, line)
    }

    private func show(
        _ stage: AttentionGeometry.Scores,
        _ scores: borrowing MutableSpan<Real>,
        _ frame: borrowing KernelFrame,
        _ line: Int
    ) {
        guard hasScores, geometry.scores == stage else { return }
        var target = frame.mutableElements(ofOutput: 3, as: Real.self)
        for key in 0..<geometry.keys { target[line * geometry.keys + key] = scores[key] }
    }
}
