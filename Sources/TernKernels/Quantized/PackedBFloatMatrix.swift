package import TernMicrokernels
package import TernTensor

/// The right-hand side of a product of bfloat16, reordered once so that microkernels stream it.
///
/// B [K, N] is cut into panels of ``panelWidth`` columns; along K a panel holds pairs: for each column its
/// two numbers, side by side. The last pair is filled up with zero if K is odd, the last panel with
/// columns of zeros. Immutable once made, and shared by any number of threads.
@safe package final class PackedBFloatMatrix: PackedWeights {
    package static let kind = "bfloat matrix"

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
    ///   - elements: B, row-major: B[k, n] at `k·rowStride + n`, or, transposed, at `n·rowStride + k`.
    ///   - rowStride: At least N, or, transposed, at least K.
    ///   - isTransposed: Whether `elements` holds Bᵀ [N, K].
    ///   - table: The kernels that will read it.
    ///   - memory: Where the panels go, or lie already.
    @unsafe package init(
        rowCount: Int,
        columnCount: Int,
        elements: UnsafePointer<UInt16>,
        rowStride: Int,
        isTransposed: Bool = false,
        table: KernelTable = .current,
        memory: PanelMemory = PanelMemory()
    ) {
        precondition(rowCount >= 0 && columnCount >= 0, "a matrix cannot have a negative size")
        precondition(
            rowStride >= (isTransposed ? rowCount : columnCount),
            "the rows of a matrix to be packed overlap"
        )
        self.rowCount = rowCount
        self.columnCount = columnCount
        let width = table.panelWidth
        panelWidth = width
        let panelCount = (columnCount + width - 1) / width
        let panelSize = (rowCount + 1) / 2 * 2 * width
        let isPacked: Bool
        (storage, isPacked) = memory.next(byteCount: panelCount * panelSize * 2)
        if isPacked { return }
        let target = unsafe storage.baseAddress.assumingMemoryBound(to: UInt16.self)
        for panel in 0..<panelCount {
            let column = panel * width
            unsafe table.quantized.packHalfwords(
                elements + column * (isTransposed ? rowStride : 1),
                isTransposed ? 1 : rowStride,
                isTransposed ? rowStride : 1,
                rowCount,
                Swift.min(width, columnCount - column),
                target + panel * panelSize
            )
        }
    }

    /// Rounds B to bfloat16, to nearest, ties to even, and packs it.
    ///
    /// - Parameters:
    ///   - rowCount: K; may be 0.
    ///   - columnCount: N; may be 0.
    ///   - floats: B, row-major, or transposed.
    ///   - rowStride: At least N, or, transposed, at least K.
    ///   - isTransposed: Whether `floats` holds Bᵀ [N, K].
    ///   - table: The kernels that will read it.
    @unsafe package convenience init(
        rowCount: Int,
        columnCount: Int,
        floats: UnsafePointer<Float>,
        rowStride: Int,
        isTransposed: Bool = false,
        table: KernelTable = .current
    ) {
        let outer = isTransposed ? columnCount : rowCount
        let inner = isTransposed ? rowCount : columnCount
        let rounded = AlignedBuffer(byteCount: outer * inner * 2)
        let target = unsafe rounded.baseAddress.assumingMemoryBound(to: UInt16.self)
        for i in 0..<outer {
            unsafe table.narrowBFloat(floats + i * rowStride, target + i * inner, inner)
        }
        unsafe self.init(
            rowCount: rowCount,
            columnCount: columnCount,
            elements: target,
            rowStride: inner,
            isTransposed: isTransposed,
            table: table
        )
        withExtendedLifetime(rounded) {}
    }

    /// How many bytes the panels take.
    package var byteCount: Int { storage.byteCount }

    /// The panels, as they can be lent.
    package var panelMemory: [AlignedBuffer] { [storage] }

    /// The bytes of one panel.
    internal var panelByteCount: Int { (rowCount + 1) / 2 * 4 * panelWidth }

    /// The first panel.
    @unsafe internal var panels: UnsafeRawPointer { unsafe UnsafeRawPointer(storage.baseAddress) }
}
