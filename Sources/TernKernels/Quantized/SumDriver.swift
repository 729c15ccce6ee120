internal import TernMicrokernels

/// Runs a product with sums of floats piece by piece, and applies what the microkernel cannot.
internal enum SumDriver {
    /// Calls `multiply` for each piece with how it ends, then applies the activation to the piece.
    ///
    /// - Parameters:
    ///   - c: C, row-major, floats or bfloat16.
    ///   - rowStride: The distance between rows of C, in elements.
    ///   - isBFloat: Whether C holds bfloat16.
    ///   - epilogue: Bias and activation.
    ///   - pieces: How C is cut.
    ///   - columnCount: N.
    ///   - nanoseconds: How long the whole takes on one thread, roughly.
    ///   - context: Where to run.
    ///   - multiply: (rows, panels, column count, end).
    @unsafe internal static func run(
        _ c: UnsafeMutableRawPointer,
        rowStride: Int,
        isBFloat: Bool,
        epilogue: Epilogue,
        pieces: PanelPieces,
        columnCount: Int,
        nanoseconds: Double,
        context: KernelContext,
        _ multiply: (Range<Int>, Range<Int>, Int, SumFinish) -> Void
    ) {
        precondition(epilogue.alpha == 1, "a product of quantised matrices takes no alpha")
        var whole = unsafe SumFinish(c: c, cRowStride: rowStride, isBFloat: isBFloat)
        whole.beta = epilogue.beta
        var activation = UnaryOperation.identity
        switch epilogue.activation.function {
        case .relu: whole.lower = 0
        case .clamp:
            whole.lower = epilogue.activation.a
            whole.upper = epilogue.activation.b
        default: activation = epilogue.activation
        }
        precondition(
            !isBFloat || (activation.isIdentity && epilogue.beta == 0),
            "a product in bfloat16 can be bounded, but neither activated nor added to"
        )
        let width = context.table.panelWidth
        let elementByteCount = isBFloat ? 2 : 4
        context.forEach(
            pieces.count,
            nanosecondsPerPiece: nanoseconds / Double(pieces.count)
        ) { range in
            for index in range {
                let rows = pieces.rows(index)
                let panels = pieces.panels(index)
                let column = panels.lowerBound * width
                let count = Swift.min(panels.count * width, columnCount - column)
                var end = whole
                unsafe end.c =
                    c
                    + (rows.lowerBound * rowStride + column) * elementByteCount
                switch epilogue.bias {
                case .none: break
                case .perColumn(let bias): unsafe end.columnBias = bias + column
                case .perRow(let bias): unsafe end.rowBias = bias + rows.lowerBound
                }
                multiply(rows, panels, count, end)
                guard !activation.isIdentity else { continue }
                for r in 0..<rows.count {
                    let target = unsafe end.c.assumingMemoryBound(to: Float.self) + r * rowStride
                    unsafe UnaryDriver.run(
                        activation,
                        UnsafePointer(target),
                        into: target,
                        count: count,
                        table: context.table
                    )
                }
            }
        }
    }
}
