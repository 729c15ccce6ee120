import TernGraph
import TernKernels
import TernTensor

/// Quantisation to bytes by scales and zero points, and back.
enum QuantizationOperators {
    static let all = [quantizeLinear, dequantizeLinear, dynamicQuantizeLinear]

    /// Bytes, signed and not.
    static let bytes: Set<ElementType> = [.uint8, .int8]

    // MARK: Scales along an axis

    /// How scales lie along a tensor: one for all, or one per position of an axis.
    private static func linear(
        _ context: NodeContext,
        _ shape: Shape
    ) throws(OperatorError) -> LinearQuantization {
        let scale = try context.input(1)
        if context.hasInput(2), try context.input(2).elementCount != scale.elementCount {
            throw OperatorError("there must be as many zero points as scales")
        }
        if try context.node.int("block_size", default: 0) != 0 {
            throw OperatorError("scales for blocks are not supported here")
        }
        guard scale.rank <= 1 else {
            throw OperatorError("the scale must be a scalar or a vector, and is \(scale.shape)")
        }
        if scale.elementCount == 1 {
            return LinearQuantization(
                outerCount: shape.elementCount,
                axisCount: 1,
                innerCount: 1
            )
        }
        let axis = try ShapeInferenceContext.normalizedAxis(
            context.node.int("axis", default: 1),
            rank: shape.rank
        )
        guard scale.elementCount == shape[axis] else {
            throw OperatorError(
                "\(scale.elementCount) scales do not fit the \(shape[axis]) positions of axis \(axis)"
            )
        }
        return LinearQuantization(
            outerCount: shape.prefix(axis).reduce(1, *),
            axisCount: shape[axis],
            innerCount: shape.dropFirst(axis + 1).reduce(1, *)
        )
    }

    // MARK: QuantizeLinear

    static let quantizeLinear = OperatorDeclaration(
        "QuantizeLinear",
        versions: [10, 13, 19, 21, 23, 24, 25],
        inputs: 2...3,
        shape: { (context) throws(OperatorError) in
            try context.requireElementType(0, in: [.fp32])
            try context.requireElementType(1, in: [.fp32])
            try context.requireElementType(2, in: bytes)
            var type: ElementType? = context.elementType(2)
            if !context.hasInput(2) {
                let code = try context.node.int("output_dtype", default: 0)
                type = code == 0 ? .uint8 : try CastOperators.elementType(code)
            }
            if let type, !bytes.contains(type) {
                throw OperatorError("numbers cannot be quantised to \(type) here")
            }
            context.setOutput(elementType: type, dimensions: context.dimensions(0))
        },
        kernel: { (context) throws(OperatorError) in
            let linear = try linear(context, try context.input(0).shape)
            let zeros = QuantizedParameters(context, 2, count: linear.axisCount)
            let isSigned = try context.output().elementType == .int8
            return Kernel(scratchByteCount: zeros.byteCount) { (frame) throws(OperatorError) in
                guard frame.inputByteCount(0) > 0 else { return }
                let numbers = unsafe frame.scratch.baseAddress!
                unsafe zeros.read(frame, into: numbers)
                unsafe linear.quantize(
                    frame.input(0, as: Float.self),
                    scales: frame.input(1, as: Float.self),
                    zeros: UnsafePointer(numbers.assumingMemoryBound(to: Int32.self)),
                    isSigned: isSigned,
                    into: frame.rawOutput(0),
                    context: frame.context
                )
            }
        }
    )

    // MARK: DequantizeLinear

    static let dequantizeLinear = OperatorDeclaration(
        "DequantizeLinear",
        versions: [10, 13, 19, 21, 23, 24, 25],
        inputs: 2...3,
        shape: { (context) throws(OperatorError) in
            let types = bytes.union([.int32])
            try context.requireElementType(0, in: types)
            try context.requireElementType(1, in: [.fp32])
            try context.requireElementType(2, in: types)
            context.setOutput(elementType: .fp32, dimensions: context.dimensions(0))
        },
        kernel: { (context) throws(OperatorError) in
            let input = try context.input(0)
            let linear = try linear(context, input.shape)
            let zeros = QuantizedParameters(context, 2, count: linear.axisCount)
            let type = input.elementType
            return Kernel(scratchByteCount: zeros.byteCount) { (frame) throws(OperatorError) in
                guard frame.inputByteCount(0) > 0 else { return }
                let numbers = unsafe frame.scratch.baseAddress!
                unsafe zeros.read(frame, into: numbers)
                let points = unsafe UnsafePointer(numbers.assumingMemoryBound(to: Int32.self))
                if type == .int32 {
                    unsafe linear.dequantize(
                        integers: frame.input(0, as: Int32.self),
                        scales: frame.input(1, as: Float.self),
                        zeros: points,
                        into: frame.output(0, as: Float.self),
                        context: frame.context
                    )
                } else {
                    unsafe linear.dequantize(
                        frame.rawInput(0),
                        scales: frame.input(1, as: Float.self),
                        zeros: points,
                        isSigned: type == .int8,
                        into: frame.output(0, as: Float.self),
                        context: frame.context
                    )
                }
            }
        }
    )

    // MARK: DynamicQuantizeLinear

    static let dynamicQuantizeLinear = OperatorDeclaration(
        "DynamicQuantizeLinear",
        versions: [11],
        inputs: 1...1,
        outputs: 3...3,
        shape: { (context) throws(OperatorError) in
            try context.requireElementType(0, in: [.fp32])
            context.setOutput(0, elementType: .uint8, dimensions: context.dimensions(0))
            context.setOutput(1, elementType: .fp32, dimensions: [])
            context.setOutput(2, elementType: .uint8, dimensions: [])
        },
        kernel: { (context) throws(OperatorError) in
            let count = try context.input(0).elementCount
            let linear = LinearQuantization(outerCount: count, axisCount: 1, innerCount: 1)
            let (hasScale, hasZero) = (context.hasOutput(1), context.hasOutput(2))
            return Kernel(scratchByteCount: 64) { (frame) throws(OperatorError) in
                let x = unsafe frame.input(0, as: Float.self)
                let range = unsafe LinearQuantization.dynamicRange(
                    x,
                    count: count,
                    context: frame.context
                )
                if hasScale { unsafe frame.output(1, as: Float.self)[0] = range.scale }
                if hasZero { unsafe frame.output(2, as: UInt8.self)[0] = range.zeroPoint }
                let numbers = unsafe frame.scratch.baseAddress!
                let scale = unsafe numbers.assumingMemoryBound(to: Float.self)
                let zero = unsafe (numbers + 32).assumingMemoryBound(to: Int32.self)
                unsafe scale[0] = range.scale
                unsafe zero[0] = Int32(range.zeroPoint)
                unsafe linear.quantize(
                    x,
                    scales: UnsafePointer(scale),
                    zeros: UnsafePointer(zero),
                    isSigned: false,
                    into: frame.rawOutput(0),
                    context: frame.context
                )
            }
        }
    )
}
