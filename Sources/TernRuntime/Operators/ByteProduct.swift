import TernGraph
import TernKernels
import TernTensor

/// The product of two tensors of bytes, made ready: batches, zero points, a packed weight.
struct ByteProduct: Sendable {
    private let product: MatrixProduct
    private let left: Int
    private let right: Int
    private let leftIsSigned: Bool
    private let rightIsSigned: Bool
    private let rowZeros: QuantizedParameters
    private let columnZeros: QuantizedParameters
    private let packed: PackedIntegerMatrix?
    private let panelByteCount: Int
    /// M of one product; a batch may be folded into it.
    let rowCount: Int
    /// M of one matrix of A.
    let matrixRowCount: Int
    /// N.
    let columnCount: Int

    /// Reads the shapes, and packs the right-hand side if it is known.
    ///
    /// - Parameters:
    ///   - context: The node.
    ///   - left: The inputs that are A and its zero points.
    ///   - right: The inputs that are B and its zero points.
    /// - Throws: ``OperatorError`` if they do not fit.
    init(
        _ context: NodeContext,
        left: (Int, zero: Int),
        right: (Int, zero: Int)
    ) throws(OperatorError) {
        let (a, b) = (try context.input(left.0), try context.input(right.0))
        guard let product = MatrixProduct(left: a.shape, right: b.shape) else {
            throw OperatorError("\(a.shape) cannot be multiplied by \(b.shape)")
        }
        self.product = product
        self.left = left.0
        self.right = right.0
        leftIsSigned = a.elementType == .int8
        rightIsSigned = b.elementType == .int8
        rowCount = product.rowCount
        columnCount = product.columnCount
        matrixRowCount = a.rank == 1 ? 1 : a.shape[a.rank - 2]
        rowZeros = QuantizedParameters(context, left.zero, count: product.rowCount)
        columnZeros = QuantizedParameters(context, right.zero, count: product.columnCount)
        for (index, count, what) in [
            (left.zero, matrixRowCount, "rows of A"), (right.zero, columnCount, "columns of B"),
        ] where context.hasInput(index) {
            let found = try context.input(index).elementCount
            guard found == 1 || found == count else {
                throw OperatorError("\(found) zero points do not fit the \(count) \(what)")
            }
        }
        let isKnown = b.constant != nil && product.batchShape.isEmpty
        let zeros = context.hasInput(right.zero) ? context.inputs[right.zero] : nil
        guard isKnown, zeros == nil || zeros?.constant != nil else {
            packed = nil
            panelByteCount = IntegerGEMM.scratchByteCount(
                columnCount: product.columnCount,
                depth: product.depth,
                context: context.kernels
            )
            return
        }
        panelByteCount = 0
        let points = QuantizedParameters.numbers(zeros?.constant, count: product.columnCount)
        packed = try Self.pack(context, right.0, product, points)
    }

    private static func pack(
        _ context: NodeContext,
        _ input: Int,
        _ product: MatrixProduct,
        _ zeroPoints: [Int32]
    ) throws(OperatorError) -> PackedIntegerMatrix {
        try context.packed(
            from: input,
            variant:
                "bytes \(product.depth) \(product.columnCount) \(QuantizedParameters.key(zeroPoints))"
        ) { (memory) throws(OperatorError) in
            guard let constant = context.inputs[input]?.constant else {
                throw OperatorError("input \(input) must be known to be packed")
            }
            // SAFETY: the constant has depth · columnCount bytes, as its shape says, and is kept
            // during the call.
            return withExtendedLifetime(constant) {
                unsafe zeroPoints.withUnsafeBufferPointer { points in
                    unsafe PackedIntegerMatrix(
                        rowCount: product.depth,
                        columnCount: product.columnCount,
                        elements: ByteMatrix(
                            constant.storage.baseAddress,
                            rowStride: product.columnCount,
                            isSigned: constant.elementType == .int8,
                            zeroPoints: points.baseAddress
                        ),
                        table: context.kernels.table,
                        memory: memory
                    )
                }
            }
        }
    }

    /// How much scratch memory a call needs.
    var scratchByteCount: Int {
        rowZeros.byteCount + (packed == nil ? columnZeros.byteCount + panelByteCount : 0)
    }

    /// Stores the sums.
    @unsafe func multiply(
        _ frame: borrowing KernelFrame,
        into output: UnsafeMutableRawPointer,
        scratch: UnsafeMutableRawBufferPointer
    ) {
        unsafe forEachMatrix(frame, scratch) { a, b, index, memory, context in
            let c =
                unsafe output.assumingMemoryBound(to: Int32.self)
                + index * rowCount * columnCount
            if let packed {
                unsafe IntegerGEMM.multiply(
                    a,
                    rowCount: rowCount,
                    by: packed,
                    into: c,
                    rowStride: columnCount,
                    context: context
                )
            } else {
                unsafe IntegerGEMM.multiply(
                    a,
                    by: b,
                    rowCount: rowCount,
                    columnCount: columnCount,
                    depth: product.depth,
                    into: c,
                    rowStride: columnCount,
                    scratch: memory,
                    context: context
                )
            }
        }
    }

    /// Whether the right-hand side was packed beforehand.
    var isPacked: Bool { packed != nil }

    /// Stores floats; the right-hand side must be packed.
    @unsafe func multiply(
        _ frame: borrowing KernelFrame,
        intoFloats output: UnsafeMutablePointer<Float>,
        scaling: IntegerScaling,
        scratch: UnsafeMutableRawBufferPointer
    ) {
        guard let packed else { preconditionFailure("a product into floats is not packed") }
        unsafe forEachMatrix(frame, scratch) { a, _, index, _, context in
            unsafe IntegerGEMM.multiply(
                a,
                rowCount: rowCount,
                by: packed,
                into: output + index * rowCount * columnCount,
                rowStride: columnCount,
                scaling: scaling,
                context: context
            )
        }
    }

    /// Stores bytes.
    @unsafe func multiply(
        _ frame: borrowing KernelFrame,
        intoBytes output: UnsafeMutableRawPointer,
        scaling: IntegerScaling,
        zeroPoint: Int32,
        isSigned: Bool,
        scratch: UnsafeMutableRawBufferPointer
    ) {
        unsafe forEachMatrix(frame, scratch) { a, b, index, memory, context in
            let c = unsafe output + index * rowCount * columnCount
            if let packed {
                unsafe IntegerGEMM.multiply(
                    a,
                    rowCount: rowCount,
                    by: packed,
                    intoBytes: c,
                    rowStride: columnCount,
                    scaling: scaling,
                    zeroPoint: zeroPoint,
                    isSigned: isSigned,
                    context: context
                )
            } else {
                unsafe IntegerGEMM.multiply(
                    a,
                    by: b,
                    rowCount: rowCount,
                    columnCount: columnCount,
                    depth: product.depth,
                    intoBytes: c,
                    rowStride: columnCount,
                    scaling: scaling,
                    zeroPoint: zeroPoint,
                    isSigned: isSigned,
                    scratch: memory,
                    context: context
                )
            }
        }
    }

    /// Calls `body` for each product of the batch: (A, B, which, memory for panels, context).
    @unsafe private func forEachMatrix(
        _ frame: borrowing KernelFrame,
        _ scratch: UnsafeMutableRawBufferPointer,
        _ body: (ByteMatrix, ByteMatrix, Int, UnsafeMutableRawBufferPointer, KernelContext) -> Void
    ) {
        guard rowCount > 0, columnCount > 0, let base = scratch.baseAddress else { return }
        unsafe rowZeros.read(frame, into: base)
        let columns = unsafe base + rowZeros.byteCount
        var panels = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
        if packed == nil {
            unsafe columnZeros.read(frame, into: columns)
            unsafe panels = UnsafeMutableRawBufferPointer(
                start: columns + columnZeros.byteCount,
                count: panelByteCount
            )
        }
        for index in 0..<product.batchShape.elementCount {
            let offset = product.offsets(index)
            let a = unsafe ByteMatrix(
                frame.rawInput(left) + offset.left,
                rowStride: product.depth,
                isSigned: leftIsSigned,
                zeroPoints: UnsafePointer(base.assumingMemoryBound(to: Int32.self))
            )
            let b = unsafe ByteMatrix(
                frame.rawInput(right) + offset.right,
                rowStride: columnCount,
                isSigned: rightIsSigned,
                zeroPoints: UnsafePointer(columns.assumingMemoryBound(to: Int32.self))
            )
            unsafe body(a, b, index, panels, frame.context)
        }
    }
}
