internal import TernMicrokernels

/// Cuts a product into pieces for threads and caches.
///
/// C is cut into bands of rows and groups of panels, never along K. Within a piece a long K is walked in
/// parts, whose sums wait in C: a float that was stored and loaded again is the same float, so the
/// chain of additions is the same.
internal enum GEMMDriver {
    /// The most rows of one band; a multiple of every table's block.
    private static let bandRowCount = 96
    /// The bytes of B that a piece reads again for each block of rows: half of a usual L2 cache.
    private static let groupByteCount = 256 << 10
    /// The part of K for which one panel is read again and again.
    private static let depthPart = 1024

    /// Runs `tile`; `firstColumn` is where its C begins in the whole, for a bias per column.
    internal static func run(
        _ tile: GEMMTile,
        epilogue: Epilogue,
        firstColumn: Int = 0,
        context: KernelContext
    ) {
        guard tile.rowCount > 0, tile.columnCount > 0 else { return }
        var tile = tile
        tile.alpha = epilogue.alpha
        tile.beta = epilogue.beta
        switch epilogue.bias {
        case .none: break
        case .perColumn(let bias): unsafe tile.columnBias = bias + firstColumn
        case .perRow(let bias): unsafe tile.rowBias = bias
        }
        let activation = absorbing(epilogue.activation, into: &tile)
        let width = context.table.panelWidth
        let panelCount = (tile.columnCount + width - 1) / width
        // Sums that wait in C would overwrite what beta multiplies.
        let isCut =
            tile.depth > depthPart && tile.beta == 0
            && tile.rowCount > context.table.blockRowCount
        let depth = isCut ? depthPart : tile.depth
        // Bands of about the same height, in whole blocks.
        let block = context.table.blockRowCount
        let fewest = (tile.rowCount + bandRowCount - 1) / bandRowCount
        let even = (tile.rowCount + fewest - 1) / fewest
        let bandHeight = (even + block - 1) / block * block
        let bandCount = (tile.rowCount + bandHeight - 1) / bandHeight
        let panelByteCount = Swift.max(depth, 1) * width * MemoryLayout<Float>.stride
        // A single row takes panels by fours.
        let group = Swift.max(1, groupByteCount / panelByteCount / 4 * 4)
        let groupCount = (panelCount + group - 1) / group
        let multiplyAdds = Double(tile.rowCount) * Double(tile.columnCount) * Double(tile.depth)
        let pieceCount = bandCount * groupCount
        let whole = tile
        context.forEach(
            pieceCount,
            nanosecondsPerPiece: context.nanoseconds(multiplyAdds: multiplyAdds)
                / Double(pieceCount)
        ) { pieces in
            for piece in pieces {
                let row = piece % bandCount * bandHeight
                let panel = piece / bandCount * group
                unsafe run(
                    whole,
                    rows: row..<Swift.min(row + bandHeight, whole.rowCount),
                    panels: panel..<Swift.min(panel + group, panelCount),
                    depthPart: depth,
                    activation: activation,
                    table: context.table
                )
            }
        }
    }

    /// Moves bounds into the microkernel; what remains is applied to a finished piece.
    internal static func absorbing(
        _ activation: UnaryOperation,
        into tile: inout GEMMTile
    ) -> UnaryOperation {
        switch activation.function {
        case .relu: tile.lower = 0
        case .clamp:
            tile.lower = activation.a
            tile.upper = activation.b
        default: return activation
        }
        return .identity
    }

    @unsafe private static func run(
        _ whole: GEMMTile,
        rows: Range<Int>,
        panels: Range<Int>,
        depthPart: Int,
        activation: UnaryOperation,
        table: KernelTable
    ) {
        let column = panels.lowerBound * table.panelWidth
        var tile = whole
        tile.rowCount = rows.count
        tile.columnCount = Swift.min(
            panels.count * table.panelWidth,
            whole.columnCount - column
        )
        let a = unsafe whole.a + rows.lowerBound * whole.aRowStride
        let b = unsafe whole.b + panels.lowerBound * whole.bPanelStride
        unsafe tile.c = whole.c + rows.lowerBound * whole.cRowStride + column
        if let bias = unsafe whole.columnBias { unsafe tile.columnBias = bias + column }
        if let bias = unsafe whole.rowBias { unsafe tile.rowBias = bias + rows.lowerBound }
        var k = 0
        repeat {
            tile.depth = Swift.min(Swift.max(depthPart, 1), whole.depth - k)
            unsafe tile.a = a + k
            unsafe tile.b = b + k * whole.bRowStride
            tile.continues = k > 0
            k += tile.depth
            tile.finishes = k == whole.depth
            table.gemm(tile)
        } while k < whole.depth
        guard !activation.isIdentity else { return }
        for row in 0..<tile.rowCount {
            let target = unsafe tile.c + row * tile.cRowStride
            unsafe UnaryDriver.run(
                activation,
                UnsafePointer(target),
                into: target,
                count: tile.columnCount,
                table: table
            )
        }
    }
}
