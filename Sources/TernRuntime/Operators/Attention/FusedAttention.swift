import TernGraph
import TernKernels
import TernTensor

/// Attention as ``AttentionFusion`` makes it: softmax(scale · Q · Kᵀ + mask) · V in every head, with each
/// operand laid out as the model has it.
///
/// Q, K, V and Y are [batch, heads, sequence, size], or [batch, sequence, heads, size] where
/// `sequence_first` says so, or [batch, sequence, size] for one head. The mask has up to four axes, which
/// are repeated where they are 1, but for the last, which has a number for each key.
enum FusedAttention {
    static let operatorName = "Attention"

    static let all = [
        OperatorDeclaration(
            operatorName,
            domain: FusedProduct.domain,
            versions: [1],
            inputs: 3...4,
            shape: { (context) throws(OperatorError) in
                for index in 0..<context.inputCount {
                    try context.requireElementType(index, in: [.fp32])
                }
                guard var q = context.dimensions(0), let v = context.dimensions(2) else {
                    context.setOutput(elementType: .fp32, dimensions: nil)
                    return
                }
                let layouts = try FusedAttention.layouts(context.node)
                guard q.count == v.count, (3...4).contains(q.count) else {
                    throw OperatorError("the operands have \(q.count) and \(v.count) axes")
                }
                if q.count == 4, layouts[0] != layouts[3] { q.swapAt(1, 2) }
                q[q.count - 1] = v[v.count - 1]
                context.setOutput(elementType: .fp32, dimensions: q)
            },
            kernel: { (context) throws(OperatorError) in try kernel(context) }
        )
    ]

    /// Notes a node's scale, and which of Q, K, V and Y have the sequence before the heads.
    static func attributes(scale: Float, sequenceFirst: [Bool]) -> [String: Attribute] {
        ["scale": .float(scale), "sequence_first": .ints(sequenceFirst.map { $0 ? 1 : 0 })]
    }

    private static func layouts(_ node: Node) throws(OperatorError) -> [Bool] {
        let given = try node.ints("sequence_first") ?? [0, 0, 0, 0]
        guard given.count == 4 else {
            throw OperatorError("sequence_first has \(given.count) numbers, expected 4")
        }
        return given.map { $0 != 0 }
    }

    /// The sizes of one operand.
    private struct Operand {
        let batch: Int
        let heads: Int
        let sequence: Int
        let size: Int
        let strides: Attention.Strides

        init(_ shape: Shape, sequenceFirst: Bool) throws(OperatorError) {
            guard (3...4).contains(shape.rank) else {
                throw OperatorError("an operand is \(shape), expected 3 or 4 axes")
            }
            batch = shape[0]
            size = shape[shape.rank - 1]
            heads = shape.rank == 3 ? 1 : shape[sequenceFirst ? 2 : 1]
            sequence = shape.rank == 3 ? shape[1] : shape[sequenceFirst ? 1 : 2]
            strides =
                sequenceFirst
                ? .sequenceFirst(heads: heads, sequence: sequence, size: size)
                : .headsFirst(heads: heads, sequence: sequence, size: size)
        }
    }

    private static func kernel(_ context: NodeContext) throws(OperatorError) -> Kernel {
        let layouts = try layouts(context.node)
        let q = try Operand(context.input(0).shape, sequenceFirst: layouts[0])
        let k = try Operand(context.input(1).shape, sequenceFirst: layouts[1])
        let v = try Operand(context.input(2).shape, sequenceFirst: layouts[2])
        let y = try Operand(context.output().shape, sequenceFirst: layouts[3])
        guard k.batch == q.batch, v.batch == q.batch, k.heads == q.heads, v.heads == q.heads,
            k.size == q.size, v.sequence == k.sequence
        else {
            throw OperatorError(
                "the query \(try context.input(0).shape), the key \(try context.input(1).shape) and "
                    + "the value \(try context.input(2).shape) do not fit together"
            )
        }
        let attention = Attention(
            batchCount: q.batch,
            headCount: q.heads,
            queryCount: q.sequence,
            keyCount: k.sequence,
            size: q.size,
            valueSize: v.size,
            scale: try context.node.float("scale", default: 1)
        )
        let mask = context.hasInput(3) ? try maskStrides(context.input(3).shape, q, k) : nil
        let scratch = attention.scratchByteCount(context: context.kernels)
        return Kernel(scratchByteCount: scratch) { (frame) throws(OperatorError) in
            var added = AttentionMask.none
            if let mask {
                unsafe added = .bias(frame.input(3, as: Float.self), strides: mask)
            }
            // SAFETY: the operands are as long as their shapes say, which were checked.
            unsafe attention.run(
                frame.input(0, as: Float.self),
                strides: q.strides,
                keys: frame.input(1, as: Float.self),
                strides: k.strides,
                values: frame.input(2, as: Float.self),
                strides: v.strides,
                mask: added,
                into: frame.output(0, as: Float.self),
                strides: y.strides,
                scratch: frame.scratch,
                context: frame.context
            )
        }
    }

    /// How a mask is spread over the scores.
    private static func maskStrides(
        _ shape: Shape,
        _ q: Operand,
        _ k: Operand
    ) throws(OperatorError) -> Attention.Strides {
        let axes = Array(repeating: 1, count: max(0, 4 - shape.rank)) + Array(shape)
        let full = [q.batch, q.heads, q.sequence, k.sequence]
        guard axes.count == 4, axes[3] == full[3],
            zip(axes, full).allSatisfy({ $0 == 1 || $0 == $1 })
        else { throw OperatorError("the mask \(shape) cannot be spread over \(full)") }
        return Attention.Strides(
            batch: axes[0] == 1 ? 0 : axes[1] * axes[2] * axes[3],
            head: axes[1] == 1 ? 0 : axes[2] * axes[3],
            row: axes[2] == 1 ? 0 : axes[3]
        )
    }
}
