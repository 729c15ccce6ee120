import TernGraph
import TernKernels
import TernTensor

/// Convolutions.
///
/// Single precision over one or two axes has fast kernels; the rest is ``PlainConvolution``.
enum ConvolutionOperators {
    static let all = [
        declaration("Conv", inputs: 2...3), TransposedConvolutionOperator.declaration,
    ]

    /// Conv, or what fusion makes of it.
    static func declaration(
        _ name: String,
        domain: String = "",
        inputs: ClosedRange<Int>
    ) -> OperatorDeclaration {
        OperatorDeclaration(
            name,
            domain: domain,
            versions: [1, 11, 22],
            inputs: inputs,
            shape: { (context) throws(OperatorError) in
                for index in 0..<context.inputCount {
                    try context.requireElementType(index, in: ElementType.floats)
                }
                let type = try context.commonElementType(of: 0..<context.inputCount)
                try context.requireRank(2, in: 1...1)
                context.setOutput(
                    elementType: type,
                    dimensions: try outputDimensions(
                        context,
                        image: 0,
                        weights: 1,
                        bias: 2,
                        maximumRank: SlidingWindow.anyRank
                    )
                )
            },
            kernel: HalfPrecision.widening { (context) throws(OperatorError) in
                try kernel(context)
            }
        )
    }

    /// The output's dimensions; `nil` if those of the image or the weights are not known.
    ///
    /// - Parameters:
    ///   - context: The node.
    ///   - imageInput: Which input is the image.
    ///   - weightInput: Which input is the weights.
    ///   - biasInput: Which input is the bias; may be left out.
    ///   - maximumRank: How many axes the image may have.
    /// - Returns: Batch, channels, and what the window makes of the image.
    /// - Throws: ``OperatorError`` if the shapes do not fit together.
    static func outputDimensions(
        _ context: ShapeInferenceContext,
        image imageInput: Int,
        weights weightInput: Int,
        bias biasInput: Int,
        maximumRank: Int = 2
    ) throws(OperatorError) -> [Dimension]? {
        guard let image = context.dimensions(imageInput),
            let weights = context.dimensions(weightInput)
        else { return nil }
        guard image.count == weights.count, image.count >= 3 else {
            throw OperatorError(
                "\(context.describe(imageInput)) is \(ShapeInferenceContext.text(image)) and the "
                    + "weights are \(ShapeInferenceContext.text(weights)): both need batch or "
                    + "channels, channels, and as many axes as the image has"
            )
        }
        let groups = try context.node.int("group", default: 1)
        let bias = biasInput < context.inputCount ? context.dimensions(biasInput) : nil
        try check(image, weights, groups: groups, bias: bias)
        let kernel = weights.dropFirst(2).compactMap(\.fixedSize)
        guard kernel.count == weights.count - 2 else {
            return [image[0], weights[0]] + image.dropFirst(2).map { _ in Dimension.unknown }
        }
        let window = try SlidingWindow(
            context.node,
            rank: image.count - 2,
            maximumRank: maximumRank,
            weightKernel: kernel
        )
        return try window.outputDimensions(
            batch: image[0],
            channels: weights[0],
            image: Array(image.dropFirst(2))
        )
    }

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

    /// The convolution of a node; `nil` if there is nothing to compute.
    ///
    /// - Parameters:
    ///   - context: The node.
    ///   - image: The image.
    ///   - weights: The weights.
    /// - Returns: The convolution.
    /// - Throws: ``OperatorError`` if the shapes do not fit together.
    static func convolution(
        _ context: NodeContext,
        image: Operand,
        _ weights: Operand
    ) throws(OperatorError) -> Convolution? {
        let axes = Array(image.shape.dropFirst(2))
        let sliding = try SlidingWindow(
            context.node,
            rank: axes.count,
            weightKernel: Array(weights.shape.dropFirst(2))
        )
        // Nothing to do; and geometry of nothing is not defined.
        if try context.output().elementCount == 0 { return nil }
        var (size, window) = (SlidingWindow.extent(axes), sliding.window(for: axes))
        if size.width == 1, window.isColumn {
            // A column lies in memory as a row does, and kernels go along rows.
            (size, window) = (size.transposed, window.transposed)
        }
        guard
            let convolution = Convolution(
                batchCount: image.shape[0],
                inputChannelCount: image.shape[1],
                outputChannelCount: weights.shape[0],
                groupCount: try context.node.int("group", default: 1),
                inputSize: size,
                window: window
            )
        else {
            throw OperatorError(
                "the image \(image.shape) and the weights \(weights.shape) do not fit together"
            )
        }
        return convolution
    }

    /// What no fast kernel does: double precision, and images of more than two axes.
    private static func plainKernel(_ context: NodeContext) throws(OperatorError) -> Kernel {
        let (input, weights) = (try context.input(0), try context.input(1))
        let window = try SlidingWindow(
            context.node,
            rank: input.rank - 2,
            maximumRank: SlidingWindow.anyRank,
            weightKernel: Array(weights.shape.dropFirst(2))
        )
        if try context.output().elementCount == 0 {
            return Kernel { (_) throws(OperatorError) in }
        }
        let convolution = try PlainConvolution(context, window)
        return input.elementType == .fp64
            ? convolution.kernel(Double.self) : convolution.kernel(Float.self)
    }

    private static func kernel(_ context: NodeContext) throws(OperatorError) -> Kernel {
        let (input, weights) = (try context.input(0), try context.input(1))
        guard input.elementType == .fp32, input.rank <= 4 else { return try plainKernel(context) }
        guard let convolution = try convolution(context, image: input, weights) else {
            return Kernel { (_) throws(OperatorError) in }
        }
        let hasBias = try FusedProduct.hasBias(
            context,
            count: convolution.outputChannelCount
        )
        let residual = try FusedProduct.residual(context)
        let activation = try FusedProduct.activation(of: context.node)
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
                        bias: hasBias ? frame.input(2, as: Float.self) : nil,
                        residual: residual.map { unsafe frame.input($0, as: Float.self) },
                        activation: activation
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
                    bias: hasBias ? frame.input(2, as: Float.self) : nil,
                    residual: residual.map { unsafe frame.input($0, as: Float.self) },
                    activation: activation
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
        return try context.packed(from: 1, variant: variant) { (memory) throws(OperatorError) in
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
                    table: context.kernels.table,
                    memory: memory
                )
            }
        }
    }
}
