internal import TernMicrokernels

/// Softmax along the middle axis of [outer, axis, inner].
package enum Softmax {
    /// y = e^(x-max) / Σe^(x-max), or its logarithm, of each of outer·inner vectors.
    ///
    /// A vector that holds NaN or +∞ gives NaN, and so does one of only -∞. The order of the sum
    /// depends on `axis` and on whether `inner` is 1, alone. `y` may be `x`.
    ///
    /// - Parameters:
    ///   - x: Dense input.
    ///   - y: Dense output.
    ///   - outer: The product of the axes before.
    ///   - axis: The length of the axis.
    ///   - inner: The product of the axes after.
    ///   - isLogarithmic: Whether to give x - max - ln Σe^(x-max) (LogSoftmax).
    ///   - context: Where to run.
    @unsafe package static func apply(
        _ x: UnsafePointer<Float>,
        into y: UnsafeMutablePointer<Float>,
        outer: Int,
        axis: Int,
        inner: Int,
        isLogarithmic: Bool = false,
        context: KernelContext
    ) {
        guard outer > 0, axis > 0, inner > 0 else { return }
        let table = context.table
        if inner == 1 {
            let cost = Double(axis) * 0.3 + 20
            context.forEach(
                outer,
                grain: KernelContext.grain(nanosecondsPerPiece: cost),
                nanosecondsPerPiece: cost
            ) { rows in
                let offset = rows.lowerBound * axis
                unsafe table.rows.softmax(x + offset, y + offset, rows.count, axis, isLogarithmic)
            }
            return
        }
        // A piece is a few registers of columns.
        let width = 4 * table.laneCount
        let pieces = (inner + width - 1) / width
        let cost = Double(axis * Swift.min(width, inner)) * 0.5 + 20
        context.forEach(
            outer * pieces,
            grain: KernelContext.grain(nanosecondsPerPiece: cost),
            nanosecondsPerPiece: cost
        ) { range in
            for piece in range {
                let (block, part) = piece.quotientAndRemainder(dividingBy: pieces)
                let column = part * width
                let offset = block * axis * inner + column
                unsafe table.rows.softmaxColumns(
                    x + offset,
                    y + offset,
                    axis,
                    inner,
                    Swift.min(width, inner - column),
                    isLogarithmic
                )
            }
        }
    }
}
