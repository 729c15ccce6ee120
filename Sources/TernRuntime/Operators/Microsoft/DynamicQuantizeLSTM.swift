import TernGraph
import TernTensor

/// The LSTM of com.microsoft whose weights are bytes: inputs and states are quantised in each call,
/// the products are exact, and the cell is that of LSTM.
///
/// Its weights lie transposed: W is [directions, input, 4 · hidden] and R [directions, hidden,
/// 4 · hidden]. The eight inputs of LSTM are followed by scale and zero point of W and of R.
enum DynamicQuantizeLSTM {
    static let all = [declaration]

    private static let declaration = OperatorDeclaration(
        "DynamicQuantizeLSTM",
        domain: "com.microsoft",
        versions: [1],
        inputs: 12...12,
        optionalInputs: [3, 4, 5, 6, 7],
        outputs: 0...3,
        shape: { (context) throws(OperatorError) in try infer(&context) },
        kernel: { (context) throws(OperatorError) in
            let hidden = try context.input(2).shape[1]
            return try RecurrentKernel(
                context,
                .lstm,
                hiddenCount: hidden,
                weights: .bytes(ByteWeightProduct(context, input: 1, scale: 8, zero: 9)),
                states: [.bytes(ByteWeightProduct(context, input: 2, scale: 10, zero: 11))]
            ).kernel()
        }
    )

    private static func infer(_ context: inout ShapeInferenceContext) throws(OperatorError) {
        for index in [0, 3, 5, 6, 7, 8, 10] { try context.requireElementType(index, in: [.fp32]) }
        for index in [1, 2, 9, 11] {
            try context.requireElementType(index, in: QuantizationOperators.bytes)
        }
        try context.requireElementType(4, in: [.int32])
        for index in 0...2 { try context.requireRank(index, in: 3...3) }
        for index in [1, 2, 8, 9, 10, 11] where !context.hasInput(index) {
            throw OperatorError("input \(index) is missing")
        }
        let directions = Dimension.fixed(try RecurrentAttributes.directionCount(context.node))
        guard let hidden = context.dimensions(2)?[1].fixedSize else { return }
        guard hidden <= 1 << 28 else { throw OperatorError("a state of \(hidden) cannot be") }
        let input = context.dimensions(0) ?? [.unknown, .unknown, .unknown]
        let gates = Dimension.fixed(4 * hidden)
        let state: [Dimension] = [directions, input[1], .fixed(hidden)]
        let expected: [(Int, [Dimension])] = [
            (1, [directions, input[2], gates]),
            (2, [directions, .fixed(hidden), gates]),
            (3, [directions, .fixed(8 * hidden)]),
            (4, [input[1]]),
            (5, state),
            (6, state),
            (7, [directions, .fixed(3 * hidden)]),
        ]
        for (index, wanted) in expected {
            guard let found = context.dimensions(index) else { continue }
            guard found.count == wanted.count,
                !zip(found, wanted).contains(where: { $0.isKnownDifferent(from: $1) })
            else {
                throw OperatorError(
                    "\(context.describe(index)) is \(ShapeInferenceContext.text(found)), expected "
                        + ShapeInferenceContext.text(wanted)
                )
            }
        }
        context.setOutput(
            0,
            elementType: .fp32,
            dimensions: [input[0], directions, input[1], .fixed(hidden)]
        )
        context.setOutput(1, elementType: .fp32, dimensions: state)
        context.setOutput(2, elementType: .fp32, dimensions: state)
    }
}
