package import TernMicrokernels
internal import TernTensor

/// The right-hand side of a matrix product, reordered once so that microkernels stream it.
///
/// B [K, N] is cut into panels of ``panelWidth`` columns; a panel stores its K rows one after the
/// other, `panelWidth` floats each, and starts on a cache line. The last panel is filled up with
/// zeros on the right; nothing is ever added along K, because 0·∞ would put NaN where none belongs.
/// Immutable once made, and shared by any number of threads.
@safe package final class PackedMatrix: Sendable {
    /// K.
    package let rowCount: Int
    /// N.
    package let columnCount: Int
    /// The columns of one panel; the kernels of another instruction set may want another width.
    package let panelWidth: Int
    private let storage: AlignedBuffer

    /// Packs B.
    ///
    /// - Parameters:
    ///   - rowCount: K; may be 0.
    ///   - columnCount: N; may be 0.
    ///   - elements: B, row-major: B[k, n] at `k·rowStride + n`, or, transposed, at
    ///     `n·rowStride + k`.
    ///   - rowStride: At least N, or, transposed, at least K.
    ///   - isTransposed: Whether `elements` holds Bᵀ [N, K].
    ///   - scale: Every element is multiplied by it; ONNX Gemm's alpha.
    ///   - table: The kernels that will read it.
    @unsafe package init(
        rowCount: Int,
        columnCount: Int,
        elements: UnsafePointer<Float>,
        rowStride: Int,
        isTransposed: Bool = false,
        scale: Float = 1,
        table: KernelTable = .current
    ) {
        self.rowCount = rowCount
        self.columnCount = columnCount
        panelWidth = table.panelWidth
        storage = AlignedBuffer(byteCount: 0)
        preconditionFailure()
    }
}
