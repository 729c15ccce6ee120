import TernGraph
import TernKernels
import TernTensor

/// ConvTranspose: every element of the image lays down a scaled copy of the kernel.
///
/// Single precision over one or two axes has fast kernels; the rest is ``PlainTransposedConvolution``.
enum TransposedConvolutionOperator {
    static let declaration = OperatorDeclaration(
        "ConvTranspose",
        versions: [1, 11, 22],
        inputs: 2...3,
        shape: { (context) throws(OperatorError) in
            for index in 0..<context.inputCount {
                try context.requireElementType(index, in: ElementType.floats)
            }
            let type = try context.commonElementType(of: 0..<context.inputCount)
            guard let image = context.dimensions(0), let weights = context.dimensions(1) else {
                context.setOutput(elementType: type, dimensions: nil)
                return
            }
            guard image.count == weights.count, image.count >= 3 else {
                throw OperatorError(
                    "the image \(ShapeInferenceContext.text(image)) and the weights "
                        + "\(ShapeInferenceContext.text(weights)) need as many axes, 3 or more"
                )
            }
            guard !image[1].isKnownDifferent(from: weights[0]) else {
                throw OperatorError(
                    "the image has \(image[1]) channels, the weights take \(weights[0])"
                )
            }
            let groups = try context.node.int("group", default: 1)
            guard groups >= 1, weights[0].fixedSize.map({ $0.isMultiple(of: groups) }) ?? true
            else {
                throw OperatorError("\(weights[0]) channels cannot be parted into \(groups) groups")
            }
            let outputs = weights[1] * .fixed(groups)
            if let bias = context.dimensions(2),
                bias.count != 1 || bias[0].isKnownDifferent(from: outputs)
            {
                throw OperatorError(
                    "the bias is \(ShapeInferenceContext.text(bias)), expected [\(outputs)]"
                )
            }
            let kernel = weights.dropFirst(2).compactMap(\.fixedSize)
            let sizes = image.dropFirst(2).compactMap(\.fixedSize)
            var dimensions = [image[0], outputs]
            if kernel.count == image.count - 2, sizes.count == image.count - 2 {
                let geometry = try Geometry(context.node, kernel: kernel, image: sizes)
                dimensions += geometry.outputSizes.map { .fixed($0) }
            } else {
                dimensions += image.dropFirst(2).map { _ in .unknown }
            }
            context.setOutput(elementType: type, dimensions: dimensions)
        },
        kernel: HalfPrecision.widening { (context) throws(OperatorError) in
            try kernel(context)
        }
    )

    /// The output's size and the padding that goes with it.
    private struct Geometry {
        let window: SlidingWindow
        var outputSizes: [Int] = []
        var leading: [Int] = []

        init(_ node: Node, kernel: [Int], image: [Int]) throws(OperatorError) {
            window = try SlidingWindow(
                node,
                rank: image.count,
                maximumRank: SlidingWindow.anyRank,
                weightKernel: kernel
            )
            let extra = try node.ints("output_padding") ?? []
            let wanted = try node.ints("output_shape") ?? []
            guard extra.isEmpty || extra.count == image.count,
                extra.allSatisfy({ $0 >= 0 && $0 <= 1 << 31 })
            else {
                throw OperatorError("output_padding is \(extra), expected \(image.count) numbers")
            }
            // Some files repeat batch and channels in output_shape.
            let sizes = Array(wanted.suffix(image.count))
            guard wanted.isEmpty || sizes.count == image.count,
                sizes.allSatisfy({ $0 <= 1 << 48 })
            else {
                throw OperatorError("output_shape is \(wanted), expected \(image.count) numbers")
            }
            guard image.allSatisfy({ $0 <= 1 << 32 }) else {
                throw OperatorError("an image of \(image) is too large")
            }
            for axis in image.indices {
                let full =
                    (image[axis] - 1) * window.strides[axis] + window.reach(axis)
                    + (extra.isEmpty ? 0 : extra[axis])
                var size = full
                var before = 0
                switch window.padding {
                case .explicit(let pads) where wanted.isEmpty:
                    before = pads[axis]
                    size = full - pads[axis] - pads[axis + image.count]
                case .valid where wanted.isEmpty: break
                default:
                    size = wanted.isEmpty ? image[axis] * window.strides[axis] : sizes[axis]
                    let total = max(0, full - size)
                    if case .sameUpper = window.padding {
                        before = total / 2
                    } else {
                        before = total - total / 2
                    }
                }
                guard size >= 0 else {
                    throw OperatorError("the padding is larger than the output along axis \(axis)")
                }
                outputSizes.append(size)
                leading.append(before)
            }
        }
    }

    private static func kernel(_ context: NodeContext) throws(OperatorError) -> Kernel {
        let (input, weights) = (try context.input(0).shape, try context.input(1).shape)
        let image = Array(input.dropFirst(2))
        let geometry = try Geometry(
            context.node,
            kernel: Array(weights.dropFirst(2)),
            image: image
        )
        if try context.output().elementCount == 0 {
            return Kernel { (_) throws(OperatorError) in }
        }
        let type = try context.input(0).elementType
        guard type == .fp32, image.count <= 2 else {
            let convolution = try PlainTransposedConvolution(
                context,
                geometry.window,
                leading: geometry.leading
            )
            return type == .fp64
                ? convolution.kernel(Double.self) : convolution.kernel(Float.self)
        }
        var window = geometry.window.window(for: image)
        window.leading = Window.Extent(
            height: image.count == 2 ? geometry.leading[0] : 0,
            width: geometry.leading[image.count - 1]
        )
        window.trailing = Window.Extent(height: 0, width: 0)
        let groups = try context.node.int("group", default: 1)
        guard
            let convolution = TransposedConvolution(
                batchCount: input[0],
                inputChannelCount: input[1],
                outputChannelCount: groups * weights[1],
                groupCount: groups,
                inputSize: SlidingWindow.extent(image),
                outputSize: SlidingWindow.extent(geometry.outputSizes),
                window: window
            )
        else {
            throw OperatorError("the image \(input) and the weights \(weights) do not fit together")
        }
        let hasBias = context.hasInput(2)
        let filter = try packedFilter(context, for: convolution)
        let scratch = convolution.scratchByteCount(
            context: context.kernels,
            filtersAreLoose: filter == nil
        )
        return Kernel(scratchByteCount: scratch) { (frame) throws(OperatorError) in
            // SAFETY: the operands are as long as the geometry says, which was computed from their
            // shapes.
            let bias = unsafe hasBias ? frame.input(2, as: Float.self) : nil
            if let filter {
                unsafe convolution.run(
                    frame.input(0, as: Float.self),
                    filter: filter,
                    bias: bias,
                    into: frame.output(0, as: Float.self),
                    scratch: frame.scratch,
                    context: frame.context
                )
            } else {
                unsafe convolution.run(
                    frame.input(0, as: Float.self),
                    looseFilter: frame.input(1, as: Float.self),
                    bias: bias,
                    into: frame.output(0, as: Float.self),
                    scratch: frame.scratch,
                    context: frame.context
                )
            }
        }
    }

    /// The weights, packed once for the whole model; `nil` if they are an input of the call.
    private static func packedFilter(
        _ context: NodeContext,
        for convolution: TransposedConvolution
    ) throws(OperatorError) -> PackedTransposedFilter? {
        guard let constant = try context.input(1).constant else { return nil }
        let table = context.kernels.table
        let variant = PackedTransposedFilter.variant(of: convolution, table: table)
        return try context.packed(from: 1, variant: variant) { (memory) throws(OperatorError) in
            // SAFETY: the constant has as many floats as its shape says, and is kept during the call.
            withExtendedLifetime(constant) {
                unsafe PackedTransposedFilter(
                    elements: UnsafeRawPointer(constant.storage.baseAddress)
                        .assumingMemoryBound(to: Float.self),
                    for: convolution,
                    table: table,
                    memory: memory
                )
            }
        }
    }
}
