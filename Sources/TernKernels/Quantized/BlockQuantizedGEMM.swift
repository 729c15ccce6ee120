internal import TernMicrokernels

/// Products of floats with weights that are quantised in blocks: C [M, N] = A [M, K]·B [K, N].
///
/// A is quantised at the door, per row and block of 32, to bytes with one scale; the products of a block
/// are exact integers, and the blocks' sums are added as floats, one chain along K. So a row of C has the
/// same bits alone, in a batch, and on any number of threads. A row with NaN or infinity gives NaN in all
/// its columns. Nothing is allocated.
package enum BlockQuantizedGEMM {
    /// How much scratch memory a product needs, in bytes.
    package static func scratchByteCount(rowCount: Int, depth: Int) -> Int {
        let blocks = rowCount * ((depth + 31) / 32)
        // Codes, and then scales and sums, each in whole cache lines.
        return ((blocks * 32 + 63) & ~63) + 2 * ((blocks * 4 + 63) & ~63)
    }

    /// Multiplies.
    ///
    /// - Parameters:
    ///   - a: A, row-major.
    ///   - aRowStride: The distance between rows of A, at least K.
    ///   - rowCount: M.
    ///   - b: B, packed for `context.table`.
    ///   - c: C, row-major.
    ///   - cRowStride: The distance between rows of C, at least N.
    ///   - epilogue: Bias, activation; no alpha.
    ///   - scratch: As many bytes as ``scratchByteCount(rowCount:depth:)`` says, 64-byte aligned; its
    ///     contents are lost.
    ///   - context: Where to run.
    @unsafe package static func multiply(
        _ a: UnsafePointer<Float>,
        rowStride aRowStride: Int,
        rowCount: Int,
        by b: PackedBlockMatrix,
        into c: UnsafeMutablePointer<Float>,
        rowStride cRowStride: Int,
        epilogue: Epilogue = Epilogue(),
        scratch: UnsafeMutableRawBufferPointer,
        context: KernelContext
    ) {
        precondition(
            b.panelWidth == context.table.panelWidth,
            "a matrix was packed for kernels with another panel width"
        )
        precondition(rowCount >= 0, "a matrix cannot have a negative number of rows")
        precondition(aRowStride >= b.rowCount, "the rows of A are shorter than B is high")
        precondition(cRowStride >= b.columnCount, "the rows of C are shorter than B is wide")
        guard rowCount > 0, b.columnCount > 0 else { return }
        let kernels = context.table.quantized
        let (depth, blockCount) = (b.rowCount, b.blockCount)
        var memory = unsafe ScratchMemory(
            scratch,
            needed: scratchByteCount(rowCount: rowCount, depth: depth)
        )
        let total = rowCount * blockCount
        let codes = unsafe memory.bytes(total * 32).assumingMemoryBound(to: Int8.self)
        let scales = unsafe memory.floats(total)
        let sums = unsafe memory.bytes(total * 4).assumingMemoryBound(to: Int32.self)
        let kind = b.bitCount == 4 ? BlockTile.Codes.nibbles : .bytes
        let factor = b.hasZeroPoints ? 1 : kind.middle
        let cost = Double(depth) * 0.4
        context.forEach(
            rowCount,
            grain: KernelContext.grain(nanosecondsPerPiece: cost),
            nanosecondsPerPiece: cost
        ) { rows in
            for row in rows {
                unsafe kernels.quantizeBlocks(
                    a + row * aRowStride,
                    depth,
                    factor,
                    codes + row * blockCount * 32,
                    scales + row * blockCount,
                    sums + row * blockCount
                )
            }
        }
        let pieces = PanelPieces(
            rowCount: rowCount,
            panelCount: (b.columnCount + b.panelWidth - 1) / b.panelWidth,
            blockRowCount: 4,
            panelByteCount: b.panelByteCount,
            width: context.width
        )
        let multiplyAdds = Double(rowCount) * Double(b.columnCount) * Double(depth)
        unsafe SumDriver.run(
            UnsafeMutableRawPointer(c),
            rowStride: cRowStride,
            isBFloat: false,
            epilogue: epilogue,
            pieces: pieces,
            columnCount: b.columnCount,
            nanoseconds: context.nanoseconds(multiplyAdds: multiplyAdds) / 3,
            context: context
        ) { rows, panels, columnCount, end in
            let first = rows.lowerBound * blockCount
            kernels.multiplyBlocks(
                unsafe BlockTile(
                    a: UnsafePointer(codes + first * 32),
                    aScales: UnsafePointer(scales + first),
                    aSums: UnsafePointer(sums + first),
                    b: b.panels + panels.lowerBound * b.panelByteCount,
                    bPanelStride: b.panelByteCount,
                    codes: kind,
                    hasZeroPoints: b.hasZeroPoints,
                    blockCount: blockCount,
                    rowCount: rows.count,
                    columnCount: columnCount,
                    end: end
                )
            )
        }
    }
}
