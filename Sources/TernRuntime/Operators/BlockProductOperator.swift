import TernGraph
import TernKernels
import TernTensor

/// Products with weights quantised in blocks: com.microsoft's MatMulNBits.
///
/// At accuracy level 4 the activations are quantised too, and the products are those of bytes; at any
/// other the weights are expanded to floats when the model is made ready.
enum BlockProductOperator {
    static let all = [matMulNBits]

    static let matMulNBits = OperatorDeclaration(
        "MatMulNBits",
        domain: "com.microsoft",
        versions: [1],
        inputs: 3...6,
        parameterInputs: [1, 2, 3],
        shape: { (context) throws(OperatorError) in
            try context.requireElementType(0, in: [.fp32])
            try context.requireElementType(1, in: [.uint8])
            try context.requireElementType(2, in: [.fp32, .fp16])
            try context.requireElementType(3, in: [.uint8])
            if context.hasInput(4) { throw OperatorError("a group index is not supported here") }
            let (depth, columns) = (try context.node.int("K"), try context.node.int("N"))
            guard depth >= 0, columns >= 0 else {
                throw OperatorError("a matrix cannot have a negative size")
            }
            var dimensions = context.dimensions(0)
            if let last = dimensions?.popLast() {
                guard !last.isKnownDifferent(from: .fixed(depth)) else {
                    throw OperatorError("\(last) columns meet \(depth) rows")
                }
                dimensions?.append(.fixed(columns))
            }
            context.setOutput(elementType: .fp32, dimensions: dimensions)
        },
        kernel: { (context) throws(OperatorError) in try kernel(context) }
    )

    /// The weights, as the model holds them.
    private static func weights(
        _ context: NodeContext
    ) throws(OperatorError) -> BlockQuantizedWeights {
        let node = context.node
        let (depth, columns) = (try node.int("K"), try node.int("N"))
        let bitCount = try node.int("bits", default: 4)
        let blockSize = try node.int("block_size")
        guard bitCount == 4 || bitCount == 8 else {
            throw OperatorError("weights of \(bitCount) bits are not supported here")
        }
        guard blockSize >= 32, blockSize % 32 == 0 else {
            throw OperatorError("blocks of \(blockSize) are not supported here")
        }
        guard let codes = try context.input(1).constant, let scales = try context.input(2).constant
        else { throw OperatorError("the weights must be known") }
        let count = columns * ((depth + blockSize - 1) / blockSize)
        guard codes.shape.elementCount == count * blockSize * bitCount / 8 else {
            throw OperatorError("\(codes.shape) is not the shape of \(count) blocks of codes")
        }
        guard scales.shape.elementCount == count else {
            throw OperatorError("\(scales.shape) is not the shape of \(count) scales")
        }
        let factors =
            scales.elementType == .fp16
            ? scales.elements(as: UInt16.self).map { float(half: $0) }
            : scales.elements(as: Float.self)
        return BlockQuantizedWeights(
            rowCount: depth,
            columnCount: columns,
            blockSize: blockSize,
            bitCount: bitCount,
            codes: codes.elements(as: UInt8.self),
            scales: factors,
            zeroPoints: try zeroPoints(context, columns: columns, count: count, bitCount)
        )
    }

    /// One byte for each block; the model packs two of four bits, and starts each column afresh.
    private static func zeroPoints(
        _ context: NodeContext,
        columns: Int,
        count: Int,
        _ bitCount: Int
    ) throws(OperatorError) -> [UInt8]? {
        guard context.hasInput(3) else { return nil }
        guard let constant = try context.input(3).constant else {
            throw OperatorError("the zero points must be known")
        }
        let given = constant.elements(as: UInt8.self)
        let blocks = columns == 0 ? 0 : count / columns
        let columnByteCount = (blocks * bitCount + 7) / 8
        guard given.count == columns * columnByteCount else {
            throw OperatorError("\(constant.shape) is not the shape of \(count) zero points")
        }
        guard bitCount == 4 else { return given }
        return (0..<count).map { i in
            let (column, block) = i.quotientAndRemainder(dividingBy: blocks)
            return given[column * columnByteCount + block / 2] >> UInt8(block % 2 * 4) & 15
        }
    }

    /// IEEE binary16, exact.
    private static func float(half bits: UInt16) -> Float {
        let sign: Float = bits & 0x8000 == 0 ? 1 : -1
        let (exponent, fraction) = (Int(bits >> 10 & 31), Float(bits & 0x3ff))
        switch exponent {
        case 0: return sign * fraction * 0x1p-24
        case 31: return fraction == 0 ? sign * .infinity : .nan
        default:
            return sign * Float(sign: .plus, exponent: exponent - 25, significand: 1024 + fraction)
        }
    }

    private static func kernel(_ context: NodeContext) throws(OperatorError) -> Kernel {
        let input = try context.input(0)
        let (depth, columns) = (try context.node.int("K"), try context.node.int("N"))
        let rowCount = input.shape.dropLast().reduce(1, *)
        let hasBias = context.hasInput(5)
        if hasBias {
            try context.requireElementType(5, in: [.fp32])
            guard try context.input(5).elementCount == columns else {
                throw OperatorError("the bias does not fit the \(columns) columns")
            }
        }
        // Which weights these are depends on their scales as much as on their codes.
        let variant =
            "blocks \(depth) \(columns) \(context.node.attributes) "
            + [2, 3].map { index -> String in
                guard context.hasInput(index), let operand = context.inputs[index],
                    operand.isWeight, let weight = operand.constant
                else { return "-" }
                return "\(ObjectIdentifier(weight.storage))"
            }.joined(separator: " ")
        let isInteger = try context.node.int("accuracy_level", default: 0) == 4
        guard isInteger else {
            let packed = try context.prepared(from: 1, variant: variant) {
                () throws(OperatorError) in
                let floats = try weights(context).dequantized()
                return unsafe floats.withUnsafeBufferPointer { floats in
                    unsafe PackedMatrix(
                        rowCount: depth,
                        columnCount: columns,
                        elements: floats.baseAddress ?? UnsafePointer(bitPattern: 64)!,
                        rowStride: depth,
                        isTransposed: true
                    )
                }
            }
            return Kernel { (frame) throws(OperatorError) in
                unsafe GEMM.multiply(
                    frame.input(0, as: Float.self),
                    rowStride: depth,
                    rowCount: rowCount,
                    by: packed,
                    into: frame.output(0, as: Float.self),
                    rowStride: columns,
                    epilogue: epilogue(frame, hasBias),
                    context: frame.context
                )
            }
        }
        let packed = try context.prepared(from: 1, variant: variant) {
            () throws(OperatorError) in PackedBlockMatrix(try weights(context))
        }
        let byteCount = BlockQuantizedGEMM.scratchByteCount(rowCount: rowCount, depth: depth)
        return Kernel(scratchByteCount: byteCount) { (frame) throws(OperatorError) in
            unsafe BlockQuantizedGEMM.multiply(
                frame.input(0, as: Float.self),
                rowStride: depth,
                rowCount: rowCount,
                by: packed,
                into: frame.output(0, as: Float.self),
                rowStride: columns,
                epilogue: epilogue(frame, hasBias),
                scratch: frame.scratch,
                context: frame.context
            )
        }
    }

    @unsafe private static func epilogue(
        _ frame: borrowing KernelFrame,
        _ hasBias: Bool
    ) -> Epilogue {
        hasBias ? unsafe Epilogue(bias: .perColumn(frame.input(5, as: Float.self))) : Epilogue()
    }
}
