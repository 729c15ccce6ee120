/// A product of quantised rows with weights in blocks of 32 along K, as a microkernel sees it.
///
/// A block of a row of A is 32 bytes q in -127...127 with one scale s: a = s·q. A block of a column of B is
/// 32 codes w in 0...15 or 0...255 with one scale t and one zero point z: b = t·(w - z). For each block
///
///     d[m, n] = Σ q·(w - z), exact in integers
///     sum[m, n] += float(d)·(s·t)
///
/// one chain over the blocks, fused where the instruction set can. Layout of a panel of B, block after
/// block: eight groups of four codes along K for each of two registers of columns, then as many floats t,
/// then, if there are zero points, as many 16-bit z. Codes of four bits lie in one register: the lower
/// halves of the bytes belong to the first register of columns, the upper halves to the second.
@usableFromInline @safe package struct BlockTile {
    /// The codes of B.
    @usableFromInline package enum Codes: Sendable {
        /// Two in each byte.
        case nibbles
        /// One in each byte.
        case bytes

        /// The zero point of weights that have none of their own.
        @usableFromInline package var middle: Int32 { self == .nibbles ? 8 : 128 }
    }

    /// Rows of whole blocks of q.
    @usableFromInline package var a: UnsafePointer<Int8>
    /// s of each block, row after row.
    @usableFromInline package var aScales: UnsafePointer<Float>
    /// -factor·Σ q of each block, row after row: the factor is 1 if there are zero points, else the
    /// zero point that all share.
    @usableFromInline package var aSums: UnsafePointer<Int32>
    @usableFromInline package var b: UnsafeRawPointer
    /// The bytes between panels of B.
    @usableFromInline package var bPanelStride: Int
    @usableFromInline package var codes: Codes
    /// Whether each block of B has a zero point.
    @usableFromInline package var hasZeroPoints: Bool
    /// The blocks of one row or column.
    @usableFromInline package var blockCount: Int
    @usableFromInline package var rowCount: Int
    @usableFromInline package var columnCount: Int
    /// What becomes of the sums.
    @usableFromInline package var end: SumFinish

    /// Describes a product.
    @unsafe package init(
        a: UnsafePointer<Int8>,
        aScales: UnsafePointer<Float>,
        aSums: UnsafePointer<Int32>,
        b: UnsafeRawPointer,
        bPanelStride: Int,
        codes: Codes,
        hasZeroPoints: Bool,
        blockCount: Int,
        rowCount: Int,
        columnCount: Int,
        end: SumFinish
    ) {
        unsafe self.a = a
        unsafe self.aScales = aScales
        unsafe self.aSums = aSums
        unsafe self.b = b
        self.bPanelStride = bPanelStride
        self.codes = codes
        self.hasZeroPoints = hasZeroPoints
        self.blockCount = blockCount
        self.rowCount = rowCount
        self.columnCount = columnCount
        self.end = end
    }
}
