import TernGraph
import TernKernels
import TernTensor

/// Quantisation by scales and zero points, and back.
///
/// Bytes with one scale, or one per position of an axis, have fast kernels; the rest is
/// ``PlainQuantization``.
enum QuantizationOperators {
    static let all = [quantizeLinear, dequantizeLinear, dynamicQuantizeLinear]

    /// Bytes, signed and not.
    static let bytes: Set<ElementType> = [.uint8, .int8]

    /// Whole numbers that floats are quantised to.
    static let quantized: Set<ElementType> = [.uint8, .int8, .uint16, .int16]

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

    /// Whether there is a scale for each block along an axis.
    private static func hasBlocks(_ context: NodeContext) throws(OperatorError) -> Bool {
        try context.node.int("block_size", default: 0) != 0
    }

    // MARK: QuantizeLinear

    static let quantizeLinear = OperatorDeclaration(
        "QuantizeLinear",
        versions: [10, 13, 19, 21, 23, 24, 25],
        inputs: 2...3,
        shape: { (context) throws(OperatorError) in
            try context.requireElementType(0, in: HalfPrecision.floats.union([.int32]))
            try context.requireElementType(1, in: HalfPrecision.floats)
            try context.requireElementType(2, in: quantized)
            var type: ElementType? = context.elementType(2)
            if !context.hasInput(2) {
                let code = try context.node.int("output_dtype", default: 0)
                type = code == 0 ? .uint8 : try CastOperators.elementType(code)
            }
            if let type, !quantized.contains(type) {
                throw OperatorError("numbers cannot be quantised to \(type) here")
            }
            context.setOutput(elementType: type, dimensions: context.dimensions(0))
        },
        kernel: HalfPrecision.widening { (context) throws(OperatorError) in
            let (source, target) = (
                try context.input(0).elementType, try context.output().elementType
            )
            guard source == .fp32, bytes.contains(target), try !hasBlocks(context) else {
                let plain = try PlainQuantization(context)
                return Kernel(scratchByteCount: plain.scratchByteCount) {
                    (frame) throws(OperatorError) in
                    switch target {
                    case .uint8: plain.quantize(frame, source, into: UInt8.self)
                    case .int8: plain.quantize(frame, source, into: Int8.self)
                    case .uint16: plain.quantize(frame, source, into: UInt16.self)
                    case .int16: plain.quantize(frame, source, into: Int16.self)
                    default: throw OperatorError("numbers cannot be quantised to \(target)")
                    }
                }
            }
            let linear = try linear(context, try context.input(0).shape)
            let zeros = QuantizedParameters(context, 2, count: linear.axisCount)
            let isSigned = target == .int8
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
            let types = quantized.union([.int32])
            try context.requireElementType(0, in: types)
            try context.requireElementType(1, in: HalfPrecision.floats)
            try context.requireElementType(2, in: types)
            let code = try context.node.int("output_dtype", default: 0)
            let type = code == 0 ? context.elementType(1) : try CastOperators.elementType(code)
            if let type, !HalfPrecision.floats.contains(type) {
                throw OperatorError("numbers cannot be dequantised to \(type) here")
            }
            context.setOutput(elementType: type, dimensions: context.dimensions(0))
        },
        kernel: HalfPrecision.widening { (context) throws(OperatorError) in
            let input = try context.input(0)
            let hasBlocks = try hasBlocks(context)
            if hasBlocks || !bytes.union([.int32]).contains(input.elementType) {
                let plain = try PlainQuantization(context)
                return Kernel(scratchByteCount: plain.scratchByteCount) {
                    (frame) throws(OperatorError) in
                    switch input.elementType {
                    case .uint8: plain.dequantize(frame, from: UInt8.self)
                    case .int8: plain.dequantize(frame, from: Int8.self)
                    case .uint16: plain.dequantize(frame, from: UInt16.self)
                    case .int16: plain.dequantize(frame, from: Int16.self)
                    case .int32: plain.dequantize(frame, from: Int32.self)
                    default: throw OperatorError("\(input.elementType) cannot be dequantised")
                    }
                }
            }
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
