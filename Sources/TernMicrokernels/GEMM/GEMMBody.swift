/// The innermost loops of GEMM: `rows` rows of C, and one, two or four registers of B's columns.
///
/// Equation: C[r, n] = Σₖ A[r, k]·B[k, n] for r < `rows`, n < `columnCount` ≤ `registers`·lanes, each
/// sum one chain over k = 0, 1, …. Layouts as in ``GEMMTile``; four registers are two whole panels. The
/// accumulators stay in registers; A is broadcast from memory. At the right edge only `columnCount`
/// columns of C and of the bias are touched, but whole registers of B are read. In each step the
/// lines of B at `ahead` are fetched into the second level of the cache, and `ahead` moves on by
/// `aheadStride` floats: what the next call will read. Scalar twin: `ScalarTwin.gemm` in the tests.
///
/// Every row is written out, with a constant index: an accumulator that is indexed by a variable
/// even once lives in memory.
@usableFromInline
internal enum GEMMBody<I: InstructionSet, let rows: Int, let registers: Int> {
    @inlinable
    @inline(never)
    internal static func run(
        _ tile: borrowing GEMMTile,
        _ block: GEMMBlock
    ) {
        let a = unsafe block.a
        let c = unsafe block.c
        let (row, column) = (block.row, block.column)
        let aheadStride = block.aheadStride
        var sums = GEMMSums<I, rows, registers>()
        let edge = registers == 2 ? block.columnCount &- I.laneCount : block.columnCount
        let ld = tile.cRowStride
        if tile.fetchesC {
            var line = unsafe UnsafePointer(c)
            for _ in 0..<rows {
                unsafe I.prefetch(line)
                if registers >= 2 { unsafe I.prefetch(line + I.laneCount) }
                unsafe line += ld
            }
        }
        if tile.continues {
            unsafe sums.resume(0, c, edge: edge)
            if rows > 1 { unsafe sums.resume(1, c + ld, edge: edge) }
            if rows > 2 { unsafe sums.resume(2, c + 2 &* ld, edge: edge) }
            if rows > 3 { unsafe sums.resume(3, c + 3 &* ld, edge: edge) }
            if rows > 4 { unsafe sums.resume(4, c + 4 &* ld, edge: edge) }
            if rows > 5 { unsafe sums.resume(5, c + 5 &* ld, edge: edge) }
            if rows > 6 { unsafe sums.resume(6, c + 6 &* ld, edge: edge) }
            if rows > 7 { unsafe sums.resume(7, c + 7 &* ld, edge: edge) }
            if rows > 8 { unsafe sums.resume(8, c + 8 &* ld, edge: edge) }
            if rows > 9 { unsafe sums.resume(9, c + 9 &* ld, edge: edge) }
            if rows > 10 { unsafe sums.resume(10, c + 10 &* ld, edge: edge) }
            if rows > 11 { unsafe sums.resume(11, c + 11 &* ld, edge: edge) }
        }
        // Rows in groups of three, so that few registers address many rows.
        let stride = tile.aRowStride
        var a0 = unsafe a
        var a3 = unsafe a + 3 &* stride
        var a6 = unsafe a + 6 &* stride
        var a9 = unsafe a + 9 &* stride
        let bRowStride = tile.bRowStride
        let bPanelStride = tile.bPanelStride
        var b = unsafe block.b
        var ahead = unsafe block.ahead
        var remaining = tile.depth
        while remaining > 0 {
            let b0 = unsafe I.load(b)
            let b1 = unsafe registers >= 2 ? I.load(b + I.laneCount) : b0
            let b2 = unsafe registers == 4 ? I.load(b + bPanelStride) : b0
            let b3 = unsafe registers == 4 ? I.load(b + bPanelStride + I.laneCount) : b0
            unsafe I.prefetch(ahead)
            if registers >= 2 { unsafe I.prefetch(ahead + I.laneCount) }
            if registers == 4 {
                unsafe I.prefetch(ahead + bPanelStride)
                unsafe I.prefetch(ahead + bPanelStride + I.laneCount)
            }
            unsafe sums.step(0, a0, b0, b1, b2, b3)
            if rows > 1 { unsafe sums.step(1, a0 + stride, b0, b1, b2, b3) }
            if rows > 2 { unsafe sums.step(2, a0 + 2 &* stride, b0, b1, b2, b3) }
            if rows > 3 { unsafe sums.step(3, a3, b0, b1, b2, b3) }
            if rows > 4 { unsafe sums.step(4, a3 + stride, b0, b1, b2, b3) }
            if rows > 5 { unsafe sums.step(5, a3 + 2 &* stride, b0, b1, b2, b3) }
            if rows > 6 { unsafe sums.step(6, a6, b0, b1, b2, b3) }
            if rows > 7 { unsafe sums.step(7, a6 + stride, b0, b1, b2, b3) }
            if rows > 8 { unsafe sums.step(8, a6 + 2 &* stride, b0, b1, b2, b3) }
            if rows > 9 { unsafe sums.step(9, a9, b0, b1, b2, b3) }
            if rows > 10 { unsafe sums.step(10, a9 + stride, b0, b1, b2, b3) }
            if rows > 11 { unsafe sums.step(11, a9 + 2 &* stride, b0, b1, b2, b3) }
            unsafe a0 += 1
            unsafe a3 += 1
            unsafe a6 += 1
            unsafe a9 += 1
            unsafe b += bRowStride
            unsafe ahead += aheadStride
            remaining &-= 1
        }
        if tile.storesSums {
            unsafe sums.store(0, c, edge: edge)
            if rows > 1 { unsafe sums.store(1, c + ld, edge: edge) }
            if rows > 2 { unsafe sums.store(2, c + 2 &* ld, edge: edge) }
            if rows > 3 { unsafe sums.store(3, c + 3 &* ld, edge: edge) }
            if rows > 4 { unsafe sums.store(4, c + 4 &* ld, edge: edge) }
            if rows > 5 { unsafe sums.store(5, c + 5 &* ld, edge: edge) }
            if rows > 6 { unsafe sums.store(6, c + 6 &* ld, edge: edge) }
            if rows > 7 { unsafe sums.store(7, c + 7 &* ld, edge: edge) }
            if rows > 8 { unsafe sums.store(8, c + 8 &* ld, edge: edge) }
            if rows > 9 { unsafe sums.store(9, c + 9 &* ld, edge: edge) }
            if rows > 10 { unsafe sums.store(10, c + 10 &* ld, edge: edge) }
            if rows > 11 { unsafe sums.store(11, c + 11 &* ld, edge: edge) }
        } else {
            unsafe sums.finish(0, tile, c, row, column, edge)
            if rows > 1 { unsafe sums.finish(1, tile, c + ld, row, column, edge) }
            if rows > 2 { unsafe sums.finish(2, tile, c + 2 &* ld, row, column, edge) }
            if rows > 3 { unsafe sums.finish(3, tile, c + 3 &* ld, row, column, edge) }
            if rows > 4 { unsafe sums.finish(4, tile, c + 4 &* ld, row, column, edge) }
            if rows > 5 { unsafe sums.finish(5, tile, c + 5 &* ld, row, column, edge) }
            if rows > 6 { unsafe sums.finish(6, tile, c + 6 &* ld, row, column, edge) }
            if rows > 7 { unsafe sums.finish(7, tile, c + 7 &* ld, row, column, edge) }
            if rows > 8 { unsafe sums.finish(8, tile, c + 8 &* ld, row, column, edge) }
            if rows > 9 { unsafe sums.finish(9, tile, c + 9 &* ld, row, column, edge) }
            if rows > 10 { unsafe sums.finish(10, tile, c + 10 &* ld, row, column, edge) }
            if rows > 11 { unsafe sums.finish(11, tile, c + 11 &* ld, row, column, edge) }
        }
    }
}
