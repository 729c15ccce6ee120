/// The innermost loops of GEMM: `rows` rows of C, and one panel of B in one or two registers.
///
/// Equation: C[r, n] = Σₖ A[r, k]·B[k, n] for r < `rows`, n < `columnCount` ≤ `registers`·lanes, each
/// sum one chain over k = 0, 1, …. Layouts as in ``GEMMTile``. The accumulators stay in registers; A is
/// broadcast from memory. At the right edge only `columnCount` columns of C and of the bias are
/// touched, but whole registers of B are read. Scalar twin: `ScalarTwin.gemm` in the tests.
///
/// Every row is written out, with a constant index: an accumulator that is indexed by a variable
/// even once lives in memory.
@usableFromInline
internal enum GEMMBody<I: InstructionSet, let rows: Int, let registers: Int> {
    @inlinable
    @inline(never)
    internal static func run(
        _ tile: borrowing GEMMTile,
        a: UnsafePointer<Float>,
        b: UnsafePointer<Float>,
        c: UnsafeMutablePointer<Float>,
        row: Int,
        column: Int,
        columnCount: Int
    ) {
        var sums = GEMMSums<I, rows, registers>()
        let edge = registers == 2 ? columnCount &- I.laneCount : columnCount
        let cRowStride = tile.cRowStride
        if tile.continues {
            unsafe sums.resume(0, c, edge: edge)
            if rows > 1 { unsafe sums.resume(1, c + 1 &* cRowStride, edge: edge) }
            if rows > 2 { unsafe sums.resume(2, c + 2 &* cRowStride, edge: edge) }
            if rows > 3 { unsafe sums.resume(3, c + 3 &* cRowStride, edge: edge) }
            if rows > 4 { unsafe sums.resume(4, c + 4 &* cRowStride, edge: edge) }
            if rows > 5 { unsafe sums.resume(5, c + 5 &* cRowStride, edge: edge) }
            if rows > 6 { unsafe sums.resume(6, c + 6 &* cRowStride, edge: edge) }
            if rows > 7 { unsafe sums.resume(7, c + 7 &* cRowStride, edge: edge) }
            if rows > 8 { unsafe sums.resume(8, c + 8 &* cRowStride, edge: edge) }
            if rows > 9 { unsafe sums.resume(9, c + 9 &* cRowStride, edge: edge) }
            if rows > 10 { unsafe sums.resume(10, c + 10 &* cRowStride, edge: edge) }
            if rows > 11 { unsafe sums.resume(11, c + 11 &* cRowStride, edge: edge) }
        }
        // Rows in groups of three, so that few registers address many rows.
        let stride = tile.aRowStride
        var a0 = unsafe a
        var a3 = unsafe a + 3 &* stride
        var a6 = unsafe a + 6 &* stride
        var a9 = unsafe a + 9 &* stride
        let bRowStride = tile.bRowStride
        var b = unsafe b
        var remaining = tile.depth
        while remaining > 0 {
            let b0 = unsafe I.load(b)
            let b1 = unsafe registers == 2 ? I.load(b + I.laneCount) : b0
            unsafe sums.step(0, a0, b0, b1)
            if rows > 1 { unsafe sums.step(1, a0 + stride, b0, b1) }
            if rows > 2 { unsafe sums.step(2, a0 + 2 &* stride, b0, b1) }
            if rows > 3 { unsafe sums.step(3, a3, b0, b1) }
            if rows > 4 { unsafe sums.step(4, a3 + stride, b0, b1) }
            if rows > 5 { unsafe sums.step(5, a3 + 2 &* stride, b0, b1) }
            if rows > 6 { unsafe sums.step(6, a6, b0, b1) }
            if rows > 7 { unsafe sums.step(7, a6 + stride, b0, b1) }
            if rows > 8 { unsafe sums.step(8, a6 + 2 &* stride, b0, b1) }
            if rows > 9 { unsafe sums.step(9, a9, b0, b1) }
            if rows > 10 { unsafe sums.step(10, a9 + stride, b0, b1) }
            if rows > 11 { unsafe sums.step(11, a9 + 2 &* stride, b0, b1) }
            unsafe a0 += 1
            unsafe a3 += 1
            unsafe a6 += 1
            unsafe a9 += 1
            unsafe b += bRowStride
            remaining &-= 1
        }
        unsafe sums.finish(0, tile, c + 0 &* cRowStride, row: row &+ 0, column: column, edge: edge)
        if rows > 1 {
            unsafe sums.finish(
                1,
                tile,
                c + 1 &* cRowStride,
                row: row &+ 1,
                column: column,
                edge: edge
            )
        }
        if rows > 2 {
            unsafe sums.finish(
                2,
                tile,
                c + 2 &* cRowStride,
                row: row &+ 2,
                column: column,
                edge: edge
            )
        }
        if rows > 3 {
            unsafe sums.finish(
                3,
                tile,
                c + 3 &* cRowStride,
                row: row &+ 3,
                column: column,
                edge: edge
            )
        }
        if rows > 4 {
            unsafe sums.finish(
                4,
                tile,
                c + 4 &* cRowStride,
                row: row &+ 4,
                column: column,
                edge: edge
            )
        }
        if rows > 5 {
            unsafe sums.finish(
                5,
                tile,
                c + 5 &* cRowStride,
                row: row &+ 5,
                column: column,
                edge: edge
            )
        }
        if rows > 6 {
            unsafe sums.finish(
                6,
                tile,
                c + 6 &* cRowStride,
                row: row &+ 6,
                column: column,
                edge: edge
            )
        }
        if rows > 7 {
            unsafe sums.finish(
                7,
                tile,
                c + 7 &* cRowStride,
                row: row &+ 7,
                column: column,
                edge: edge
            )
        }
        if rows > 8 {
            unsafe sums.finish(
                8,
                tile,
                c + 8 &* cRowStride,
                row: row &+ 8,
                column: column,
                edge: edge
            )
        }
        if rows > 9 {
            unsafe sums.finish(
                9,
                tile,
                c + 9 &* cRowStride,
                row: row &+ 9,
                column: column,
                edge: edge
            )
        }
        if rows > 10 {
            unsafe sums.finish(
                10,
                tile,
                c + 10 &* cRowStride,
                row: row &+ 10,
                column: column,
                edge: edge
            )
        }
        if rows > 11 {
            unsafe sums.finish(
                11,
                tile,
                c + 11 &* cRowStride,
                row: row &+ 11,
                column: column,
                edge: edge
            )
        }
    }
}

/// The accumulators of a ``GEMMBody``; every index is a constant after inlining.
@usableFromInline
internal struct GEMMSums<I: InstructionSet, let rows: Int, let registers: Int> {
    @usableFromInline internal var left: InlineArray<rows, I.Floats>
    @usableFromInline internal var right: InlineArray<rows, I.Floats>

    @inlinable
    @inline(__always)
    internal init() {
        left = InlineArray(repeating: I.broadcast(Float(0)))
        right = InlineArray(repeating: I.broadcast(Float(0)))
    }

    @inlinable
    @inline(__always)
    internal mutating func resume(_ r: Int, _ c: UnsafePointer<Float>, edge: Int) {
        if registers == 2 {
            unsafe left[unchecked: r] = I.load(c)
            unsafe right[unchecked: r] = I.load(c + I.laneCount, count: edge)
        } else {
            unsafe left[unchecked: r] = I.load(c, count: edge)
        }
    }

    @inlinable
    @inline(__always)
    internal mutating func step(
        _ r: Int,
        _ a: UnsafePointer<Float>,
        _ b0: I.Floats,
        _ b1: I.Floats
    ) {
        let x = unsafe I.broadcast(a.pointee)
        unsafe left[unchecked: r] = I.multiplyAdd(left[unchecked: r], x, b0)
        if registers == 2 {
            unsafe right[unchecked: r] = I.multiplyAdd(right[unchecked: r], x, b1)
        }
    }

    @inlinable
    @inline(__always)
    internal func finish(
        _ r: Int,
        _ tile: borrowing GEMMTile,
        _ c: UnsafeMutablePointer<Float>,
        row: Int,
        column: Int,
        edge: Int
    ) {
        if registers == 2 {
            unsafe GEMMFinish<I>.store(
                left[unchecked: r],
                tile,
                c: c,
                row: row,
                column: column,
                count: I.laneCount
            )
            unsafe GEMMFinish<I>.store(
                right[unchecked: r],
                tile,
                c: c + I.laneCount,
                row: row,
                column: column &+ I.laneCount,
                count: edge
            )
        } else {
            unsafe GEMMFinish<I>.store(
                left[unchecked: r],
                tile,
                c: c,
                row: row,
                column: column,
                count: edge
            )
        }
    }
}
