import TernGraph
import TernKernels
import TernTensor

/// Conversions between element types.
enum CastOperators {
    static let all = [cast, castLike]

    /// The element type that ONNX's number stands for.
    static func elementType(_ code: Int) throws(OperatorError) -> ElementType {
        switch code {
        case 1: return .fp32
        case 2: return .uint8
        case 3: return .int8
        case 4: return .uint16
        case 5: return .int16
        case 6: return .int32
        case 7: return .int64
        case 8: return .bytes
        case 9: return .bool
        case 10: return .fp16
        case 11: return .fp64
        case 12: return .uint32
        case 13: return .uint64
        case 16: return .bf16
        default: throw OperatorError("element type \(code) of ONNX is not supported here")
        }
    }

    /// ONNX's number for a type of floats.
    static func code(of type: ElementType) -> Int {
        switch type {
        case .fp16: 10
        case .bf16: 16
        case .fp64: 11
        default: 1
        }
    }

    /// The same for version 1 of Cast, which spelled the types.
    private static func elementType(named name: String) throws(OperatorError) -> ElementType {
        let names = [
            "FLOAT": 1, "UINT8": 2, "INT8": 3, "UINT16": 4, "INT16": 5, "INT32": 6, "INT64": 7,
            "STRING": 8, "BOOL": 9, "FLOAT16": 10, "DOUBLE": 11, "UINT32": 12, "UINT64": 13,
        ]
        guard let code = names[name.uppercased()] else {
            throw OperatorError("element type \(name) is not supported here")
        }
        return try elementType(code)
    }

    private static func target(_ node: Node) throws(OperatorError) -> ElementType {
        if case .string(let name) = node.attributes["to"] {
            return try elementType(named: String(decoding: name, as: UTF8.self))
        }
        return try elementType(try node.int("to"))
    }

    private static let cast = OperatorDeclaration(
        "Cast",
        versions: [1, 6, 9, 13, 19, 21, 23, 24, 25, 28],
        inputs: 1...1,
        aliasing: .inPlace(overInputs: [0]),
        shape: { (context) throws(OperatorError) in
            try infer(&context, to: target(context.node))
        },
        kernel: { (context) throws(OperatorError) in try kernel(context) },
        evaluation: { (context) throws(OperatorError) in
            try evaluate(context, to: target(context.node))
        }
    )

    private static let castLike = OperatorDeclaration(
        "CastLike",
        versions: [15, 19, 21, 23, 24, 25],
        inputs: 2...2,
        shape: { (context) throws(OperatorError) in
            infer(&context, to: context.elementType(1))
        },
        kernel: { (context) throws(OperatorError) in try kernel(context) },
        evaluation: { (context) throws(OperatorError) in
            try evaluate(context, to: context.requiredInput(1).elementType)
        }
    )

    /// Converts strings, of which no plan knows the size, and anything else with the kernel.
    private static func evaluate(
        _ context: EvaluationContext,
        to type: ElementType
    ) throws(OperatorError) -> [Tensor?] {
        let source = try context.requiredInput(0)
        guard type == .bytes || source.elementType == .bytes else {
            return try context.environment.runKernel(of: context.node, inputs: context.inputs)
        }
        return [try StringConversion.convert(source, to: type)]
    }

    private static func infer(_ context: inout ShapeInferenceContext, to type: ElementType?) {
        // Shape arithmetic often passes through a cast.
        if let type, type == .int64 || type == .int32, let dimensions = context.dimensions(0),
            dimensions.count <= 1, let elements = context.integers(0),
            type == .int64
                || elements.allSatisfy({ $0.fixedSize.map { Int32(exactly: $0) != nil } ?? true })
        {
            context.setOutputIntegers(
                0,
                elements,
                elementType: type,
                scalar: dimensions.isEmpty
            )
            return
        }
        context.setOutput(elementType: type, dimensions: context.dimensions(0))
    }

    private static func kernel(_ context: NodeContext) throws(OperatorError) -> Kernel {
        let input = try context.input(0)
        let (source, target) = (input.elementType, try context.output().elementType)
        let count = input.elementCount
        if source == target {
            return Kernel { (frame) throws(OperatorError) in ViewOperators.copyBytes(frame) }
        }
        return Kernel { (frame) throws(OperatorError) in
            guard
                unsafe Elementwise.cast(
                    frame.rawInput(0),
                    of: source,
                    into: frame.rawOutput(0),
                    of: target,
                    count: count,
                    context: frame.context
                )
            else { throw OperatorError("\(source) cannot be converted to \(target)") }
        }
    }

    /// The bytes of a number as an element of a type, converted as Cast does.
    static func bytes(of number: Float, as type: ElementType) throws(OperatorError) -> [UInt8] {
        let storage = AlignedBuffer(byteCount: type.width)
        let isDone = unsafe withUnsafePointer(to: number) {
            // SAFETY: there is one element on each side.
            unsafe Elementwise.cast(
                UnsafeRawPointer($0),
                of: .fp32,
                into: storage.baseAddress,
                of: type,
                count: 1,
                context: KernelContext()
            )
        }
        guard isDone else { throw OperatorError("\(number) cannot be converted to \(type)") }
        return unsafe storage.bytes.withUnsafeBytes { unsafe Array($0) }
    }

    /// The elements as numbers; 64-bit whole numbers may be rounded.
    static func doubles(_ tensor: Tensor) throws(OperatorError) -> [Double] {
        let count = tensor.shape.elementCount
        var numbers = Array(repeating: 0.0, count: count)
        let isDone = unsafe numbers.withUnsafeMutableBytes { target in
            // SAFETY: both sides have as many elements as the shape; an empty side is not touched.
            guard let base = target.baseAddress else { return true }
            return unsafe Elementwise.cast(
                UnsafeRawPointer(tensor.storage.baseAddress),
                of: tensor.elementType,
                into: base,
                of: .fp64,
                count: count,
                context: KernelContext()
            )
        }
        guard isDone else { throw OperatorError("\(tensor.elementType) holds no numbers") }
        return numbers
    }

    /// A scalar or one-element vector of any number type, as a whole number.
    static func wholeNumber(_ tensor: Tensor) throws(OperatorError) -> Int {
        guard tensor.shape.elementCount == 1 else {
            throw OperatorError("\(tensor.shape) is given, expected a scalar")
        }
        if let elements = tensor.integerElements { return elements[0] }
        let number = try doubles(tensor).first
        guard let number, let whole = Int(exactly: number.rounded(.towardZero)) else {
            throw OperatorError("\(tensor.elementType) is given, expected a whole number")
        }
        return whole
    }
}
