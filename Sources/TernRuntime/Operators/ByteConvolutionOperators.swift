import TernGraph
import TernKernels
import TernTensor

/// Convolutions of bytes over images of one or two axes.
///
/// Weights with known zero points are packed once for the whole model.
enum ByteConvolutionOperators {
    static let all = [convInteger, qLinearConv]

    static let convInteger = OperatorDeclaration(
        "ConvInteger",
        versions: [10],
        inputs: 2...4,
        shape: { (context) throws(OperatorError) in
            for index in 0..<context.inputCount {
                try context.requireElementType(index, in: QuantizationOperators.bytes)
            }
            context.setOutput(
                elementType: .int32,
                dimensions: try ConvolutionOperators.outputDimensions(
                    context,
                    image: 0,
                    weights: 1,
                    bias: context.inputCount
                )
            )
        },
        kernel: { (context) throws(OperatorError) in
            let node = try ByteConvolutionNode(context, image: (0, zero: 2), weights: (1, zero: 3))
            guard let node else { return Kernel { (_) throws(OperatorError) in } }
            return Kernel(scratchByteCount: node.scratchByteCount) {
                (frame) throws(OperatorError) in
                unsafe node.run(
                    frame,
                    bias: nil,
                    into: .integers(frame.output(0, as: Int32.self)),
                    scratch: frame.scratch
                )
            }
        }
    )

    static let qLinearConv = OperatorDeclaration(
        "QLinearConv",
        versions: [10],
        inputs: 8...9,
        shape: { (context) throws(OperatorError) in
            for index in [0, 2, 3, 5, 7] {
                try context.requireElementType(index, in: QuantizationOperators.bytes)
            }
            for index in [1, 4, 6] { try context.requireElementType(index, in: [.fp32]) }
            if context.inputCount > 8 { try context.requireElementType(8, in: [.int32]) }
            context.setOutput(
                elementType: context.elementType(7),
                dimensions: try ConvolutionOperators.outputDimensions(
                    context,
                    image: 0,
                    weights: 3,
                    bias: 8
                )
            )
        },
        kernel: { (context) throws(OperatorError) in
            let node = try ByteConvolutionNode(context, image: (0, zero: 2), weights: (3, zero: 5))
            guard let node else { return Kernel { (_) throws(OperatorError) in } }
            let channels = node.channelCount
            let scaleCount = try context.input(4).elementCount
            guard scaleCount == 1 || scaleCount == channels else {
                throw OperatorError(
                    "\(scaleCount) scales do not fit the \(channels) output channels"
                )
            }
            for index in [1, 6, 7] where try context.input(index).elementCount != 1 {
                throw OperatorError("input \(index) must be one number")
            }
            let hasBias = context.hasInput(8)
            let isSigned = try context.output().elementType == .int8
            let factorByteCount = (channels * 4 + 63) & ~63
            return Kernel(scratchByteCount: factorByteCount + node.scratchByteCount) {
                (frame) throws(OperatorError) in
                let scratch = unsafe frame.scratch
                guard let base = scratch.baseAddress else { return }
                // SAFETY: the scratch memory was asked for with room for the factors before all else.
                let factors = unsafe base.assumingMemoryBound(to: Float.self)
                let scales = unsafe frame.input(4, as: Float.self)
                let (x, y) = unsafe (
                    frame.input(1, as: Float.self)[0], frame.input(6, as: Float.self)[0]
                )
                for channel in 0..<channels {
                    unsafe factors[channel] = x * scales[channel % scaleCount] / y
                }
                let zeroPoint =
                    isSigned
                    ? Int32(unsafe frame.input(7, as: Int8.self)[0])
                    : Int32(unsafe frame.input(7, as: UInt8.self)[0])
                unsafe node.run(
                    frame,
                    bias: hasBias ? frame.input(8, as: Int32.self) : nil,
                    into: .bytes(
                        frame.rawOutput(0),
                        ByteRequantization(
                            factors: factors,
                            zeroPoint: zeroPoint,
                            isSigned: isSigned
                        )
                    ),
                    scratch: UnsafeMutableRawBufferPointer(rebasing: scratch[factorByteCount...])
                )
            }
        }
    )
}

/// A convolution of two tensors of bytes, made ready: its geometry, zero points, packed weights.
private struct ByteConvolutionNode: Sendable {
    private let convolution: ByteConvolution
    private let image: Int
    private let weights: Int
    private let imageIsSigned: Bool
    private let weightsAreSigned: Bool
    private let imageZero: QuantizedParameters
    private let weightZeros: QuantizedParameters
    private let packed: PackedByteFilter?
    private let runByteCount: Int

    /// Reads the shapes, and packs the weights if they are known; `nil` if there is nothing to compute.
    ///
    /// - Parameters:
    ///   - context: The node.
    ///   - image: The inputs that are the image and its zero point.
    ///   - weights: The inputs that are the weights and their zero points.
    /// - Throws: ``OperatorError`` if they do not fit.
    init?(
        _ context: NodeContext,
        image: (Int, zero: Int),
        weights: (Int, zero: Int)
    ) throws(OperatorError) {
        let (x, w) = (try context.input(image.0), try context.input(weights.0))
        guard let sizes = try ConvolutionOperators.convolution(context, image: x, w) else {
            return nil
        }
        convolution = ByteConvolution(sizes)
        self.image = image.0
        self.weights = weights.0
        imageIsSigned = x.elementType == .int8
        weightsAreSigned = w.elementType == .int8
        if context.hasInput(image.zero), try context.input(image.zero).elementCount != 1 {
            throw OperatorError("the image must have one zero point")
        }
        if context.hasInput(weights.zero) {
            let count = try context.input(weights.zero).elementCount
            guard count == 1 || count == sizes.outputChannelCount else {
                throw OperatorError(
                    "\(count) zero points do not fit the \(sizes.outputChannelCount) output channels"
                )
            }
        }
        imageZero = QuantizedParameters(context, image.zero, count: 1)
        weightZeros = QuantizedParameters(
            context,
            weights.zero,
            count: sizes.outputChannelCount
        )
        let zeros = context.hasInput(weights.zero) ? context.inputs[weights.zero] : nil
        if w.constant != nil, zeros == nil || zeros?.constant != nil {
            let points = QuantizedParameters.numbers(
                zeros?.constant,
                count: sizes.outputChannelCount
            )
            packed = try Self.pack(context, weights.0, sizes, points)
        } else {
            packed = nil
        }
        runByteCount = convolution.scratchByteCount(
            context: context.kernels,
            filtersAreLoose: packed == nil
        )
    }

    private static func pack(
        _ context: NodeContext,
        _ input: Int,
        _ sizes: Convolution,
        _ zeroPoints: [Int32]
    ) throws(OperatorError) -> PackedByteFilter {
        // Groups and zero points are the node's, not the weight's.
        try context.packed(
            from: input,
            variant:
                "byte filter in \(sizes.groupCount) groups \(QuantizedParameters.key(zeroPoints))"
        ) { (memory) throws(OperatorError) in
            guard let constant = context.inputs[input]?.constant else {
                throw OperatorError("input \(input) must be known to be packed")
            }
            // SAFETY: the constant has as many bytes as its shape says, and is kept during the call.
            return withExtendedLifetime(constant) {
                unsafe zeroPoints.withUnsafeBufferPointer { points in
                    unsafe PackedByteFilter(
                        ByteFilter(
                            constant.storage.baseAddress,
                            isSigned: constant.elementType == .int8,
                            zeroPoints: points.baseAddress
                        ),
                        for: sizes,
                        table: context.kernels.table,
                        memory: memory
                    )
                }
            }
        }
    }

    /// M.
    var channelCount: Int { convolution.convolution.outputChannelCount }

    /// How much scratch memory a call needs.
    var scratchByteCount: Int {
        imageZero.byteCount + (packed == nil ? weightZeros.byteCount : 0) + runByteCount
    }

    /// Convolves.
    @unsafe func run(
        _ frame: borrowing KernelFrame,
        bias: UnsafePointer<Int32>?,
        into result: ByteConvolution.Result,
        scratch: UnsafeMutableRawBufferPointer
    ) {
        guard let base = scratch.baseAddress else { return }
        // SAFETY: the scratch memory is as long as `scratchByteCount` says, and the operands as their
        // shapes, from which the geometry was computed.
        unsafe imageZero.read(frame, into: base)
        let zero = unsafe base.assumingMemoryBound(to: Int32.self)[0]
        var used = imageZero.byteCount
        let filters: ByteConvolution.Filters
        if let packed {
            filters = .packed(packed)
        } else {
            let zeros = unsafe base + used
            used += weightZeros.byteCount
            unsafe weightZeros.read(frame, into: zeros)
            filters = unsafe .loose(
                ByteFilter(
                    frame.rawInput(weights),
                    isSigned: weightsAreSigned,
                    zeroPoints: UnsafePointer(zeros.assumingMemoryBound(to: Int32.self))
                )
            )
        }
        unsafe convolution.run(
            ByteImage(frame.rawInput(image), isSigned: imageIsSigned, zeroPoint: zero),
            filters: filters,
            bias: bias,
            into: result,
            scratch: UnsafeMutableRawBufferPointer(rebasing: scratch[used...]),
            context: frame.context
        )
    }
}
