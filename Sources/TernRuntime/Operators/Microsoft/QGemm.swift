import TernGraph
import TernKernels
import TernTensor

/// The product of two matrices of bytes with a bias of 32-bit integers, of com.microsoft; the result
/// is rounded to bytes, or scaled to floats if no scale is given for it.
///
/// B, with its zero points, must be known beforehand: it is packed once. Its scale may be one or one
/// per column.
enum QGemm {
    static let all = [declaration]

    private static let declaration = OperatorDeclaration(
        "QGemm",
        domain: "com.microsoft",
        versions: [1],
        inputs: 6...9,
        shape: { (context) throws(OperatorError) in
            for index in [0, 2, 3, 5, 8] {
                try context.requireElementType(index, in: QuantizationOperators.bytes)
            }
            for index in [1, 4, 7] { try context.requireElementType(index, in: [.fp32]) }
            try context.requireElementType(6, in: [.int32])
            for index in [0, 3] { try context.requireRank(index, in: 2...2) }
            let isTransposed = (
                try context.node.int("transA", default: 0) != 0,
                try context.node.int("transB", default: 0) != 0
            )
            let (a, b) = (context.dimensions(0), context.dimensions(3))
            if let a, let b {
                let depth = (a[isTransposed.0 ? 0 : 1], b[isTransposed.1 ? 1 : 0])
                guard !depth.0.isKnownDifferent(from: depth.1) else {
                    throw OperatorError(
                        "A has \(depth.0) columns, B has \(depth.1) rows: expected as many"
                    )
                }
            }
            let isFloat = !context.hasInput(7)
            context.setOutput(
                elementType: isFloat ? .fp32 : context.elementType(8) ?? context.elementType(0),
                dimensions: [
                    a?[isTransposed.0 ? 1 : 0] ?? .unknown,
                    b?[isTransposed.1 ? 0 : 1] ?? .unknown,
                ]
            )
        },
        kernel: { (context) throws(OperatorError) in try QGemmKernel(context).kernel() }
    )
}

/// One such node, made ready.
private struct QGemmKernel: Sendable {
    private let rowCount: Int
    private let columnCount: Int
    private let depth: Int
    private let aIsTransposed: Bool
    private let alpha: Float
    private let left: ScalarQuantization
    private let result: ScalarQuantization?
    private let packed: PackedIntegerMatrix
    private let scaleCount: Int
    private let biasCount: Int

    init(_ context: NodeContext) throws(OperatorError) {
        let (a, b) = (try context.input(0), try context.input(3))
        aIsTransposed = try context.node.int("transA", default: 0) != 0
        let bIsTransposed = try context.node.int("transB", default: 0) != 0
        alpha = try context.node.float("alpha", default: 1)
        rowCount = a.shape[aIsTransposed ? 1 : 0]
        depth = a.shape[aIsTransposed ? 0 : 1]
        let columns = b.shape[bIsTransposed ? 0 : 1]
        columnCount = columns
        left = try ScalarQuantization(context, of: a.elementType, scale: 1, zero: 2)
        let output = try context.output()
        result =
            output.elementType == .fp32
            ? nil : try ScalarQuantization(context, of: output.elementType, scale: 7, zero: 8)
        scaleCount = try context.input(4).elementCount
        biasCount = context.hasInput(6) ? try context.input(6).elementCount : 0
        guard scaleCount == 1 || scaleCount == columns else {
            throw OperatorError("\(scaleCount) scales do not fit the \(columns) columns of B")
        }
        guard [0, 1, columns].contains(biasCount) else {
            throw OperatorError(
                "C has \(biasCount) elements, expected one or one per column: \(columns)"
            )
        }
        guard let weight = b.constant,
            !context.hasInput(5) || context.inputs[5]?.constant != nil
        else { throw OperatorError("B and its zero point must be known beforehand") }
        let zeros = context.hasInput(5) ? context.inputs[5]?.constant : nil
        let zeroCount = zeros?.shape.elementCount ?? 1
        guard zeroCount == 1 || zeroCount == columns else {
            throw OperatorError("\(zeroCount) zero points do not fit the \(columns) columns of B")
        }
        let points = QuantizedParameters.numbers(zeros, count: columns)
        let rows = depth
        packed = try context.packed(
            from: 3,
            variant: "bytes \(rows) \(columns) \(bIsTransposed) \(QuantizedParameters.key(points))"
        ) { (memory) throws(OperatorError) in
            // SAFETY: the weight has rows · columns bytes, as its shape says.
            withExtendedLifetime(weight) {
                unsafe points.withUnsafeBufferPointer { points in
                    unsafe PackedIntegerMatrix(
                        rowCount: rows,
                        columnCount: columns,
                        elements: ByteMatrix(
                            weight.storage.baseAddress,
                            rowStride: bIsTransposed ? rows : columns,
                            isSigned: weight.elementType == .int8,
                            isTransposed: bIsTransposed,
                            zeroPoints: points.baseAddress
                        ),
                        table: context.kernels.table,
                        memory: memory
                    )
                }
            }
        }
    }

    /// A row of floats per column, in whole cache lines.
    private var rowByteCount: Int { (columnCount * MemoryLayout<Float>.stride + 63) & ~63 }

    func kernel() -> Kernel {
        let transposed = aIsTransposed ? rowCount * depth : 0
        return Kernel(scratchByteCount: 2 * rowByteCount + transposed + 64) {
            (frame) throws(OperatorError) in
            guard rowCount > 0, columnCount > 0, let base = unsafe frame.scratch.baseAddress else {
                return
            }
            let (a, y) = (left.read(frame), result?.read(frame))
            // Everything is in units of the result's scale.
            let factor = alpha * a.scale / (y?.scale ?? 1)
            let columns = unsafe base.assumingMemoryBound(to: Float.self)
            let bias = unsafe (base + rowByteCount).assumingMemoryBound(to: Float.self)
            let scales = frame.elements(ofInput: 4, as: Float.self)
            for column in 0..<columnCount {
                unsafe columns[column] = factor * scales[scaleCount == 1 ? 0 : column]
            }
            var scaling = unsafe IntegerScaling(columnScales: UnsafePointer(columns))
            if biasCount > 0 {
                let given = frame.elements(ofInput: 6, as: Int32.self)
                for column in 0..<columnCount {
                    unsafe bias[column] =
                        Float(given[biasCount == 1 ? 0 : column]) * columns[column]
                }
                unsafe scaling.bias = UnsafePointer(bias)
            }
            let matrix = unsafe ByteMatrix(
                rows(frame, base + 2 * rowByteCount),
                rowStride: depth,
                isSigned: left.isSigned,
                zeroPoint: a.zero
            )
            if let result, let y {
                unsafe IntegerGEMM.multiply(
                    matrix,
                    rowCount: rowCount,
                    by: packed,
                    intoBytes: frame.rawOutput(0),
                    rowStride: columnCount,
                    scaling: scaling,
                    zeroPoint: y.zero,
                    isSigned: result.isSigned,
                    context: frame.context
                )
            } else {
                unsafe IntegerGEMM.multiply(
                    matrix,
                    rowCount: rowCount,
                    by: packed,
                    into: frame.output(0, as: Float.self),
                    rowStride: columnCount,
                    scaling: scaling,
                    context: frame.context
                )
            }
        }
    }

    /// A, row by row; transposed into `scratch` if it lies the other way.
    @unsafe private func rows(
        _ frame: borrowing KernelFrame,
        _ scratch: UnsafeMutableRawPointer
    ) -> UnsafeRawPointer {
        let source = unsafe frame.input(0, as: UInt8.self)
        guard aIsTransposed else { return unsafe UnsafeRawPointer(source) }
        let target = unsafe scratch.assumingMemoryBound(to: UInt8.self)
        for row in 0..<rowCount {
            for column in 0..<depth {
                unsafe target[row * depth + column] = source[column * rowCount + row]
            }
        }
        return UnsafeRawPointer(target)
    }
}
