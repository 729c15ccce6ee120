import TernGraph
import TernKernels
import TernTensor

/// Scaled dot-product attention, and the rotation of queries and keys by their positions.
enum AttentionOperators {
    static let all = [attention, RotaryEmbedding.declaration]

    private static let attention = OperatorDeclaration(
        "Attention",
        versions: [23, 24, 25],
        inputs: 3...7,
        outputs: 1...4,
        shape: { (context) throws(OperatorError) in try infer(&context) },
        kernel: HalfPrecision.widening { (context) throws(OperatorError) in
            let geometry = try AttentionGeometry(context)
            if try context.output().elementType == .fp64 {
                return try AttentionCall<Double>(context, geometry).kernel()
            }
            return try AttentionCall<Float>(context, geometry).kernel()
        }
    )

    private static func infer(
        _ context: inout ShapeInferenceContext
    ) throws(OperatorError) {
        try context.requireElementType(3, in: ElementType.fixedSize)
        for index in [0, 1, 2, 4, 5] {
            try context.requireElementType(index, in: ElementType.floats)
        }
        try context.requireElementType(6, in: [.int64])
        let type = try context.commonElementType(of: [0, 1, 2, 4, 5])
        for index in 0..<4 { context.setOutput(index, elementType: type, dimensions: nil) }
        guard context.hasInput(4) == context.hasInput(5) else {
            throw OperatorError("past_key and past_value belong together, one of them is missing")
        }
        guard !context.hasInput(6) || !context.hasInput(4) else {
            throw OperatorError("nonpad_kv_seqlen and past_key exclude each other")
        }
        guard let query = context.dimensions(0), let key = context.dimensions(1),
            let value = context.dimensions(2)
        else { return }
        let q = try heads(query, "q_num_heads", 0, context)
        let k = try heads(key, "kv_num_heads", 1, context)
        let v = try heads(value, "kv_num_heads", 2, context)
        try context.requireRank(4, in: 4...4)
        try context.requireRank(5, in: 4...4)
        try context.requireRank(3, in: 1...4)
        let total = (context.dimensions(4)?[2] ?? .fixed(0)) + k.count
        let isFlat = query.count == 3
        let y =
            isFlat ? [q.batch, q.count, q.heads * v.size] : [q.batch, q.heads, q.count, v.size]
        context.setOutput(0, elementType: type, dimensions: y)
        context.setOutput(1, elementType: type, dimensions: [k.batch, k.heads, total, k.size])
        context.setOutput(2, elementType: type, dimensions: [v.batch, v.heads, total, v.size])
        context.setOutput(3, elementType: type, dimensions: [q.batch, q.heads, q.count, total])
    }

    /// The axes of a query, key or value: heads may be axis 1, or lie side by side in axis 2.
    private static func heads(
        _ dimensions: [Dimension],
        _ attribute: String,
        _ index: Int,
        _ context: ShapeInferenceContext
    ) throws(OperatorError) -> (
        batch: Dimension, heads: Dimension, count: Dimension, size: Dimension
    ) {
        switch dimensions.count {
        case 4: return (dimensions[0], dimensions[1], dimensions[2], dimensions[3])
        case 3:
            let heads = try context.node.int(attribute)
            guard heads >= 1 else {
                throw OperatorError("\(attribute) is \(heads), expected 1 or more")
            }
            guard let size = dimensions[2].dividedExactly(by: .fixed(heads)) else {
                throw OperatorError(
                    "the \(dimensions[2]) elements of \(context.describe(index)) cannot be parted "
                        + "into \(heads) heads"
                )
            }
            return (dimensions[0], .fixed(heads), dimensions[1], size)
        default:
            throw OperatorError(
                "\(context.describe(index)) is \(ShapeInferenceContext.text(dimensions)), expected 3 "
                    + "or 4 axes"
            )
        }
    }
}
