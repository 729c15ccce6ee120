/// The transpose of a matrix of 32-bit elements, a square of registers at a time.
///
/// Scalar twin: in `LayoutTests`.
@usableFromInline
internal enum TransposeKernel<I: InstructionSet> {
    /// y[c·yStride + r] = x[r·xStride + c] for r < rowCount, c < columnCount; touches nothing else.
    @inlinable
    @inline(__always)
    internal static func run(
        _ x: UnsafePointer<Float>,
        _ xStride: Int,
        _ y: UnsafeMutablePointer<Float>,
        _ yStride: Int,
        _ rowCount: Int,
        _ columnCount: Int
    ) {
        let side = I.laneCount
        let wholeRows = rowCount / side &* side
        let wholeColumns = columnCount / side &* side
        var row = 0
        while row < wholeRows {
            var column = 0
            while column < wholeColumns {
                unsafe I.transpose(
                    x + (row &* xStride &+ column),
                    xStride,
                    y + (column &* yStride &+ row),
                    yStride
                )
                column &+= side
            }
            row &+= side
        }
        for c in wholeColumns..<Swift.max(columnCount, wholeColumns) {
            for r in 0..<wholeRows { unsafe y[c &* yStride &+ r] = x[r &* xStride &+ c] }
        }
        for c in 0..<Swift.max(columnCount, 0) {
            for r in wholeRows..<Swift.max(rowCount, wholeRows) {
                unsafe y[c &* yStride &+ r] = x[r &* xStride &+ c]
            }
        }
    }
}
