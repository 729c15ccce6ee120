/// The arguments of a GEMM microkernel: C [rows, columns] (+)= A [rows, depth] · B [depth, columns].
///
/// A is row-major and not packed. B is read in panels of ``KernelTable/panelWidth`` columns: element
/// (k, n) of panel p is at `b + p·bPanelStride + k·bRowStride + n`. A packed matrix has
/// `bRowStride == panelWidth` and `bPanelStride == depth·panelWidth` (of the whole depth, when a
/// tile covers only a part of it); a plain row-major matrix has its row stride and
/// `bPanelStride == panelWidth`. Of the last panel as many floats of each row are read as half panels
/// are needed, so a plain matrix is only read in whole half panels: its ragged end is packed.
@usableFromInline @safe package struct GEMMTile {
    @usableFromInline package var a: UnsafePointer<Float>
    @usableFromInline package var aRowStride: Int
    @usableFromInline package var b: UnsafePointer<Float>
    @usableFromInline package var bRowStride: Int
    @usableFromInline package var bPanelStride: Int
    @usableFromInline package var c: UnsafeMutablePointer<Float>
    @usableFromInline package var cRowStride: Int
    @usableFromInline package var rowCount: Int
    @usableFromInline package var columnCount: Int
    @usableFromInline package var depth: Int
    /// Whether C holds the sums of an earlier part of the depth, to be continued.
    @usableFromInline package var continues: Bool
    /// Whether this is the last part of the depth, after which the rest below happens.
    @usableFromInline package var finishes: Bool
    /// Whether C is likely to be in no near cache: its lines are asked for before the sums begin.
    @usableFromInline package var fetchesC: Bool
    /// The factor of the sum in
    /// C = activation(clamp(alpha·sum + beta·C + columnBias + rowBias + residual, lower, upper)).
    ///
    /// The additions happen in this order, the one of beta·C fused if the instruction set can. A
    /// `beta` of 0 doesn't read C; another one can't be combined with `continues`.
    @usableFromInline package var alpha: Float
    @usableFromInline package var beta: Float
    @usableFromInline package var columnBias: UnsafePointer<Float>?
    @usableFromInline package var rowBias: UnsafePointer<Float>?
    /// A matrix of C's size that is added; it may be C itself.
    @usableFromInline package var residual: UnsafePointer<Float>?
    @usableFromInline package var residualRowStride: Int
    /// NaN passes both bounds.
    @usableFromInline package var lower: Float
    @usableFromInline package var upper: Float
    /// What is applied last; a function that has vector code (``UnaryKernel``).
    @usableFromInline package var activation: UnaryOperation

    /// A tile that covers its whole depth and does nothing else to the product.
    @inlinable
    package init(
        a: UnsafePointer<Float>,
        aRowStride: Int,
        b: UnsafePointer<Float>,
        bRowStride: Int,
        bPanelStride: Int,
        c: UnsafeMutablePointer<Float>,
        cRowStride: Int,
        rowCount: Int,
        columnCount: Int,
        depth: Int
    ) {
        unsafe self.a = a
        self.aRowStride = aRowStride
        unsafe self.b = b
        self.bRowStride = bRowStride
        self.bPanelStride = bPanelStride
        unsafe self.c = c
        self.cRowStride = cRowStride
        self.rowCount = rowCount
        self.columnCount = columnCount
        self.depth = depth
        continues = false
        finishes = true
        fetchesC = false
        alpha = 1
        beta = 0
        unsafe columnBias = nil
        unsafe rowBias = nil
        unsafe residual = nil
        residualRowStride = 0
        lower = -.infinity
        upper = .infinity
        activation = .identity
    }

    @inlinable
    @inline(__always)
    internal var hasActivation: Bool { !activation.isIdentity }

    /// Whether the sums are stored as they are.
    @inlinable
    @inline(__always)
    internal var storesSums: Bool {
        guard finishes else { return true }
        let hasAddends =
            unsafe beta != 0 || columnBias != nil || rowBias != nil || residual != nil
        return alpha == 1 && !hasAddends && lower == -.infinity && upper == .infinity
    }
}
