internal import TernMicrokernels

/// Matrix products of bfloat16 with sums of 32-bit floats: C [M, N] = A [M, K]·B [K, N].
///
/// Each element of C is one chain of additions over pairs along K, as ``BFloatKernel`` describes, which
/// depends on nothing else: a row of C has the same bits alone, in a batch, and on any number of
/// threads. With K = 0 the product is 0 and the epilogue still runs. C may not overlap A or B. Nothing is
/// allocated.
package enum BFloatGEMM {
    /// Multiplies bfloat16.
    ///
    /// - Parameters:
    ///   - a: A, row-major.
    ///   - aRowStride: The distance between rows of A, at least K.
    ///   - rowCount: M.
    ///   - b: B, packed for `context.table`.
    ///   - c: C, row-major: floats, or bfloat16 that are rounded to nearest, ties to even.
    ///   - cRowStride: The distance between rows of C, at least N.
    ///   - isBFloat: Whether C holds bfloat16.
    ///   - epilogue: Bias, activation; no alpha. In bfloat16 there is no beta, and an activation is a bound.
    ///   - context: Where to run.
    @unsafe package static func multiply(
        _ a: UnsafePointer<UInt16>,
        rowStride aRowStride: Int,
        rowCount: Int,
        by b: PackedBFloatMatrix,
        into c: UnsafeMutableRawPointer,
        rowStride cRowStride: Int,
        isBFloat: Bool = false,
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
        guard rowCount > 0, b.columnCount > 0 else { return }
        let kernels = context.table.quantized
        let pieces = PanelPieces(
            rowCount: rowCount,
            panelCount: (b.columnCount + b.panelWidth - 1) / b.panelWidth,
            blockRowCount: kernels.dotRowCount,
            panelByteCount: b.panelByteCount,
            width: context.width
        )
        let multiplyAdds = Double(rowCount) * Double(b.columnCount) * Double(b.rowCount)
        unsafe SumDriver.run(
            c,
            rowStride: cRowStride,
            isBFloat: isBFloat,
            epilogue: epilogue,
            pieces: pieces,
            columnCount: b.columnCount,
            nanoseconds: context.nanoseconds(multiplyAdds: multiplyAdds) / 2,
            context: context
        ) { rows, panels, columnCount, end in
            var operands = unsafe DotOperands(
                a: UnsafeRawPointer(a + rows.lowerBound * aRowStride),
                aRowStride: aRowStride * 2,
                b: b.panels + panels.lowerBound * b.panelByteCount,
                bPanelStride: b.panelByteCount,
                rowCount: rows.count,
                columnCount: columnCount,
                rowByteCount: b.rowCount * 2
            )
            if end.isPlain {
                unsafe operands.direct = end.c.assumingMemoryBound(to: Float.self)
                operands.directStride = cRowStride
            }
            kernels.multiplyBFloats(operands, end)
        }
    }

    /// How much scratch memory a product with an A of floats needs, in bytes.
    package static func scratchByteCount(rowCount: Int, depth: Int) -> Int {
        (rowCount * depth * 2 + 63) & ~63
    }

    /// Rounds A to bfloat16, to nearest, ties to even, and multiplies.
    ///
    /// - Parameters:
    ///   - a: A, row-major, floats.
    ///   - aRowStride: The distance between rows of A, at least K.
    ///   - rowCount: M.
    ///   - b: B, packed for `context.table`.
    ///   - c: C, row-major: floats, or bfloat16.
    ///   - cRowStride: The distance between rows of C, at least N.
    ///   - isBFloat: Whether C holds bfloat16.
    ///   - epilogue: Bias, activation; no alpha. In bfloat16 there is no beta, and an activation is a bound.
    ///   - scratch: As many bytes as ``scratchByteCount(rowCount:depth:)`` says, 64-byte aligned; its
    ///     contents are lost.
    ///   - context: Where to run.
    @unsafe package static func multiply(
        floats a: UnsafePointer<Float>,
        rowStride aRowStride: Int,
        rowCount: Int,
        by b: PackedBFloatMatrix,
        into c: UnsafeMutableRawPointer,
        rowStride cRowStride: Int,
        isBFloat: Bool = false,
        epilogue: Epilogue = Epilogue(),
        scratch: UnsafeMutableRawBufferPointer,
        context: KernelContext
    ) {
        precondition(rowCount >= 0, "a matrix cannot have a negative number of rows")
        precondition(aRowStride >= b.rowCount, "the rows of A are shorter than B is high")
        let depth = b.rowCount
        let needed = scratchByteCount(rowCount: rowCount, depth: depth)
        var memory = unsafe ScratchMemory(scratch, needed: needed)
        let rounded = unsafe memory.bytes(needed).assumingMemoryBound(to: UInt16.self)
        let narrow = unsafe context.table.narrowBFloat
        let cost = Double(depth) * 0.2
        context.forEach(
            rowCount,
            grain: KernelContext.grain(nanosecondsPerPiece: cost),
            nanosecondsPerPiece: cost
        ) { rows in
            for row in rows {
                unsafe narrow(a + row * aRowStride, rounded + row * depth, depth)
            }
        }
        unsafe multiply(
            UnsafePointer(rounded),
            rowStride: depth,
            rowCount: rowCount,
            by: b,
            into: c,
            rowStride: cRowStride,
            isBFloat: isBFloat,
            epilogue: epilogue,
            context: context
        )
    }
}
