package import TernMicrokernels
package import TernTensor

/// The right-hand side of a matrix product, reordered once so that microkernels stream it.
///
/// B [K, N] is cut into panels of ``panelWidth`` columns; a panel stores its K rows one after the
/// other, `panelWidth` floats each, and starts on a cache line. The last panel is filled up with
/// zeros on the right; nothing is ever added along K, because 0·∞ would put NaN where none belongs.
/// Immutable once made, and shared by any number of threads.
@safe package final class PackedMatrix: PackedWeights {
    package static let kind = "matrix"

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
    ///   - memory: Where the panels go, or lie already.
    @unsafe package init(
        rowCount: Int,
        columnCount: Int,
        elements: UnsafePointer<Float>,
        rowStride: Int,
        isTransposed: Bool = false,
        scale: Float = 1,
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
        panelWidth = table.panelWidth
        let byteCount = Panels.byteCount(depth: rowCount, columnCount: columnCount, table: table)
        let isPacked: Bool
        (storage, isPacked) = memory.next(byteCount: byteCount)
        if isPacked { return }
        unsafe Panels.pack(
            MatrixView(elements, rowStride: rowStride, isTransposed: isTransposed),
            panels: 0..<Panels.count(columnCount: columnCount, table: table),
            depth: rowCount,
            columnCount: columnCount,
            scale: scale,
            into: storage.baseAddress.assumingMemoryBound(to: Float.self),
            table: table
        )
    }

    /// How many bytes the panels take.
    package var byteCount: Int { storage.byteCount }

    /// The panels, as they can be lent.
    package var panelMemory: [AlignedBuffer] { [storage] }

    /// The first panel.
    @unsafe internal var panels: UnsafePointer<Float> {
        unsafe UnsafePointer(storage.baseAddress.assumingMemoryBound(to: Float.self))
    }
}

/// The layout of packed panels, in a ``PackedMatrix`` or in scratch memory.
internal enum Panels {
    internal static func count(columnCount: Int, table: KernelTable) -> Int {
        (columnCount + table.panelWidth - 1) / table.panelWidth
    }

    /// The bytes of all panels of a matrix.
    ///
    /// - Precondition: They fit an `Int`.
    internal static func byteCount(depth: Int, columnCount: Int, table: KernelTable) -> Int {
        let floats = count(columnCount: columnCount, table: table) * table.panelWidth * depth
        return floats * MemoryLayout<Float>.stride
    }

    /// Packs some of the panels of `b`; panel p goes to `target + p·depth·panelWidth`.
    @unsafe internal static func pack(
        _ b: MatrixView,
        panels: Range<Int>,
        depth: Int,
        columnCount: Int,
        scale: Float,
        into target: UnsafeMutablePointer<Float>,
        table: KernelTable
    ) {
        let width = table.panelWidth
        for panel in panels {
            let column = panel * width
            unsafe table.pack(
                b.elements + column * (b.isTransposed ? b.rowStride : 1),
                b.isTransposed ? 1 : b.rowStride,
                b.isTransposed ? b.rowStride : 1,
                depth,
                Swift.min(width, columnCount - column),
                scale,
                target + panel * depth * width
            )
        }
    }
}
