import TernGraph
import TernKernels
import TernTensor

/// Matrix products of bytes.
///
/// A right-hand side that is a weight, with known zero points, is packed once for the whole model.
enum IntegerProductOperators {
    static let all = [matMulInteger, qLinearMatMul]

    static let matMulInteger = OperatorDeclaration(
        "MatMulInteger",
        versions: [10],
        inputs: 2...4,
        shape: { (context) throws(OperatorError) in
            for index in 0..<context.inputCount {
                try context.requireElementType(index, in: QuantizationOperators.bytes)
            }
            context.setOutput(
                elementType: .int32,
                dimensions: try MatrixOperators.productDimensions(
                    context.dimensions(0),
                    context.dimensions(1)
                )
            )
        },
        kernel: { (context) throws(OperatorError) in
            let product = try ByteProduct(context, left: (0, zero: 2), right: (1, zero: 3))
            return Kernel(scratchByteCount: product.scratchByteCount) {
                (frame) throws(OperatorError) in
                unsafe product.multiply(frame, into: frame.rawOutput(0), scratch: frame.scratch)
            }
        }
    )

    static let qLinearMatMul = OperatorDeclaration(
        "QLinearMatMul",
        versions: [10, 21],
        inputs: 8...8,
        shape: { (context) throws(OperatorError) in
            for index in [0, 2, 3, 5, 7] {
                try context.requireElementType(index, in: QuantizationOperators.bytes)
            }
            for index in [1, 4, 6] {
                try context.requireElementType(index, in: HalfPrecision.floats)
            }
            context.setOutput(
                elementType: context.elementType(7),
                dimensions: try MatrixOperators.productDimensions(
                    context.dimensions(0),
                    context.dimensions(3)
                )
            )
        },
        kernel: HalfPrecision.widening { (context) throws(OperatorError) in
            let product = try ByteProduct(context, left: (0, zero: 2), right: (3, zero: 5))
            let scales = try RequantizingScales(context, product)
            let isSigned = try context.output().elementType == .int8
            let ownByteCount = scales.byteCount
            return Kernel(scratchByteCount: ownByteCount + product.scratchByteCount) {
                (frame) throws(OperatorError) in
                let own = unsafe UnsafeMutableRawBufferPointer(
                    rebasing: frame.scratch[..<ownByteCount]
                )
                let rest = unsafe UnsafeMutableRawBufferPointer(
                    rebasing: frame.scratch[ownByteCount...]
                )
                let zero =
                    isSigned
                    ? Int32(unsafe frame.input(7, as: Int8.self)[0])
                    : Int32(unsafe frame.input(7, as: UInt8.self)[0])
                unsafe product.multiply(
                    frame,
                    intoBytes: frame.rawOutput(0),
                    scaling: scales.read(frame, into: own),
                    zeroPoint: zero,
                    isSigned: isSigned,
                    scratch: rest
                )
            }
        }
    )
}

/// The scales of QLinearMatMul: a·b / y, per row if A has several, per column if B has.
private struct RequantizingScales: Sendable {
    private let rowCount: Int
    private let columnCount: Int
    private let givenRowCount: Int
    private let givenColumnCount: Int

    init(_ context: NodeContext, _ product: ByteProduct) throws(OperatorError) {
        rowCount = product.rowCount
        columnCount = product.columnCount
        givenRowCount = try context.input(1).elementCount
        givenColumnCount = try context.input(4).elementCount
        guard givenRowCount == 1 || givenRowCount == product.matrixRowCount else {
            throw OperatorError("\(givenRowCount) scales do not fit the rows of A")
        }
        guard givenColumnCount == 1 || givenColumnCount == columnCount else {
            throw OperatorError("\(givenColumnCount) scales do not fit the columns of B")
        }
        guard try context.input(6).elementCount == 1, try context.input(7).elementCount == 1
        else { throw OperatorError("the result must have one scale and one zero point") }
    }

    private var rowByteCount: Int { givenRowCount == 1 ? 0 : (rowCount * 4 + 63) & ~63 }

    var byteCount: Int { rowByteCount + (columnCount * 4 + 63) & ~63 }

    @unsafe func read(
        _ frame: borrowing KernelFrame,
        into scratch: UnsafeMutableRawBufferPointer
    ) -> IntegerScaling {
        let a = unsafe frame.input(1, as: Float.self)
        let b = unsafe frame.input(4, as: Float.self)
        let y = unsafe frame.input(6, as: Float.self)[0]
        var scaling = unsafe IntegerScaling()
        guard let base = scratch.baseAddress else { return scaling }
        let columns = unsafe (base + rowByteCount).assumingMemoryBound(to: Float.self)
        for n in 0..<columnCount {
            var scale = unsafe b[n % givenColumnCount]
            if givenRowCount == 1 { unsafe scale *= a[0] }
            unsafe columns[n] = scale / y
        }
        unsafe scaling.columnScales = UnsafePointer(columns)
        if givenRowCount != 1 {
            let rows = unsafe base.assumingMemoryBound(to: Float.self)
            for m in 0..<rowCount { unsafe rows[m] = a[m % givenRowCount] }
            unsafe scaling.rowScales = UnsafePointer(rows)
        }
        return scaling
    }
}
