import TernGraph
import TernKernels
import TernTensor

/// Convolutions.
///
/// Single precision over one or two axes has fast kernels; the rest is ``PlainConvolution``.
enum ConvolutionOperators {
    static let all = [conv, TransposedConvolution.declaration]

    static let conv = OperatorDeclaration(
        "Conv",
        versions: [1, 11, 22],
        inputs: 2...3,
        shape: { (context) throws(OperatorError) in
            for index in 0..<context.inputCount {
                try context.requireElementType(index, in: ElementType.floats)
            }
            let type = try context.commonElementType(of: 0..<context.inputCount)
            try context.requireRank(2, in: 1...1)
            guard let image = context.dimensions(0), let weights = context.dimensions(1) else {
                context.setOutput(elementType: type, dimensions: nil)
                return
            }
            guard image.count == weights.count, image.count >= 3 else {
                throw OperatorError(
                    "\(context.describe(0)) is \(ShapeInferenceContext.text(image)) and the weights "
                        + "are \(ShapeInferenceContext.text(weights)): both need batch or channels, "
                        + "channels, and as many axes as the image has"
                )
            }
            let groups = try context.node.int("group", default: 1)
            try check(image, weights, groups: groups, bias: context.dimensions(2))
            let kernel = weights.dropFirst(2).compactMap(\.fixedSize)
            guard kernel.count == weights.count - 2 else {
                context.setOutput(
                    elementType: type,
                    dimensions: [image[0], weights[0]]
                        + image.dropFirst(2).map { _ in Dimension.unknown }
                )
                return
            }
            let window = try SlidingWindow(
                context.node,
                rank: image.count - 2,
                maximumRank: SlidingWindow.anyRank,
                weightKernel: kernel
            )
            context.setOutput(
                elementType: type,
                dimensions: try window.outputDimensions(
                    batch: image[0],
                    channels: weights[0],
                    image: Array(image.dropFirst(2))
                )
            )
        },
        kernel: HalfPrecision.widening { (context) throws(OperatorError) in
            try kernel(context)
        }
    )

    private static func check(
        _ image: [Dimension],
        _ weights: [Dimension],
        groups: Int,
        bias: [Dimension]?
    ) throws(OperatorError) {
        guard groups >= 1 else { throw OperatorError("group is \(groups), expected 1 or more") }
        if image[1].isKnownDifferent(from: weights[1] * .fixed(groups)) {
            throw OperatorError(
                "the image has \(image[1]) channels, the weights take \(groups) groups of "
                    + "\(weights[1])"
            )
        }
        if let outputs = weights[0].fixedSize, !outputs.isMultiple(of: groups) {
            throw OperatorError("\(outputs) output channels cannot be parted into \(groups) groups")
        }
        if let bias, bias.count == 1, bias[0].isKnownDifferent(from: weights[0]) {
            throw OperatorError("the bias has \(bias[0]) numbers for \(weights[0]) output channels")
        }
    }

    private static func kernel(_ context: NodeContext) throws(OperatorError) -> Kernel {
        let (input, weights) = (try context.input(0), try context.input(1))
        let output = try context.output()
        let image = Array(input.shape.dropFirst(2))
        let window = try SlidingWindow(
            context.node,
            rank: image.count,
            maximumRank: SlidingWindow.anyRank,
            weightKernel: Array(weights.shape.dropFirst(2))
        )
        // Nothing to do; and geometry of nothing is not defined.
        if output.elementCount == 0 { return Kernel { (_) throws(OperatorError) in } }
        guard input.elementType == .fp32, image.count <= 2 else {
            let convolution = try PlainConvolution(context, window)
            return input.elementType == .fp64
                ? convolution.kernel(Double.self) : convolution.kernel(Float.self)
        }
        guard
            let convolution = Convolution(
                batchCount: input.shape[0],
                inputChannelCount: input.shape[1],
                outputChannelCount: weights.shape[0],
                groupCount: try context.node.int("group", default: 1),
                inputSize: SlidingWindow.extent(image),
                window: window.window(for: image)
            )
        else {
            throw OperatorError(
                "the image \(input.shape) and the weights \(weights.shape) do not fit together"
            )
        }
        let hasBias = context.hasInput(2)
        guard weights.constant != nil else {
            let scratch = convolution.scratchByteCount(
                context: context.kernels,
                filtersAreLoose: true
            )
            return Kernel(scratchByteCount: scratch) { (frame) throws(OperatorError) in
                unsafe convolution.run(
                    frame.input(0, as: Float.self),
                    looseFilter: frame.input(1, as: Float.self),
                    into: frame.output(0, as: Float.self),
                    epilogue: ConvolutionEpilogue(
                        bias: hasBias ? frame.input(2, as: Float.self) : nil
                    ),
                    scratch: frame.scratch,
                    context: frame.context
                )
            }
        }
        let filter = try packedFilter(context, for: convolution)
        let scratch = convolution.scratchByteCount(context: context.kernels)
        return Kernel(scratchByteCount: scratch) { (frame) throws(OperatorError) in
            unsafe convolution.run(
                frame.input(0, as: Float.self),
                filter: filter,
                into: frame.output(0, as: Float.self),
                epilogue: ConvolutionEpilogue(
                    bias: hasBias ? frame.input(2, as: Float.self) : nil
                ),
                scratch: frame.scratch,
                context: frame.context
            )
        }
    }

    private static func packedFilter(
        _ context: NodeContext,
        for convolution: Convolution
    ) throws(OperatorError) -> PackedFilter {
        // Shapes with the same method share what was packed; groups are the node's, not the weight's.
        let method = convolution.method(table: context.kernels.table)
        let variant = "\(method.rawValue) filter in \(convolution.groupCount) groups"
        return try context.prepared(from: 1, variant: variant) { () throws(OperatorError) in
            guard let constant = context.inputs[1]?.constant else {
                throw OperatorError("input 1 must be known to be packed")
            }
            // SAFETY: the constant has as many floats as its shape says, and is kept during the
            // call.
            return withExtendedLifetime(constant) {
                unsafe PackedFilter(
                    elements: UnsafeRawPointer(constant.storage.baseAddress)
                        .assumingMemoryBound(to: Float.self),
                    for: convolution,
                    table: context.kernels.table
                )
            }
        }
    }
}
