import TernGraph
import TernKernels
import TernMicrokernels
import TernTensor

/// Sums, products and functions of bytes that mean numbers, of com.microsoft: the bytes are read as
/// numbers, and the result is rounded to bytes again.
enum QLinearElementwise {
    static let all = [
        binary("QLinearAdd", .add), binary("QLinearMul", .multiply), sigmoid,
    ]

    // MARK: Two inputs

    private static func binary(
        _ name: String,
        _ function: BinaryFunction
    ) -> OperatorDeclaration {
        OperatorDeclaration(
            name,
            domain: "com.microsoft",
            versions: [1],
            inputs: 7...8,
            optionalInputs: [2, 5],
            shape: { (context) throws(OperatorError) in
                for index in [0, 2, 3, 5, 7] {
                    try context.requireElementType(index, in: QuantizationOperators.bytes)
                }
                for index in [1, 4, 6] { try context.requireElementType(index, in: [.fp32]) }
                guard let left = context.dimensions(0), let right = context.dimensions(3) else {
                    context.setOutput(elementType: context.elementType(0), dimensions: nil)
                    return
                }
                context.setOutput(
                    elementType: context.elementType(0),
                    dimensions: try ShapeInferenceContext.broadcast(left, right)
                )
            },
            kernel: { (context) throws(OperatorError) in try kernel(context, function) }
        )
    }

    /// An input and what its bytes mean.
    private struct Side: Sendable {
        let input: Int
        let count: Int
        let quantization: ScalarQuantization

        init(_ context: NodeContext, _ input: Int) throws(OperatorError) {
            let operand = try context.input(input)
            self.input = input
            count = operand.elementCount
            quantization = try ScalarQuantization(
                context,
                of: operand.elementType,
                scale: input + 1,
                zero: input + 2
            )
        }

        var byteCount: Int { (count * MemoryLayout<Float>.stride + 63) & ~63 }

        /// Writes the numbers; `parameters` are 64 bytes of scratch memory.
        @unsafe func read(
            _ frame: borrowing KernelFrame,
            into target: UnsafeMutablePointer<Float>,
            parameters: UnsafeMutableRawPointer
        ) {
            let scale = unsafe parameters.assumingMemoryBound(to: Float.self)
            let zero = unsafe (parameters + 32).assumingMemoryBound(to: Int32.self)
            let given = quantization.read(frame)
            unsafe scale[0] = given.scale
            unsafe zero[0] = given.zero
            unsafe LinearQuantization(outerCount: count, axisCount: 1, innerCount: 1).dequantize(
                frame.rawInput(input),
                scales: UnsafePointer(scale),
                zeros: UnsafePointer(zero),
                isSigned: quantization.isSigned,
                into: target,
                context: frame.context
            )
        }
    }

    private static func kernel(
        _ context: NodeContext,
        _ function: BinaryFunction
    ) throws(OperatorError) -> Kernel {
        let (left, right) = (try Side(context, 0), try Side(context, 3))
        let output = try context.output()
        guard let broadcast = try Broadcast(context.input(0).shape, context.input(3).shape) else {
            throw OperatorError("the inputs' shapes do not go together")
        }
        let result = try ScalarQuantization(context, of: output.elementType, scale: 6, zero: 7)
        let count = output.elementCount
        let resultByteCount = (count * MemoryLayout<Float>.stride + 63) & ~63
        return Kernel(scratchByteCount: 64 + left.byteCount + right.byteCount + resultByteCount) {
            (frame) throws(OperatorError) in
            guard count > 0, let base = unsafe frame.scratch.baseAddress else { return }
            let x = unsafe (base + 64).assumingMemoryBound(to: Float.self)
            let y = unsafe (base + 64 + left.byteCount).assumingMemoryBound(to: Float.self)
            let z = unsafe (base + 64 + left.byteCount + right.byteCount)
                .assumingMemoryBound(to: Float.self)
            unsafe left.read(frame, into: x, parameters: base)
            unsafe right.read(frame, into: y, parameters: base)
            unsafe Elementwise.apply(
                function,
                x,
                y,
                into: z,
                broadcast: broadcast,
                elementType: .fp32,
                context: frame.context
            )
            let given = result.read(frame)
            let scale = unsafe base.assumingMemoryBound(to: Float.self)
            let zero = unsafe (base + 32).assumingMemoryBound(to: Int32.self)
            unsafe scale[0] = given.scale
            unsafe zero[0] = given.zero
            unsafe LinearQuantization(outerCount: count, axisCount: 1, innerCount: 1).quantize(
                z,
                scales: UnsafePointer(scale),
                zeros: UnsafePointer(zero),
                isSigned: result.isSigned,
                into: frame.rawOutput(0),
                context: frame.context
            )
        }
    }

    // MARK: Functions

    /// There are only 256 bytes, so that a call works out what becomes of each, and looks it up.
    private static let sigmoid = OperatorDeclaration(
        "QLinearSigmoid",
        domain: "com.microsoft",
        versions: [1],
        inputs: 4...5,
        optionalInputs: [2],
        aliasing: .inPlace(overInputs: [0]),
        shape: { (context) throws(OperatorError) in
            for index in [0, 2, 4] {
                try context.requireElementType(index, in: QuantizationOperators.bytes)
            }
            for index in [1, 3] { try context.requireElementType(index, in: [.fp32]) }
            context.setOutput(
                elementType: context.elementType(0),
                dimensions: context.dimensions(0)
            )
        },
        kernel: { (context) throws(OperatorError) in
            let type = try context.input(0).elementType
            let given = try ScalarQuantization(context, of: type, scale: 1, zero: 2)
            let result = try ScalarQuantization(context, of: type, scale: 3, zero: 4)
            let count = try context.input(0).elementCount
            return Kernel(scratchByteCount: 256 * MemoryLayout<Float>.stride + 256) {
                (frame) throws(OperatorError) in
                guard let base = unsafe frame.scratch.baseAddress else { return }
                let numbers = unsafe base.assumingMemoryBound(to: Float.self)
                let table = unsafe (base + 256 * MemoryLayout<Float>.stride)
                    .assumingMemoryBound(to: UInt8.self)
                let (x, y) = (given.read(frame), result.read(frame))
                for byte in 0..<256 {
                    let integer = given.integer(UInt8(byte)) - x.zero
                    unsafe numbers[byte] = Float(integer) * x.scale
                }
                unsafe Elementwise.apply(
                    UnaryOperation(.sigmoid),
                    UnsafePointer(numbers),
                    into: numbers,
                    count: 256,
                    context: frame.context
                )
                for byte in 0..<256 {
                    unsafe table[byte] = result.byte(
                        numbers[byte],
                        scale: y.scale,
                        zero: y.zero
                    )
                }
                let source = unsafe frame.input(0, as: UInt8.self)
                let target = unsafe frame.output(0, as: UInt8.self)
                for index in 0..<count { unsafe target[index] = table[Int(source[index])] }
            }
        }
    )
}
