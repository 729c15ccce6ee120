package import TernMicrokernels
package import TernTensor

/// The right-hand side of a product of bytes, reordered once so that microkernels stream it.
///
/// B [K, N] is cut into panels of ``panelWidth`` columns. Along K a panel holds groups of four: for each
/// column its four bytes, side by side; the last group is filled up with zeros, the last panel with
/// columns of zeros. Bytes 0...255 are stored 128 smaller, and their zero points too. With the panels go
/// the sums of the columns, which take the zero points of A out of a product. Immutable once made, and
/// shared by any number of threads.
@safe package final class PackedIntegerMatrix: PackedWeights {
    package static let kind = "integer matrix"

    /// K.
    package let rowCount: Int
    /// N.
    package let columnCount: Int
    /// The columns of one panel; the kernels of another instruction set may want another width.
    package let panelWidth: Int
    private let storage: AlignedBuffer
    // SAFETY: the pointers lead into `storage`, which nobody writes after `init`.
    nonisolated(unsafe) internal let panels: IntegerPanels

    /// Packs B.
    ///
    /// - Parameters:
    ///   - rowCount: K; may be 0.
    ///   - columnCount: N; may be 0.
    ///   - b: The bytes, read once; zero points are per column.
    ///   - table: The kernels that will read it.
    ///   - memory: Where the panels go, or lie already.
    @unsafe package init(
        rowCount: Int,
        columnCount: Int,
        elements b: ByteMatrix,
        table: KernelTable = .current,
        memory: PanelMemory = PanelMemory()
    ) {
        self.rowCount = rowCount
        self.columnCount = columnCount
        panelWidth = table.panelWidth
        let isPacked: Bool
        (storage, isPacked) = memory.next(
            byteCount: IntegerPanels.byteCount(
                depth: Swift.max(rowCount, 0),
                columnCount: Swift.max(columnCount, 0),
                table: table
            )
        )
        if isPacked {
            unsafe panels = IntegerPanels(
                packed: storage.baseAddress,
                depth: rowCount,
                columnCount: columnCount,
                table: table
            )
            return
        }
        unsafe panels = IntegerPanels(
            b,
            depth: rowCount,
            columnCount: columnCount,
            into: storage.baseAddress,
            context: KernelContext(table: table)
        )
    }

    /// How many bytes the panels take, with the sums and zero points of the columns.
    package var byteCount: Int { storage.byteCount }

    /// The panels, as they can be lent.
    package var panelMemory: [AlignedBuffer] { [storage] }
}
