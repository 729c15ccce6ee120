package import TernMicrokernels

/// What is known about a kernel without running it.
package struct KernelDescription: Sendable, Equatable {
    /// Names it among those of its instruction set.
    package let name: String
    /// Rows × columns of the block that stays in registers; empty if it has none.
    package let tile: String
    /// What it computes, on which layout.
    package let summary: String

    /// The kernels of a table.
    package static func all(of table: KernelTable) -> [KernelDescription] {
        let lanes = table.laneCount
        let tile = "\(table.blockRowCount)x\(table.panelWidth)"
        return [
            KernelDescription(
                name: "gemm f32",
                tile: tile,
                summary: "A row-major, B in panels of \(table.panelWidth) columns, "
                    + "1 to \(table.blockRowCount) rows at a time"
            ),
            KernelDescription(
                name: "gemv f32",
                tile: "1x\(4 * table.panelWidth)",
                summary: "one row of A, four panels of B at a time"
            ),
            KernelDescription(
                name: "rows f32",
                tile: "1x\(lanes)",
                summary: "element-wise, reductions, softmax, normalisation, recurrent cells"
            ),
        ]
    }
}
