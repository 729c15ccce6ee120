internal import Glibc
internal import TernMicrokernels

/// Pooling with known sizes, over each plane of [planes, H, W]; planes are N·C.
package struct Pooling: Sendable {
    /// N·C.
    package let planeCount: Int
    /// H and W.
    package let inputSize: Window.Extent
    /// oH and oW.
    package let outputSize: Window.Extent
    /// The window and how it slides.
    package let window: Window

    /// Describes pooling; `nil` if the sizes don't fit together.
    ///
    /// - Parameters:
    ///   - planeCount: N·C.
    ///   - inputSize: H and W.
    ///   - window: Padding must be smaller than the dilated kernel.
    ///   - roundsUp: ONNX `ceil_mode`: a last window that hangs over the edge counts, if it starts
    ///     inside the image or its leading padding.
    package init?(
        planeCount: Int,
        inputSize: Window.Extent,
        window: Window,
        roundsUp: Bool = false
    ) {
        guard planeCount >= 0, window.isValid, inputSize.height >= 0, inputSize.width >= 0,
            window.leading.height < window.span.height, window.leading.width < window.span.width,
            window.trailing.height < window.span.height,
            window.trailing.width < window.span.width,
            let outputSize = window.outputSize(input: inputSize, roundsUp: roundsUp)
        else { return nil }
        self.planeCount = planeCount
        self.inputSize = inputSize
        self.outputSize = outputSize
        self.window = window
    }

    /// The maximum of each window; padding takes no part; NaN wins.
    ///
    /// - Parameters:
    ///   - input: X, dense.
    ///   - output: Y, dense.
    ///   - indices: Where to write each maximum's position in the whole of X (flattened), the first
    ///     one if there are several; or nothing.
    ///   - indicesAreColumnMajor: ONNX `storage_order` 1: positions count down columns first.
    ///   - context: Where to run.
    @unsafe package func maximum(
        _ input: UnsafePointer<Float>,
        into output: UnsafeMutablePointer<Float>,
        indices: UnsafeMutablePointer<Int64>? = nil,
        indicesAreColumnMajor: Bool = false,
        context: KernelContext
    ) {
        if let indices = unsafe indices {
            forEachPlane(context) { plane in
                unsafe maximumWithIndices(
                    plane,
                    input,
                    output,
                    indices,
                    indicesAreColumnMajor
                )
            }
            return
        }
        forEachPlanes(context) { planes in
            unsafe fold(.maximum, input, output, planes, start: -.infinity, context.table)
        }
    }

    /// The mean of each window.
    ///
    /// - Parameters:
    ///   - input: X, dense.
    ///   - output: Y, dense.
    ///   - countsPadding: ONNX `count_include_pad`: padding counts as zeros; what hangs over the
    ///     padded edge because of `ceil_mode` never counts.
    ///   - context: Where to run.
    @unsafe package func average(
        _ input: UnsafePointer<Float>,
        into output: UnsafeMutablePointer<Float>,
        countsPadding: Bool = false,
        context: KernelContext
    ) {
        let table = context.table
        let whole = wholeColumns
        forEachPlanes(context) { planes in
            unsafe fold(.add, input, output, planes, start: 0, table)
            for plane in planes {
                unsafe divide(output + plane * outputCount, whole, countsPadding, table)
            }
        }
    }

    /// Divides the sums of a plane's windows by how many taps of each count.
    @unsafe private func divide(
        _ target: UnsafeMutablePointer<Float>,
        _ whole: Range<Int>,
        _ countsPadding: Bool,
        _ table: KernelTable
    ) {
        for row in 0..<outputSize.height {
            let rows = tapCount(
                row,
                window.stride.height,
                window.dilation.height,
                window.kernel.height,
                window.leading.height,
                window.trailing.height,
                inputSize.height,
                countsPadding
            )
            if !whole.isEmpty {
                var divisor = Float(rows * window.kernel.width)
                let run = unsafe target + (row * outputSize.width + whole.lowerBound)
                _ = unsafe table.binary(.divide, .rightScalar, run, &divisor, run, whole.count)
            }
            func divideEdge(_ column: Int) {
                let columns = tapCount(
                    column,
                    window.stride.width,
                    window.dilation.width,
                    window.kernel.width,
                    window.leading.width,
                    window.trailing.width,
                    inputSize.width,
                    countsPadding
                )
                unsafe target[row * outputSize.width + column] /= Float(rows * columns)
            }
            for column in 0..<whole.lowerBound { divideEdge(column) }
            for column in whole.upperBound..<outputSize.width { divideEdge(column) }
        }
    }

    /// How many taps of one window count along one axis.
    private func tapCount(
        _ output: Int,
        _ stride: Int,
        _ dilation: Int,
        _ kernel: Int,
        _ leading: Int,
        _ trailing: Int,
        _ size: Int,
        _ countsPadding: Bool
    ) -> Int {
        let start = output * stride - leading
        let lower = countsPadding ? -leading : 0
        let upper = countsPadding ? size + trailing : size
        var count = 0
        for tap in 0..<kernel {
            let position = start + tap * dilation
            if position >= lower, position < upper { count += 1 }
        }
        return count
    }

    /// (Σ|x|ᵖ)^(1/p) of each window; padding counts as zeros.
    ///
    /// - Parameters:
    ///   - input: X, dense.
    ///   - output: Y, dense.
    ///   - p: At least 1.
    ///   - context: Where to run.
    @unsafe package func lp(
        _ input: UnsafePointer<Float>,
        into output: UnsafeMutablePointer<Float>,
        p: Int,
        context: KernelContext
    ) {
        precondition(p >= 1, "the norm of a window needs an exponent of at least 1")
        let table = context.table
        forEachPlane(context) { plane in
            let source = unsafe input + plane * inputCount
            let target = unsafe output + plane * outputCount
            switch p {
            case 1: unsafe foldTaps(.addMagnitude, source, target, start: 0, table)
            case 2:
                unsafe foldTaps(.addSquare, source, target, start: 0, table)
                let root = UnaryOperation(.squareRoot)
                unsafe UnaryDriver.run(
                    root,
                    UnsafePointer(target),
                    into: target,
                    count: outputCount,
                    table: table
                )
            default:
                for i in 0..<outputCount { unsafe target[i] = 0 }
                for row in 0..<outputSize.height {
                    for column in 0..<outputSize.width {
                        var sum: Float = 0
                        forEachTap(row, column) { line, position in
                            let x = unsafe source[line * inputSize.width + position]
                            sum += powf(x.magnitude, Float(p))
                        }
                        unsafe target[row * outputSize.width + column] = powf(sum, 1 / Float(p))
                    }
                }
            }
        }
    }

    internal var inputCount: Int { inputSize.height * inputSize.width }
    internal var outputCount: Int { outputSize.height * outputSize.width }

    private func forEachPlane(_ context: KernelContext, _ body: (Int) -> Void) {
        forEachPlanes(context) { planes in
            for plane in planes { body(plane) }
        }
    }

    private func forEachPlanes(_ context: KernelContext, _ body: (Range<Int>) -> Void) {
        guard outputCount > 0 else { return }
        let taps = window.kernel.height * window.kernel.width
        let cost =
            Double(outputCount * taps) * 0.4 + Double(outputSize.height * taps) * 5 + 20
        context.forEach(
            planeCount,
            grain: KernelContext.grain(nanosecondsPerPiece: cost),
            nanosecondsPerPiece: cost,
            body
        )
    }

    /// Folds each window of some planes.
    @unsafe private func fold(
        _ fold: StridedFold,
        _ input: UnsafePointer<Float>,
        _ output: UnsafeMutablePointer<Float>,
        _ planes: Range<Int>,
        start: Float,
        _ table: KernelTable
    ) {
        if rowsFitRegister(table) {
            unsafe foldRegisters(fold, input, output, planes, start: start, table)
            return
        }
        for plane in planes {
            unsafe foldTaps(
                fold,
                input + plane * inputCount,
                output + plane * outputCount,
                start: start,
                table
            )
        }
    }

    /// Calls `body` with the row and column of each tap of one window that is inside the image.
    private func forEachTap(_ row: Int, _ column: Int, _ body: (Int, Int) -> Void) {
        for tapRow in 0..<window.kernel.height {
            let line =
                row * window.stride.height + tapRow * window.dilation.height
                - window.leading.height
            guard line >= 0, line < inputSize.height else { continue }
            for tapColumn in 0..<window.kernel.width {
                let position =
                    column * window.stride.width + tapColumn * window.dilation.width
                    - window.leading.width
                guard position >= 0, position < inputSize.width else { continue }
                body(line, position)
            }
        }
    }

    /// Folds each window of one plane, a row of outputs at a time.
    @unsafe private func foldTaps(
        _ fold: StridedFold,
        _ x: UnsafePointer<Float>,
        _ y: UnsafeMutablePointer<Float>,
        start: Float,
        _ table: KernelTable
    ) {
        let width = outputSize.width
        let whole = wholeColumns
        for row in 0..<outputSize.height {
            let lines = taps(
                at: row * window.stride.height - window.leading.height,
                dilation: window.dilation.height,
                count: window.kernel.height,
                size: inputSize.height
            )
            let line =
                row * window.stride.height - window.leading.height
                + lines.lowerBound * window.dilation.height
            func run(_ outputs: Range<Int>, _ columns: Range<Int>) {
                let target = unsafe y + (row * width + outputs.lowerBound)
                guard !lines.isEmpty, !columns.isEmpty else {
                    for i in outputs.indices { unsafe target[i - outputs.lowerBound] = start }
                    return
                }
                let column =
                    outputs.lowerBound * window.stride.width - window.leading.width
                    + columns.lowerBound * window.dilation.width
                unsafe table.rows.pool(
                    fold,
                    x + (line * inputSize.width + column),
                    window.dilation.height * inputSize.width,
                    lines.count,
                    window.dilation.width,
                    columns.count,
                    window.stride.width,
                    target,
                    outputs.count,
                    start
                )
            }
            func runEdge(_ column: Int) {
                let columns = taps(
                    at: column * window.stride.width - window.leading.width,
                    dilation: window.dilation.width,
                    count: window.kernel.width,
                    size: inputSize.width
                )
                run(column..<column + 1, columns)
            }
            if !whole.isEmpty { run(whole, 0..<window.kernel.width) }
            for column in 0..<whole.lowerBound { runEdge(column) }
            for column in whole.upperBound..<width { runEdge(column) }
        }
    }

    /// The outputs of a row all of whose taps across are inside the image.
    internal var wholeColumns: Range<Int> {
        let last = (window.kernel.width - 1) * window.dilation.width
        let inner = Window.reach(
            offset: last - window.leading.width,
            stride: window.stride.width,
            size: inputSize.width,
            count: outputSize.width
        )
        let outer = Window.reach(
            offset: -window.leading.width,
            stride: window.stride.width,
            size: inputSize.width,
            count: outputSize.width
        )
        return Swift.min(outer.lowerBound, inner.upperBound)..<inner.upperBound
    }

    /// The taps of a window that starts at `start` which are inside an axis of `size`.
    private func taps(at start: Int, dilation: Int, count: Int, size: Int) -> Range<Int> {
        let first = start >= 0 ? 0 : (dilation - 1 - start) / dilation
        let end = start >= size ? 0 : Swift.min(count, (size - start + dilation - 1) / dilation)
        let lower = Swift.min(first, count)
        return lower..<Swift.max(lower, end)
    }

    @unsafe private func maximumWithIndices(
        _ plane: Int,
        _ input: UnsafePointer<Float>,
        _ output: UnsafeMutablePointer<Float>,
        _ indices: UnsafeMutablePointer<Int64>,
        _ isColumnMajor: Bool
    ) {
        let source = unsafe input + plane * inputCount
        for row in 0..<outputSize.height {
            for column in 0..<outputSize.width {
                var largest = -Float.infinity
                var found = -1
                forEachTap(row, column) { line, position in
                    let x = unsafe source[line * inputSize.width + position]
                    // The first of equals stays, and so does the first NaN.
                    guard found < 0 || x > largest || (x.isNaN && !largest.isNaN) else { return }
                    largest = x
                    found =
                        isColumnMajor
                        ? position * inputSize.height + line
                        : line * inputSize.width + position
                }
                let target = plane * outputCount + row * outputSize.width + column
                unsafe output[target] = largest
                unsafe indices[target] = Int64(plane * inputCount + Swift.max(found, 0))
            }
        }
    }
}
