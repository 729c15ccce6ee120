import TernGraph
import TernKernels
import TernTensor

/// Quantisation and back element by element: for 16-bit numbers, and with scales for blocks.
struct PlainQuantization: Sendable {
    /// How elements are told their scale: which lies at
    /// (outer · `scaleCount` + axis / `block`) · inner of the scales, if they have all axes, else at
    /// axis / `block`.
    private let axisCount: Int
    private let innerCount: Int
    private let block: Int
    private let scaleCount: Int
    private let hasAllAxes: Bool
    private let count: Int

    private let zeroType: ElementType?
    private let zeroCount: Int
    private let zeroOffset: Int
    /// How many bytes of scratch memory it takes.
    let scratchByteCount: Int

    init(_ context: NodeContext) throws(OperatorError) {
        let (shape, scale) = (try context.input(0).shape, try context.input(1))
        let blockSize = try context.node.int("block_size", default: 0)
        count = shape.elementCount
        let zero = context.hasInput(2) ? try context.input(2) : nil
        if let zero, zero.shape != scale.shape {
            throw OperatorError(
                "the scales are \(scale.shape) and the zero points \(zero.shape), expected the same"
            )
        }
        zeroType = zero?.elementType
        zeroCount = zero?.elementCount ?? 0
        var layout = ScratchLayout()
        zeroOffset = try layout.reserve(zeroCount, of: Int32.self)
        scratchByteCount = layout.byteCount
        hasAllAxes = blockSize != 0
        if scale.elementCount == 1, blockSize == 0 {
            (axisCount, innerCount, block, scaleCount) = (1, 1, 1, 1)
            return
        }
        let axis = try ShapeInferenceContext.normalizedAxis(
            try context.node.int("axis", default: 1),
            rank: shape.rank
        )
        axisCount = shape[axis]
        innerCount = shape.dropFirst(axis + 1).reduce(1, *)
        guard blockSize >= 0 else {
            throw OperatorError("block_size is \(blockSize), expected 0 or more")
        }
        block = max(blockSize, 1)
        scaleCount = blockSize == 0 ? axisCount : (axisCount - 1) / block + 1
        var expected = Shape([axisCount])
        if blockSize != 0 {
            expected = shape
            expected[axis] = axisCount == 0 ? 0 : scaleCount
        }
        guard scale.shape == expected else {
            throw OperatorError("the scales are \(scale.shape), expected \(expected)")
        }
    }

    private func scaleIndex(_ place: Int) -> Int {
        let step = place / innerCount % axisCount / block
        guard hasAllAxes else { return step }
        let outer = place / (innerCount * axisCount)
        return (outer * scaleCount + step) * innerCount + place % innerCount
    }

    /// Writes the zero points as 32-bit numbers.
    private func readZeros(_ frame: borrowing KernelFrame) {
        guard let zeroType, let scratch = unsafe frame.scratch.baseAddress else { return }
        // SAFETY: the scratch memory has a number for each zero point.
        unsafe Elementwise.cast(
            frame.rawInput(2),
            of: zeroType,
            into: scratch + zeroOffset,
            of: .int32,
            count: zeroCount,
            context: frame.context
        )
    }

    /// Rounds x / scale, ties to even, adds the zero point and saturates.
    func quantize<Target: FixedWidthInteger & BitwiseCopyable>(
        _ frame: borrowing KernelFrame,
        _ sourceType: ElementType,
        into type: Target.Type
    ) {
        readZeros(frame)
        let zeros = frame.scratchElements(at: zeroOffset, count: zeroCount, as: Int32.self)
        let scales = frame.elements(ofInput: 1, as: Float.self)
        var target = frame.mutableElements(ofOutput: 0, as: type)
        let (lowest, highest) = (Double(Target.min), Double(Target.max))
        for place in 0..<count {
            let index = scaleIndex(place)
            let quotient: Double
            if sourceType == .int32 {
                let value = frame.elements(ofInput: 0, as: Int32.self)[place]
                quotient = Double(value) / Double(scales[index])
            } else {
                quotient = Double(frame.elements(ofInput: 0, as: Float.self)[place] / scales[index])
            }
            let zero = zeroCount == 0 ? 0 : Double(zeros[index])
            let number = quotient.rounded(.toNearestOrEven) + zero
            target[place] = number.isNaN ? 0 : Target(min(max(number, lowest), highest))
        }
    }

    /// (x - zero point) · scale.
    func dequantize<Source: FixedWidthInteger & BitwiseCopyable>(
        _ frame: borrowing KernelFrame,
        from type: Source.Type
    ) {
        readZeros(frame)
        let zeros = frame.scratchElements(at: zeroOffset, count: zeroCount, as: Int32.self)
        let scales = frame.elements(ofInput: 1, as: Float.self)
        let source = frame.elements(ofInput: 0, as: type)
        var target = frame.mutableElements(ofOutput: 0, as: Float.self)
        for place in 0..<count {
            let index = scaleIndex(place)
            let zero = zeroCount == 0 ? 0 : Float(zeros[index])
            target[place] = (Float(source[place]) - zero) * scales[index]
        }
    }
}
