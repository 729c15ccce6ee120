/// Runs a ``GEMMTile``: cuts it into the row counts and panels that ``GEMMBody`` has code for.
@usableFromInline
internal enum GEMMKernel<I: InstructionSet> {
    @inlinable
    @inline(__always)
    internal static func run(_ tile: borrowing GEMMTile) {
        if tile.rowCount == 1 {
            vector(tile)
            return
        }
        let width = 2 &* I.laneCount
        var column = 0
        var b = unsafe tile.b
        while column < tile.columnCount {
            var row = 0
            while row < tile.rowCount {
                let rows = blockRowCount(remaining: tile.rowCount &- row)
                unsafe body(
                    tile,
                    rows: rows,
                    a: tile.a + row &* tile.aRowStride,
                    b: b,
                    c: tile.c + (row &* tile.cRowStride &+ column),
                    row: row,
                    column: column,
                    columnCount: Swift.min(width, tile.columnCount &- column)
                )
                row &+= rows
            }
            column &+= width
            unsafe b += tile.bPanelStride
        }
    }

    /// Full blocks as long as two remain, then two halves, so that no block is left with one row.
    @inlinable
    @inline(__always)
    internal static func blockRowCount(remaining: Int) -> Int {
        let most = I.maximumRowCount
        if remaining <= most { return remaining }
        return remaining >= 2 &* most ? most : (remaining &+ 1) / 2
    }

    @inlinable
    @inline(__always)
    internal static func body(
        _ tile: borrowing GEMMTile,
        rows: Int,
        a: UnsafePointer<Float>,
        b: UnsafePointer<Float>,
        c: UnsafeMutablePointer<Float>,
        row: Int,
        column: Int,
        columnCount: Int
    ) {
        unsafe select(tile, rows, a, b, c, row, column, columnCount)
    }

    @inlinable
    @inline(__always)
    internal static func select(
        _ tile: borrowing GEMMTile,
        _ rows: Int,
        _ a: UnsafePointer<Float>,
        _ b: UnsafePointer<Float>,
        _ c: UnsafeMutablePointer<Float>,
        _ row: Int,
        _ column: Int,
        _ count: Int
    ) {
        switch rows {
        case 1: unsafe Row<1>.run(tile, a, b, c, row, column, count)
        case 2: unsafe Row<2>.run(tile, a, b, c, row, column, count)
        case 3: unsafe Row<3>.run(tile, a, b, c, row, column, count)
        case 4: unsafe Row<4>.run(tile, a, b, c, row, column, count)
        case 5: unsafe Row<5>.run(tile, a, b, c, row, column, count)
        case 6: unsafe Row<6>.run(tile, a, b, c, row, column, count)
        default:
            if I.maximumRowCount > 6 { unsafe selectTall(tile, rows, a, b, c, row, column, count) }
        }
    }

    @inlinable
    @inline(__always)
    internal static func selectTall(
        _ tile: borrowing GEMMTile,
        _ rows: Int,
        _ a: UnsafePointer<Float>,
        _ b: UnsafePointer<Float>,
        _ c: UnsafeMutablePointer<Float>,
        _ row: Int,
        _ column: Int,
        _ count: Int
    ) {
        switch rows {
        case 7: unsafe Row<7>.run(tile, a, b, c, row, column, count)
        case 8: unsafe Row<8>.run(tile, a, b, c, row, column, count)
        case 9: unsafe Row<9>.run(tile, a, b, c, row, column, count)
        case 10: unsafe Row<10>.run(tile, a, b, c, row, column, count)
        case 11: unsafe Row<11>.run(tile, a, b, c, row, column, count)
        default: unsafe Row<12>.run(tile, a, b, c, row, column, count)
        }
    }

    /// Chooses the body's width.
    @usableFromInline
    internal enum Row<let rows: Int> {
        @inlinable
        @inline(__always)
        internal static func run(
            _ tile: borrowing GEMMTile,
            _ a: UnsafePointer<Float>,
            _ b: UnsafePointer<Float>,
            _ c: UnsafeMutablePointer<Float>,
            _ row: Int,
            _ column: Int,
            _ count: Int
        ) {
            if count > I.laneCount {
                unsafe GEMMBody<I, rows, 2>.run(
                    tile,
                    a: a,
                    b: b,
                    c: c,
                    row: row,
                    column: column,
                    columnCount: count
                )
            } else {
                unsafe GEMMBody<I, rows, 1>.run(
                    tile,
                    a: a,
                    b: b,
                    c: c,
                    row: row,
                    column: column,
                    columnCount: count
                )
            }
        }
    }

    /// One row of C: four panels at a time, so that eight sums hide the latency of the addition.
    @inlinable
    @inline(__always)
    internal static func vector(_ tile: borrowing GEMMTile) {
        let lanes = I.laneCount
        let width = 2 &* lanes
        var column = 0
        var b = unsafe tile.b
        while tile.columnCount &- column >= 4 &* width {
            unsafe fourPanels(tile, b: b, column: column)
            column &+= 4 &* width
            unsafe b += 4 &* tile.bPanelStride
        }
        while column < tile.columnCount {
            let count = Swift.min(width, tile.columnCount &- column)
            unsafe Row<1>.run(tile, tile.a, b, tile.c + column, 0, column, count)
            column &+= width
            unsafe b += tile.bPanelStride
        }
    }

    @inlinable
    @inline(never)
    internal static func fourPanels(
        _ tile: borrowing GEMMTile,
        b: UnsafePointer<Float>,
        column: Int
    ) {
        let lanes = I.laneCount
        var sums = InlineArray<8, I.Floats>(repeating: I.broadcast(Float(0)))
        let c = unsafe tile.c + column
        if tile.continues {
            for i in 0..<8 { unsafe sums[unchecked: i] = I.load(c + i &* lanes) }
        }
        let a = unsafe tile.a
        let depth = tile.depth
        let bRowStride = tile.bRowStride
        var b0 = unsafe b
        var b1 = unsafe b + tile.bPanelStride
        var b2 = unsafe b + 2 &* tile.bPanelStride
        var b3 = unsafe b + 3 &* tile.bPanelStride
        var k = 0
        while k < depth {
            let x = unsafe I.broadcast(a[k])
            for i in 0..<8 {
                let panel = unsafe i < 2 ? b0 : i < 4 ? b1 : i < 6 ? b2 : b3
                let y = unsafe I.load(panel + (i % 2) &* lanes)
                unsafe sums[unchecked: i] = I.multiplyAdd(sums[unchecked: i], x, y)
            }
            unsafe b0 += bRowStride
            unsafe b1 += bRowStride
            unsafe b2 += bRowStride
            unsafe b3 += bRowStride
            k &+= 1
        }
        for i in 0..<8 {
            unsafe GEMMFinish<I>.store(
                sums[unchecked: i],
                tile,
                c: c + i &* lanes,
                row: 0,
                column: column &+ i &* lanes,
                count: lanes
            )
        }
    }
}
