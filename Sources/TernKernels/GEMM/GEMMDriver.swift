internal import TernMicrokernels

/// Cuts a product into pieces for threads and caches.
///
/// C is cut into bands of rows, and a band into panels, never along K: a piece is one panel of one
/// band, and a thread takes a run of them. Within the run a long K is walked in parts, so that a part of
/// the band's A and one panel of B stay in the second level of the cache while the panels pass. The
/// sums wait in C: a float that was stored and loaded again is the same float, so the chain of
/// additions is the same.
internal enum GEMMDriver {
    /// The bytes of A that one band may have in a part of K: somewhat less than half of a usual
    /// second level of the cache.
    private static let bandByteCount = 400 << 10
    /// The most rows of a band, so that columns waiting for their activation stay near as well.
    private static let bandRowCount = 512
    /// The longest part of K.
    private static let depthPart = 1024
    /// What a thread takes at a time, in nanoseconds: enough to hide what taking costs, and little
    /// enough for the others not to wait long at the end.
    private static let partNanoseconds = 4000.0...80_000.0
    /// How many parts each thread should have at least.
    private static let partsPerThread = 4
    /// Nanoseconds to read a byte of B that is in the last level of the cache.
    private static let nanosecondsPerByte = 0.0105

    /// Runs `tile`; `firstColumn` is where its C begins in the whole.
    internal static func run(
        _ tile: GEMMTile,
        epilogue: Epilogue,
        firstColumn: Int = 0,
        context: KernelContext
    ) {
        guard tile.rowCount > 0, tile.columnCount > 0 else { return }
        var tile = tile
        let rest = set(epilogue, of: &tile, firstColumn: firstColumn)
        let plan = Plan(tile, context)
        let whole = tile
        context.forEach(
            plan.bandCount * plan.panelCount,
            grain: plan.grain,
            nanosecondsPerPiece: plan.nanosecondsPerPiece
        ) { pieces in
            var piece = pieces.lowerBound
            while piece < pieces.upperBound {
                let (band, panel) = piece.quotientAndRemainder(dividingBy: plan.panelCount)
                let end = Swift.min(plan.panelCount, panel + pieces.upperBound - piece)
                unsafe run(whole, plan, band, panel..<end, rest, context.table)
                piece += end - panel
            }
        }
    }

    /// How a product is cut.
    private struct Plan {
        let panelCount: Int
        let bandCount: Int
        let depthPart: Int
        let grain: Int
        let nanosecondsPerPiece: Double
        private let blockCount: Int
        private let blockRowCount: Int
        private let rowCount: Int

        init(_ tile: GEMMTile, _ context: KernelContext) {
            let width = context.table.panelWidth
            panelCount = (tile.columnCount + width - 1) / width
            blockRowCount = context.table.blockRowCount
            rowCount = tile.rowCount
            // Sums that wait in C would overwrite what beta multiplies, or a residual that is C.
            let readsC =
                unsafe tile.beta != 0
                || tile.residual.map { unsafe $0 == UnsafePointer(tile.c) } ?? false
            let isCut = tile.depth > GEMMDriver.depthPart && !readsC && rowCount > blockRowCount
            let partCount =
                isCut ? (tile.depth + GEMMDriver.depthPart - 1) / GEMMDriver.depthPart : 1
            // Whole cache lines of A.
            let even = (tile.depth + partCount - 1) / partCount
            depthPart = Swift.max(1, isCut ? (even + 15) / 16 * 16 : tile.depth)

            blockCount = (rowCount + blockRowCount - 1) / blockRowCount
            let panelByteCount = Double(4 * width * tile.depth)
            let multiplyAdds = Double(rowCount) * Double(width) * Double(tile.depth)
            // Of one panel of all bands.
            let panelNanoseconds = Swift.max(
                context.nanoseconds(multiplyAdds: multiplyAdds),
                panelByteCount * GEMMDriver.nanosecondsPerByte
            )
            let target = Swift.min(
                Swift.max(
                    panelNanoseconds * Double(panelCount)
                        / Double(GEMMDriver.partsPerThread * context.width),
                    GEMMDriver.partNanoseconds.lowerBound
                ),
                GEMMDriver.partNanoseconds.upperBound
            )
            let mostRows = Swift.min(
                GEMMDriver.bandByteCount / (4 * depthPart),
                GEMMDriver.bandRowCount
            )
            let most = Swift.max(1, mostRows / blockRowCount)
            var bands = (blockCount + most - 1) / most
            // A single row takes panels by fours, wide blocks by twos.
            let unit = Swift.min(rowCount == 1 ? 4 : 2, panelCount)
            if context.width > 1 {
                // Panels are long, or there are few: more bands make more pieces.
                let wanted = panelNanoseconds * Double(unit) / target
                bands = Swift.max(bands, Int(wanted.rounded(.up)))
            }
            bandCount = Swift.min(bands, blockCount)
            nanosecondsPerPiece = panelNanoseconds / Double(bandCount)
            let panels = Int((target / Swift.max(nanosecondsPerPiece, 1)).rounded())
            grain = Swift.max(unit, panels / unit * unit)
        }

        /// Bands of about the same height, in whole blocks.
        func rows(ofBand band: Int) -> Range<Int> {
            let first = band * blockCount / bandCount * blockRowCount
            let end = (band + 1) * blockCount / bandCount * blockRowCount
            return first..<Swift.min(end, rowCount)
        }
    }

    /// Moves an epilogue into a tile.
    ///
    /// - Returns: The activation, if it has no vector code and is to be applied to what is finished.
    internal static func set(
        _ epilogue: Epilogue,
        of tile: inout GEMMTile,
        firstColumn: Int = 0
    ) -> UnaryOperation {
        tile.alpha = epilogue.alpha
        tile.beta = epilogue.beta
        switch epilogue.bias {
        case .none: break
        case .perColumn(let bias): unsafe tile.columnBias = bias + firstColumn
        case .perRow(let bias): unsafe tile.rowBias = bias
        }
        if let residual = epilogue.residual {
            unsafe tile.residual = residual.elements + firstColumn
            tile.residualRowStride = residual.rowStride
        }
        return absorbing(epilogue.activation, into: &tile)
    }

    /// Moves an activation into the microkernel; what remains is applied to a finished piece.
    internal static func absorbing(
        _ activation: UnaryOperation,
        into tile: inout GEMMTile
    ) -> UnaryOperation {
        switch activation.function {
        case .relu: tile.lower = 0
        case .clamp:
            tile.lower = activation.a
            tile.upper = activation.b
        default:
            guard UnaryDriver.hasVectorCode(activation.function) else { return activation }
            tile.activation = activation
        }
        return .identity
    }

    /// Runs some panels of one band.
    @unsafe private static func run(
        _ whole: GEMMTile,
        _ plan: Plan,
        _ band: Int,
        _ panels: Range<Int>,
        _ activation: UnaryOperation,
        _ table: KernelTable
    ) {
        let rows = plan.rows(ofBand: band)
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
        if let residual = unsafe whole.residual {
            unsafe tile.residual = residual + rows.lowerBound * whole.residualRowStride + column
        }
        var k = 0
        repeat {
            tile.depth = Swift.min(plan.depthPart, whole.depth - k)
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
