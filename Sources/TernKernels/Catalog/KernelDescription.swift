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
        let width = table.panelWidth
        let rows = table.blockRowCount
        let dotRows = table.quantized.dotRowCount
        let lanes = table.laneCount
        let panels = "A row-major, B in panels of \(width) columns"
        return [
            KernelDescription(
                name: "gemm f32",
                tile: "\(rows)x\(width)",
                summary:
                    "\(panels), 1 to \(rows) rows at a time; bias, sum and activation on the way out"
            ),
            KernelDescription(
                name: "gemv f32",
                tile: "1x\(4 * width)",
                summary: "one row of A, four panels of B at a time"
            ),
            KernelDescription(
                name: "gemm u8/s8",
                tile: "\(dotRows)x\(width)",
                summary: "\(panels) by fours along K; exact 32-bit sums, scaled to floats or bytes"
            ),
            KernelDescription(
                name: "gemm bf16",
                tile: "\(dotRows)x\(width)",
                summary: "\(panels) by pairs along K; sums of 32-bit floats"
            ),
            KernelDescription(
                name: "gemm q4/q8",
                tile: "4x\(width)",
                summary: "weights of 4 or 8 bits in blocks of 32, computed in bytes"
            ),
            KernelDescription(
                name: "convolution f32",
                tile: "\(rows)x\(width)",
                summary:
                    "Winograd F(4x4,3x3) and F(4,3), direct, depthwise, patches packed into panels"
            ),
            KernelDescription(
                name: "convolution u8/s8",
                tile: "\(dotRows)x\(width)",
                summary:
                    "filters by positions of a staged image, by fours of channels or of columns; exact "
                    + "32-bit sums, scaled to bytes"
            ),
            KernelDescription(
                name: "attention f32",
                tile: "\(rows)x\(width)",
                summary: "scores, mask, softmax and values of a head in the cache"
            ),
            row(
                "element-wise",
                lanes: lanes,
                "functions of one number, at most 1 to 8 ULP off, and of two, broadcast"
            ),
            row("softmax", lanes: lanes, "and its logarithm, of rows or of columns; in place"),
            row(
                "normalisation",
                lanes: lanes,
                "layers, root mean squares, groups, instances, batches; in place"
            ),
            row(
                "reduction",
                lanes: lanes,
                "sums, means, extremes, products, norms, log-sum-exp along any axes"
            ),
            row("pooling", lanes: lanes, "maxima, means and norms of windows"),
            row(
                "recurrent",
                lanes: lanes,
                "what follows the products of a step of LSTM, GRU and RNN"
            ),
            row(
                "transposition",
                lanes: lanes,
                "squares of registers; any other order of axes by copies of runs"
            ),
            row(
                "conversion",
                lanes: lanes,
                "16-bit floats of both kinds, bytes with scales and zero points"
            ),
        ]
    }

    /// A kernel that works on a row, `lanes` elements at a time.
    private static func row(_ name: String, lanes: Int, _ summary: String) -> KernelDescription {
        KernelDescription(name: name, tile: "1x\(lanes)", summary: summary)
    }
}
