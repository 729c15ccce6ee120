/// A product of bytes with what becomes of its sums, as a microkernel sees it.
///
/// S[r, n] = Σₖ a[r, k]·b[k, n] over the bytes as they are multiplied: a in 0...255 (``isSigned`` adds
/// 128 to each byte of A on the way), b in -128...127. Then, in integers modulo 2³²,
///
///     acc[r, n] = S[r, n] - rowZeros[r]·columnSums[n] - columnZeros[n]·rowTerms[r]
///
/// with columnSums[n] = Σₖ b[k, n] and rowTerms[r] = Σₖ (a[r, k] - rowZeros[r]), which is the exact
/// Σ (a - zero)(b - zero). What is stored is `acc`, or, in floats and in this order,
///
///     v = float(acc)·(scale·rowScales[r]·columnScales[n]) + bias[n]
///     v = min(upper, max(v, lower))
///
/// or the byte roundToEven(v) + zeroPoint, where the bounds keep the sum inside the byte's range.
@usableFromInline @safe package struct IntegerTile {
    /// What is stored for each element of C.
    @usableFromInline package enum Output: Sendable {
        /// `acc`, 32 bits.
        case integers
        /// `v`.
        case floats
        /// `v` rounded, plus the zero point.
        case bytes
    }

    /// A and B.
    @usableFromInline package var operands: DotOperands
    /// Whether the bytes of A are signed.
    @usableFromInline package var isSigned: Bool
    /// C, row-major.
    @usableFromInline package var c: UnsafeMutableRawPointer
    /// The elements between rows of C.
    @usableFromInline package var cRowStride: Int
    /// What C holds.
    @usableFromInline package var output: Output
    /// Σ b of each column.
    @usableFromInline package var columnSums: UnsafePointer<Int32>
    /// The zero points of B's columns as they are multiplied; `nil` if all are 0.
    @usableFromInline package var columnZeros: UnsafePointer<Int32>?
    /// The zero point of each row of A as it is multiplied.
    @usableFromInline package var rowZeros: UnsafePointer<Int32>
    /// Σ (a - zero) of each row; read only if there are ``columnZeros``.
    @usableFromInline package var rowTerms: UnsafePointer<Int32>
    /// A factor of everything.
    @usableFromInline package var scale: Float
    /// A factor per row.
    @usableFromInline package var rowScales: UnsafePointer<Float>?
    /// A factor per column.
    @usableFromInline package var columnScales: UnsafePointer<Float>?
    /// What is added to each column.
    @usableFromInline package var bias: UnsafePointer<Float>?
    /// The least value.
    @usableFromInline package var lower: Float
    /// The greatest value.
    @usableFromInline package var upper: Float
    /// What is added to a rounded value.
    @usableFromInline package var zeroPoint: Int32

    /// Describes a product whose sums are stored as they are.
    @unsafe package init(
        operands: DotOperands,
        isSigned: Bool,
        c: UnsafeMutableRawPointer,
        cRowStride: Int,
        columnSums: UnsafePointer<Int32>,
        columnZeros: UnsafePointer<Int32>?,
        rowZeros: UnsafePointer<Int32>,
        rowTerms: UnsafePointer<Int32>
    ) {
        self.operands = operands
        self.isSigned = isSigned
        unsafe self.c = c
        self.cRowStride = cRowStride
        output = .integers
        unsafe self.columnSums = columnSums
        unsafe self.columnZeros = columnZeros
        unsafe self.rowZeros = rowZeros
        unsafe self.rowTerms = rowTerms
        scale = 1
        unsafe rowScales = nil
        unsafe columnScales = nil
        unsafe bias = nil
        lower = -.infinity
        upper = .infinity
        zeroPoint = 0
    }
}
