/// Runs a ``GEMMTile``: cuts it into the row counts and panels that ``GEMMBody`` has code for.
@usableFromInline
internal enum GEMMKernel<I: InstructionSet> {
    @inlinable
    @inline(__always)
    internal static func run(_ tile: borrowing GEMMTile) {
        if tile.rowCount == 1 {
            GEMVKernel<I>.run(tile)
            return
        }
        let width = 2 &* I.laneCount
        let isWide = prefersWideBlocks(tile)
        let hasActivation = tile.hasActivation
        let activates = tile.finishes ? hasActivation : false
        let columnCount = tile.columnCount
        var column = 0
        var activeColumn = 0
        var b = unsafe tile.b
        while column < columnCount {
            let remaining = columnCount &- column
            let panelCount = isWide && remaining >= 2 &* width ? 2 : 1
            let count = Swift.min(panelCount &* width, remaining)
            unsafe panels(tile, panelCount, b, column, count)
            column &+= count
            unsafe b += panelCount &* tile.bPanelStride
            // Rows of eight registers are long enough to overlap their functions' latency.
            if activates, column &- activeColumn >= 4 &* width || column == columnCount {
                GEMMFinish<I>.activate(tile, activeColumn..<column)
                activeColumn = column
            }
        }
    }

    /// The most rows of a block two panels wide.
    @inlinable
    @inline(__always)
    internal static var wideRowCount: Int { I.maximumRowCount >= 12 ? 6 : 2 }

    /// Whether to take half the rows and twice the columns at a time.
    ///
    /// A few rows need the columns to have enough independent sums. And where rows of A lie a
    /// multiple of 4096 bytes apart, their lines share a set of the first level of the cache, which
    /// has 8 or 12 places.
    @inlinable
    @inline(__always)
    internal static func prefersWideBlocks(_ tile: borrowing GEMMTile) -> Bool {
        if tile.rowCount <= wideRowCount { return true }
        guard I.maximumRowCount > 8 else { return false }
        let offset = (tile.aRowStride &* 4) & 4095
        return Swift.min(offset, 4096 &- offset) <= 8
    }

    /// All rows of one panel, or of two side by side.
    @inlinable
    @inline(__always)
    internal static func panels(
        _ tile: borrowing GEMMTile,
        _ panelCount: Int,
        _ b: UnsafePointer<Float>,
        _ column: Int,
        _ columnCount: Int
    ) {
        let most = panelCount == 2 ? wideRowCount : I.maximumRowCount
        let next = unsafe b + panelCount &* tile.bPanelStride
        let hasNext = column &+ columnCount < tile.columnCount
        let rowCount = tile.rowCount
        var row = 0
        while row < rowCount {
            let rows = blockRowCount(remaining: rowCount &- row, most: most)
            // While the last rows pass over these panels, the next ones come nearer.
            let fetches = hasNext && row &+ rows == rowCount
            let block = unsafe GEMMBlock(
                a: tile.a + row &* tile.aRowStride,
                b: b,
                c: tile.c + (row &* tile.cRowStride &+ column),
                row: row,
                column: column,
                columnCount: columnCount,
                ahead: fetches ? next : b,
                aheadStride: fetches ? tile.bRowStride : 0
            )
            if panelCount == 2 {
                wide(tile, rows, block)
            } else {
                narrow(tile, rows, block)
            }
            row &+= rows
        }
    }

    /// Full blocks as long as two remain, then two halves, so that no block is left with one row.
    @inlinable
    @inline(__always)
    internal static func blockRowCount(remaining: Int, most: Int) -> Int {
        if remaining <= most { return remaining }
        return remaining >= 2 &* most ? most : (remaining &+ 1) / 2
    }

    @inlinable
    @inline(__always)
    internal static func wide(_ tile: borrowing GEMMTile, _ rows: Int, _ block: GEMMBlock) {
        // One row alone never comes here.
        if wideRowCount > 2 && rows > 2 {
            wideTall(tile, rows, block)
        } else {
            GEMMBody<I, 2, 4>.run(tile, block)
        }
    }

    @inlinable
    @inline(__always)
    internal static func wideTall(_ tile: borrowing GEMMTile, _ rows: Int, _ block: GEMMBlock) {
        switch rows {
        case 3: GEMMBody<I, 3, 4>.run(tile, block)
        case 4: GEMMBody<I, 4, 4>.run(tile, block)
        case 5: GEMMBody<I, 5, 4>.run(tile, block)
        default: GEMMBody<I, 6, 4>.run(tile, block)
        }
    }

    @inlinable
    @inline(__always)
    internal static func narrow(_ tile: borrowing GEMMTile, _ rows: Int, _ block: GEMMBlock) {
        switch rows {
        case 1: Row<1>.run(tile, block)
        case 2: Row<2>.run(tile, block)
        case 3: Row<3>.run(tile, block)
        case 4: Row<4>.run(tile, block)
        case 5: Row<5>.run(tile, block)
        case 6: Row<6>.run(tile, block)
        default: if I.maximumRowCount > 6 { narrowTall(tile, rows, block) }
        }
    }

    @inlinable
    @inline(__always)
    internal static func narrowTall(_ tile: borrowing GEMMTile, _ rows: Int, _ block: GEMMBlock) {
        switch rows {
        case 7: Row<7>.run(tile, block)
        case 8: Row<8>.run(tile, block)
        case 9: Row<9>.run(tile, block)
        case 10: Row<10>.run(tile, block)
        case 11: Row<11>.run(tile, block)
        default: Row<12>.run(tile, block)
        }
    }

    /// Chooses the body's width.
    @usableFromInline
    internal enum Row<let rows: Int> {
        @inlinable
        @inline(__always)
        internal static func run(_ tile: borrowing GEMMTile, _ block: GEMMBlock) {
            if block.columnCount > I.laneCount {
                GEMMBody<I, rows, 2>.run(tile, block)
            } else {
                GEMMBody<I, rows, 1>.run(tile, block)
            }
        }
    }
}

/// Where one block of a ``GEMMTile`` lies.
@usableFromInline @safe
internal struct GEMMBlock {
    /// Its first row of A.
    @usableFromInline internal var a: UnsafePointer<Float>
    /// Its first panel.
    @usableFromInline internal var b: UnsafePointer<Float>
    /// Its first element of C.
    @usableFromInline internal var c: UnsafeMutablePointer<Float>
    /// Its place in the tile.
    @usableFromInline internal var row: Int
    @usableFromInline internal var column: Int
    @usableFromInline internal var columnCount: Int
    /// What to fetch into the second level of the cache on the way, and how far to go on each step.
    @usableFromInline internal var ahead: UnsafePointer<Float>
    @usableFromInline internal var aheadStride: Int

    @inlinable
    @inline(__always)
    internal init(
        a: UnsafePointer<Float>,
        b: UnsafePointer<Float>,
        c: UnsafeMutablePointer<Float>,
        row: Int,
        column: Int,
        columnCount: Int,
        ahead: UnsafePointer<Float>,
        aheadStride: Int
    ) {
        unsafe self.a = a
        unsafe self.b = b
        unsafe self.c = c
        self.row = row
        self.column = column
        self.columnCount = columnCount
        unsafe self.ahead = ahead
        self.aheadStride = aheadStride
    }
}
