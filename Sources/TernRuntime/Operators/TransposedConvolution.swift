import TernGraph
import TernKernels
import TernTensor

/// ConvTranspose: every element of the image lays down a scaled copy of the kernel.
///
/// Per image and group it is one matrix product, (filtersᵀ · image), whose rows are then added up
/// where they fall. The order of additions depends on the shapes alone.
struct TransposedConvolution: Sendable {
    private let inputSize: Window.Extent
    private let outputSize: Window.Extent
    private let window: Window
    private let batchCount: Int
    private let groupCount: Int
    /// Per group.
    private let inputChannelCount: Int
    /// Per group.
    private let outputChannelCount: Int
    private let hasBias: Bool
    private let kernels: KernelContext

    static let declaration = OperatorDeclaration(
        "ConvTranspose",
        versions: [1, 11, 22],
        inputs: 2...3,
        shape: { (context) throws(OperatorError) in
            for index in 0..<context.inputCount {
                try context.requireElementType(index, in: [.fp32])
            }
            guard let image = context.dimensions(0), let weights = context.dimensions(1) else {
                context.setOutput(elementType: .fp32, dimensions: nil)
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
            context.setOutput(elementType: .fp32, dimensions: dimensions)
        },
        kernel: { (context) throws(OperatorError) in
            try TransposedConvolution(context).kernel()
        }
    )

    /// The output's size and the padding that goes with it.
    private struct Geometry {
        let window: SlidingWindow
        var outputSizes: [Int] = []
        var leading: [Int] = []

        init(_ node: Node, kernel: [Int], image: [Int]) throws(OperatorError) {
            window = try SlidingWindow(node, rank: image.count, weightKernel: kernel)
            let extra = try node.ints("output_padding") ?? []
            let wanted = try node.ints("output_shape") ?? []
            guard extra.isEmpty || extra.count == image.count, extra.allSatisfy({ $0 >= 0 }) else {
                throw OperatorError("output_padding is \(extra), expected \(image.count) numbers")
            }
            // Some files repeat batch and channels in output_shape.
            let sizes = Array(wanted.suffix(image.count))
            guard wanted.isEmpty || sizes.count == image.count else {
                throw OperatorError("output_shape is \(wanted), expected \(image.count) numbers")
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

    private init(_ context: NodeContext) throws(OperatorError) {
        let (input, weights) = (try context.input(0).shape, try context.input(1).shape)
        let image = Array(input.dropFirst(2))
        let geometry = try Geometry(
            context.node,
            kernel: Array(weights.dropFirst(2)),
            image: image
        )
        var window = geometry.window.window(for: image)
        window.leading = Window.Extent(
            height: image.count == 2 ? geometry.leading[0] : 0,
            width: geometry.leading[image.count - 1]
        )
        self.window = window
        inputSize = SlidingWindow.extent(image)
        outputSize = SlidingWindow.extent(geometry.outputSizes)
        batchCount = input[0]
        groupCount = try context.node.int("group", default: 1)
        inputChannelCount = input[1] / groupCount
        outputChannelCount = weights[1]
        kernels = context.kernels
        hasBias = context.hasInput(2)
    }

    private var tapCount: Int { window.kernel.height * window.kernel.width }
    private var imageCount: Int { inputSize.height * inputSize.width }

    private func kernel() -> Kernel {
        let rows = outputChannelCount * tapCount
        let productByteCount = (rows * imageCount * 4 + 63) & ~63
        let gemmByteCount = GEMM.scratchByteCount(
            rowCount: rows,
            columnCount: imageCount,
            depth: inputChannelCount,
            aIsTransposed: true,
            bIsTransposed: false,
            context: kernels
        )
        return Kernel(scratchByteCount: productByteCount + gemmByteCount) {
            (frame) throws(OperatorError) in
            let scratch = unsafe frame.scratch
            guard let base = scratch.baseAddress else { return }
            let product = unsafe base.assumingMemoryBound(to: Float.self)
            let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: scratch[productByteCount...])
            spreadBias(frame)
            let output = unsafe frame.output(0, as: Float.self)
            for image in 0..<batchCount {
                for group in 0..<groupCount {
                    let block = image * groupCount + group
                    // SAFETY: the operands are as long as the geometry says, which was computed
                    // from their shapes.
                    unsafe GEMM.multiply(
                        MatrixView(
                            frame.input(1, as: Float.self) + group * inputChannelCount * rows,
                            rowStride: rows,
                            isTransposed: true
                        ),
                        by: MatrixView(
                            frame.input(0, as: Float.self) + block * inputChannelCount * imageCount,
                            rowStride: imageCount
                        ),
                        rowCount: rows,
                        columnCount: imageCount,
                        depth: inputChannelCount,
                        into: product,
                        rowStride: imageCount,
                        scratch: rest,
                        context: frame.context
                    )
                    let plane = outputSize.height * outputSize.width
                    unsafe add(product, into: output + block * outputChannelCount * plane)
                }
            }
        }
    }

    /// Fills the output with the bias, or zero.
    private func spreadBias(_ frame: borrowing KernelFrame) {
        var output = frame.mutableElements(ofOutput: 0, as: Float.self)
        let plane = outputSize.height * outputSize.width
        let channels = groupCount * outputChannelCount
        guard hasBias, plane > 0 else {
            for index in output.indices { output[index] = 0 }
            return
        }
        let bias = frame.elements(ofInput: 2, as: Float.self)
        for index in output.indices { output[index] = bias[index / plane % channels] }
    }

    /// Adds every row of the product where its tap falls.
    @unsafe private func add(
        _ product: UnsafePointer<Float>,
        into output: UnsafeMutablePointer<Float>
    ) {
        var source = 0
        for channel in 0..<outputChannelCount {
            let plane = channel * outputSize.height * outputSize.width
            for tapY in 0..<window.kernel.height {
                for tapX in 0..<window.kernel.width {
                    for row in 0..<inputSize.height {
                        let y =
                            row * window.stride.height + tapY * window.dilation.height
                            - window.leading.height
                        guard y >= 0, y < outputSize.height else {
                            source += inputSize.width
                            continue
                        }
                        for column in 0..<inputSize.width {
                            let x =
                                column * window.stride.width + tapX * window.dilation.width
                                - window.leading.width
                            if x >= 0, x < outputSize.width {
                                unsafe output[plane + y * outputSize.width + x] += product[source]
                            }
                            source += 1
                        }
                    }
                }
            }
        }
    }
}
