import TernGraph
import TernKernels
import TernTensor

/// Products X · Wᵀ with some rows of a weight [directions, rows, depth]; packed beforehand if the
/// weight does not depend on the call.
struct WeightProduct: Sendable {
    private let input: Int
    private let rows: Range<Int>
    private let totalRowCount: Int
    private let depth: Int
    private let packed: [PackedMatrix]
    private let kernels: KernelContext

    /// Packs the rows of each direction.
    ///
    /// - Parameters:
    ///   - context: The node.
    ///   - input: Which input is the weight.
    ///   - rows: Which of its rows.
    ///   - totalRowCount: How many rows there are per direction.
    /// - Throws: ``OperatorError`` if the input is missing.
    init(
        _ context: NodeContext,
        input: Int,
        rows: Range<Int>,
        of totalRowCount: Int
    ) throws(OperatorError) {
        let operand = try context.input(input)
        self.input = input
        kernels = context.kernels
        self.rows = rows
        self.totalRowCount = totalRowCount
        depth = operand.shape[2]
        guard let constant = operand.constant else {
            packed = []
            return
        }
        let (directions, depth) = (operand.shape[0], operand.shape[2])
        packed = try context.packed(from: input, variant: "rows \(rows) transposed") {
            (memory) throws(OperatorError) in
            withExtendedLifetime(constant) {
                (0..<directions).map { direction in
                    // SAFETY: the weight has `totalRowCount` rows of `depth` per direction, as its
                    // shape says, and the rows lie among them.
                    unsafe PackedMatrix(
                        rowCount: depth,
                        columnCount: rows.count,
                        elements: UnsafeRawPointer(constant.storage.baseAddress)
                            .assumingMemoryBound(to: Float.self)
                            + (direction * totalRowCount + rows.lowerBound) * depth,
                        rowStride: depth,
                        isTransposed: true,
                        table: context.kernels.table,
                        memory: memory
                    )
                }
            }
        }
    }

    /// How much scratch memory a product of so many rows needs.
    func scratchByteCount(_ rowCount: Int) -> Int {
        guard packed.isEmpty else { return 0 }
        return GEMM.scratchByteCount(
            rowCount: rowCount,
            columnCount: rows.count,
            depth: depth,
            aIsTransposed: false,
            bIsTransposed: true,
            context: kernels
        )
    }

    /// Multiplies.
    @unsafe func multiply(
        _ direction: Int,
        _ a: UnsafePointer<Float>,
        rowStride aRowStride: Int,
        rowCount: Int,
        into c: UnsafeMutablePointer<Float>,
        rowStride cRowStride: Int,
        epilogue: Epilogue,
        scratch: UnsafeMutableRawBufferPointer,
        _ frame: borrowing KernelFrame
    ) {
        if packed.isEmpty {
            unsafe GEMM.multiply(
                MatrixView(a, rowStride: aRowStride),
                by: MatrixView(
                    frame.input(input, as: Float.self)
                        + (direction * totalRowCount + rows.lowerBound) * depth,
                    rowStride: depth,
                    isTransposed: true
                ),
                rowCount: rowCount,
                columnCount: rows.count,
                depth: depth,
                into: c,
                rowStride: cRowStride,
                epilogue: epilogue,
                scratch: scratch,
                context: frame.context
            )
        } else {
            unsafe GEMM.multiply(
                a,
                rowStride: aRowStride,
                rowCount: rowCount,
                by: packed[direction],
                into: c,
                rowStride: cRowStride,
                epilogue: epilogue,
                context: frame.context
            )
        }
    }
}
