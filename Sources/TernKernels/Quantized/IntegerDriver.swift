internal import TernMicrokernels

/// Cuts a product of bytes into pieces, and prepares for each what its rows take part with.
internal enum IntegerDriver {
    /// What becomes of the sums.
    internal enum Result {
        case integers
        case floats(IntegerScaling)
        case bytes(IntegerScaling, zeroPoint: Int32, isSigned: Bool)
    }

    @unsafe internal static func run(
        _ a: ByteMatrix,
        rowCount: Int,
        by b: IntegerPanels,
        into c: UnsafeMutableRawPointer,
        rowStride cRowStride: Int,
        as result: Result,
        context: KernelContext
    ) {
        precondition(
            b.panelWidth == context.table.panelWidth,
            "a matrix was packed for kernels with another panel width"
        )
        precondition(rowCount >= 0, "a matrix cannot have a negative number of rows")
        precondition(!a.isTransposed, "a left-hand side of bytes cannot be read transposed")
        precondition(a.rowStride >= b.depth, "the rows of A are shorter than B is high")
        precondition(cRowStride >= b.columnCount, "the rows of C are shorter than B is wide")
        guard rowCount > 0, b.columnCount > 0 else { return }
        let pieces = PanelPieces(
            rowCount: rowCount,
            panelCount: (b.columnCount + b.panelWidth - 1) / b.panelWidth,
            blockRowCount: context.table.quantized.dotRowCount,
            panelByteCount: b.panelByteCount,
            width: context.width
        )
        let multiplyAdds = Double(rowCount) * Double(b.columnCount) * Double(b.depth)
        context.forEach(
            pieces.count,
            nanosecondsPerPiece: context.nanoseconds(multiplyAdds: multiplyAdds) / 4
                / Double(pieces.count)
        ) { range in
            for index in range {
                unsafe piece(
                    a,
                    rows: pieces.rows(index),
                    by: b,
                    panels: pieces.panels(index),
                    into: c,
                    rowStride: cRowStride,
                    as: result,
                    table: context.table
                )
            }
        }
    }

    @unsafe private static func piece(
        _ a: ByteMatrix,
        rows: Range<Int>,
        by b: IntegerPanels,
        panels: Range<Int>,
        into c: UnsafeMutableRawPointer,
        rowStride cRowStride: Int,
        as result: Result,
        table: KernelTable
    ) {
        let first = unsafe a.elements + rows.lowerBound * a.rowStride
        let column = panels.lowerBound * b.panelWidth
        let columnCount = Swift.min(panels.count * b.panelWidth, b.columnCount - column)
        var zeros = InlineArray<96, Int32>(repeating: 0)
        var terms = InlineArray<96, Int32>(repeating: 0)
        unsafe withUnsafeMutablePointer(to: &zeros) { zeroBuffer in
            unsafe withUnsafeMutablePointer(to: &terms) { termBuffer in
                let zeros = unsafe UnsafeMutableRawPointer(zeroBuffer)
                    .assumingMemoryBound(to: Int32.self)
                let terms = unsafe UnsafeMutableRawPointer(termBuffer)
                    .assumingMemoryBound(to: Int32.self)
                var isUniform = true
                for r in 0..<rows.count {
                    let zero = unsafe a.zeroPoints.map { unsafe $0[rows.lowerBound + r] }
                    unsafe zeros[r] = (zero ?? a.zeroPoint) + (a.isSigned ? 128 : 0)
                    isUniform = unsafe isUniform && zeros[r] == zeros[0]
                }
                if unsafe b.columnZeros != nil {
                    unsafe table.quantized.sumRows(
                        first,
                        a.rowStride,
                        rows.count,
                        b.depth,
                        a.isSigned,
                        terms
                    )
                    for r in 0..<rows.count { unsafe terms[r] &-= zeros[r] &* Int32(b.depth) }
                }
                var operands = unsafe DotOperands(
                    a: first,
                    aRowStride: a.rowStride,
                    b: b.panels + panels.lowerBound * b.panelByteCount,
                    bPanelStride: b.panelByteCount,
                    rowCount: rows.count,
                    columnCount: columnCount,
                    rowByteCount: b.depth
                )
                if isUniform {
                    // One zero point for all rows: the sums start at what it takes away.
                    unsafe operands.starts = zeros[0] == 0 ? nil : b.columnSums + column
                    unsafe operands.startFactor = 0 &- zeros[0]
                    for r in 0..<rows.count { unsafe zeros[r] = 0 }
                }
                let offset = rows.lowerBound * cRowStride + column
                if isUniform, unsafe b.columnZeros == nil, case .integers = result {
                    unsafe operands.direct = c.assumingMemoryBound(to: Float.self) + offset
                    operands.directStride = cRowStride
                }
                var tile = unsafe IntegerTile(
                    operands: operands,
                    isSigned: a.isSigned,
                    c: c,
                    cRowStride: cRowStride,
                    columnSums: b.columnSums + column,
                    columnZeros: b.columnZeros.map { unsafe $0 + column },
                    rowZeros: zeros,
                    rowTerms: terms
                )
                unsafe finish(
                    &tile,
                    c + offset * elementByteCount(result),
                    as: result,
                    row: rows.lowerBound,
                    column: column,
                    table: table
                )
            }
        }
    }

    private static func elementByteCount(_ result: Result) -> Int {
        if case .bytes = result { 1 } else { 4 }
    }

    /// Runs the tile with what its result asks for.
    @unsafe private static func finish(
        _ tile: inout IntegerTile,
        _ c: UnsafeMutableRawPointer,
        as result: Result,
        row: Int,
        column: Int,
        table: KernelTable
    ) {
        unsafe tile.c = c
        switch result {
        case .integers:
            table.quantized.multiplyIntegers(tile)
        case .floats(let scaling):
            tile.output = .floats
            unsafe adopt(scaling, &tile, row: row, column: column)
            if let bounds = scaling.bounds {
                tile.lower = bounds.lower
                tile.upper = bounds.upper
            }
            table.quantized.multiplyIntegers(tile)
            guard scaling.bounds == nil else { return }
            for r in 0..<tile.operands.rowCount {
                let target = unsafe c.assumingMemoryBound(to: Float.self) + r * tile.cRowStride
                unsafe UnaryDriver.run(
                    scaling.activation,
                    UnsafePointer(target),
                    into: target,
                    count: tile.operands.columnCount,
                    table: table
                )
            }
        case .bytes(let scaling, let zeroPoint, let isSigned):
            guard let bounds = scaling.bounds else {
                preconditionFailure("a product in bytes can be bounded, but not activated")
            }
            tile.output = .bytes
            unsafe adopt(scaling, &tile, row: row, column: column)
            let least = Float((isSigned ? -128 : 0) - zeroPoint)
            let greatest = Float((isSigned ? 127 : 255) - zeroPoint)
            tile.zeroPoint = zeroPoint
            tile.lower = Swift.min(Swift.max(least, bounds.lower), greatest)
            tile.upper = Swift.max(Swift.min(greatest, bounds.upper), least)
            table.quantized.multiplyIntegers(tile)
        }
    }

    @unsafe private static func adopt(
        _ scaling: IntegerScaling,
        _ tile: inout IntegerTile,
        row: Int,
        column: Int
    ) {
        tile.scale = scaling.scale
        unsafe tile.rowScales = scaling.rowScales.map { unsafe $0 + row }
        unsafe tile.columnScales = scaling.columnScales.map { unsafe $0 + column }
        unsafe tile.bias = scaling.bias.map { unsafe $0 + column }
    }
}
