internal import TernMicrokernels
internal import TernTensor

/// Matrix products of 32-bit floats: C [M, N] = A [M, K] · B [K, N].
///
/// Each element of C is one chain of additions over k = 0, 1, … K-1, fused with the multiplication
/// where the instruction set can. The chain depends on nothing else, so a row of C has the same bits
/// whether it is computed alone, in a batch, or on any number of threads. With K = 0 the product is
/// 0 and the epilogue still runs. M or N = 0 does nothing. C may not overlap A or B.
package enum GEMM {
    /// Multiplies by a matrix that was packed beforehand; needs no scratch memory.
    ///
    /// - Parameters:
    ///   - a: A, row-major, not transposed.
    ///   - aRowStride: The distance between rows of A, at least K.
    ///   - rowCount: M.
    ///   - b: B, packed for `context.table`.
    ///   - c: C, row-major.
    ///   - cRowStride: The distance between rows of C, at least N.
    ///   - epilogue: Bias, activation.
    ///   - context: Where to run.
    @unsafe package static func multiply(
        _ a: UnsafePointer<Float>,
        rowStride aRowStride: Int,
        rowCount: Int,
        by b: PackedMatrix,
        into c: UnsafeMutablePointer<Float>,
        rowStride cRowStride: Int,
        epilogue: Epilogue = Epilogue(),
        context: KernelContext
    ) {
        precondition(
            b.panelWidth == context.table.panelWidth,
            "a matrix was packed for kernels with another panel width"
        )
        precondition(rowCount >= 0, "a matrix cannot have a negative number of rows")
        precondition(aRowStride >= b.rowCount, "the rows of A are shorter than B is high")
        precondition(cRowStride >= b.columnCount, "the rows of C are shorter than B is wide")
        let tile = unsafe GEMMTile(
            a: a,
            aRowStride: aRowStride,
            b: b.panels,
            bRowStride: b.panelWidth,
            bPanelStride: b.rowCount * b.panelWidth,
            c: c,
            cRowStride: cRowStride,
            rowCount: rowCount,
            columnCount: b.columnCount,
            depth: b.rowCount
        )
        GEMMDriver.run(tile, epilogue: epilogue, context: context)
    }

    /// How much scratch memory a product of two matrices that are not known beforehand needs, in
    /// bytes.
    package static func scratchByteCount(
        rowCount: Int,
        columnCount: Int,
        depth: Int,
        aIsTransposed: Bool,
        bIsTransposed: Bool,
        context: KernelContext
    ) -> Int {
        let a = aIsTransposed ? alignedByteCount(floats: rowCount * depth) : 0
        let width = context.table.panelWidth
        let whole = columnCount / width * width
        let streams = streamsPlainMatrix(
            rowCount: rowCount,
            bIsTransposed: bIsTransposed,
            context: context
        )
        let packedColumnCount = streams ? columnCount - whole : columnCount
        return a
            + Panels.byteCount(
                depth: depth,
                columnCount: packedColumnCount,
                table: context.table
            )
    }

    /// Multiplies two matrices neither of which is known beforehand.
    ///
    /// - Parameters:
    ///   - a: A [M, K] or Aᵀ.
    ///   - b: B [K, N] or Bᵀ.
    ///   - rowCount: M.
    ///   - columnCount: N.
    ///   - depth: K.
    ///   - c: C, row-major.
    ///   - cRowStride: The distance between rows of C, at least N.
    ///   - epilogue: Scaling, bias, activation.
    ///   - scratch: As many bytes as ``scratchByteCount(rowCount:columnCount:depth:aIsTransposed:bIsTransposed:context:)``
    ///     says, 64-byte aligned; its contents are lost.
    ///   - context: Where to run.
    @unsafe package static func multiply(
        _ a: MatrixView,
        by b: MatrixView,
        rowCount: Int,
        columnCount: Int,
        depth: Int,
        into c: UnsafeMutablePointer<Float>,
        rowStride cRowStride: Int,
        epilogue: Epilogue = Epilogue(),
        scratch: UnsafeMutableRawBufferPointer,
        context: KernelContext
    ) {
        precondition(
            rowCount >= 0 && columnCount >= 0 && depth >= 0,
            "a matrix cannot have a negative size"
        )
        precondition(cRowStride >= columnCount, "the rows of C overlap")
        precondition(a.rowStride >= (a.isTransposed ? rowCount : depth), "the rows of A overlap")
        precondition(b.rowStride >= (b.isTransposed ? depth : columnCount), "the rows of B overlap")
        guard rowCount > 0, columnCount > 0 else { return }
        let needed = scratchByteCount(
            rowCount: rowCount,
            columnCount: columnCount,
            depth: depth,
            aIsTransposed: a.isTransposed,
            bIsTransposed: b.isTransposed,
            context: context
        )
        var memory = unsafe ScratchMemory(scratch, needed: needed)
        var left = unsafe a.elements
        var leftStride = a.rowStride
        if a.isTransposed {
            let rows = unsafe memory.floats(rowCount * depth)
            let copy = StridedCopy(
                transposingRows: depth,
                columns: rowCount,
                sourceRowStride: a.rowStride
            )
            unsafe copy.run(a.elements, into: rows, elementByteCount: 4, context: context)
            unsafe left = UnsafePointer(rows)
            leftStride = depth
        }
        let width = context.table.panelWidth
        let streams = streamsPlainMatrix(
            rowCount: rowCount,
            bIsTransposed: b.isTransposed,
            context: context
        )
        let streamedColumnCount = streams ? columnCount / width * width : 0
        if streamedColumnCount > 0 {
            let tile = unsafe GEMMTile(
                a: left,
                aRowStride: leftStride,
                b: b.elements,
                bRowStride: b.rowStride,
                bPanelStride: width,
                c: c,
                cRowStride: cRowStride,
                rowCount: rowCount,
                columnCount: streamedColumnCount,
                depth: depth
            )
            GEMMDriver.run(tile, epilogue: epilogue, context: context)
        }
        let packedColumnCount = columnCount - streamedColumnCount
        guard packedColumnCount > 0 else { return }
        let panelCount = Panels.count(columnCount: packedColumnCount, table: context.table)
        let panels = unsafe memory.floats(panelCount * width * depth)
        let offset = streamedColumnCount * (b.isTransposed ? b.rowStride : 1)
        let source = unsafe MatrixView(
            b.elements + offset,
            rowStride: b.rowStride,
            isTransposed: b.isTransposed
        )
        context.forEach(
            panelCount,
            grain: KernelContext.grain(nanosecondsPerPiece: Double(depth * width)),
            nanosecondsPerPiece: Double(depth * width) * 0.3
        ) { range in
            unsafe Panels.pack(
                source,
                panels: range,
                depth: depth,
                columnCount: packedColumnCount,
                scale: 1,
                into: panels,
                table: context.table
            )
        }
        let tile = unsafe GEMMTile(
            a: left,
            aRowStride: leftStride,
            b: UnsafePointer(panels),
            bRowStride: width,
            bPanelStride: depth * width,
            c: c + streamedColumnCount,
            cRowStride: cRowStride,
            rowCount: rowCount,
            columnCount: packedColumnCount,
            depth: depth
        )
        GEMMDriver.run(
            tile,
            epilogue: epilogue,
            firstColumn: streamedColumnCount,
            context: context
        )
    }

    /// Whether a plain B is read where it is: reordering pays only if several blocks of rows read it.
    private static func streamsPlainMatrix(
        rowCount: Int,
        bIsTransposed: Bool,
        context: KernelContext
    ) -> Bool { !bIsTransposed && rowCount <= 2 * context.table.blockRowCount }

    /// Rounded up to whole cache lines.
    internal static func alignedByteCount(floats: Int) -> Int { (floats * 4 + 63) & ~63 }
}
