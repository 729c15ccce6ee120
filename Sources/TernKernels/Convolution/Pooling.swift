internal import Glibc

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
        let reach = Window.Extent(
            height: (window.kernel.height - 1) * window.dilation.height + 1,
            width: (window.kernel.width - 1) * window.dilation.width + 1
        )
        guard planeCount >= 0,
            let outputSize = window.outputSize(of: inputSize, roundsUp: roundsUp),
            window.leading.height < reach.height, window.trailing.height < reach.height,
            window.leading.width < reach.width, window.trailing.width < reach.width
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
        let (height, width) = (inputSize.height, inputSize.width)
        forEachWindow(context) { plane, place, rows, columns in
            let source = unsafe input + plane * height * width
            var best = -Float.infinity
            var bestPlace = -1
            for row in rows {
                for column in columns {
                    let value = unsafe source[row * width + column]
                    // The first of equals stays; the first NaN stays for good.
                    guard bestPlace < 0 || value > best || (value.isNaN && !best.isNaN) else {
                        continue
                    }
                    best = value
                    bestPlace = indicesAreColumnMajor ? column * height + row : row * width + column
                }
            }
            unsafe output[place] = best
            if let indices = unsafe indices {
                unsafe indices[place] = Int64(
                    bestPlace < 0 ? -1 : plane * height * width + bestPlace
                )
            }
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
        let (height, width) = (inputSize.height, inputSize.width)
        forEachWindow(context) { plane, place, rows, columns in
            let source = unsafe input + plane * height * width
            var sum: Float = 0
            for row in rows {
                for column in columns { unsafe sum += source[row * width + column] }
            }
            let count =
                countsPadding
                ? rows.paddedCount * columns.paddedCount : rows.count * columns.count
            unsafe output[place] = count == 0 ? 0 : sum / Float(count)
        }
    }

    /// (Σ|x|ᵖ)^(1/p) of each window; padding counts as zeros.
    @unsafe package func lp(
        _ input: UnsafePointer<Float>,
        into output: UnsafeMutablePointer<Float>,
        p: Int,
        context: KernelContext
    ) {
        let (height, width) = (inputSize.height, inputSize.width)
        forEachWindow(context) { plane, place, rows, columns in
            let source = unsafe input + plane * height * width
            var sum = 0.0
            for row in rows {
                for column in columns {
                    let value = unsafe Double(source[row * width + column].magnitude)
                    sum += p == 1 ? value : p == 2 ? value * value : pow(value, Double(p))
                }
            }
            let root = p == 1 ? sum : p == 2 ? sum.squareRoot() : pow(sum, 1 / Double(p))
            unsafe output[place] = Float(root)
        }
    }

    /// Calls `body` with each window's plane, the output's place, and its taps down and across.
    private func forEachWindow(
        _ context: KernelContext,
        _ body: (_ plane: Int, _ place: Int, _ rows: WindowTaps, _ columns: WindowTaps) -> Void
    ) {
        let outputCount = outputSize.height * outputSize.width
        let cost = Double(outputCount) * Double(window.kernel.height * window.kernel.width)
        context.forEach(planeCount, nanosecondsPerPiece: cost) { planes in
            for plane in planes {
                var place = plane * outputCount
                for row in 0..<outputSize.height {
                    let rows = WindowTaps.down(window, output: row, inputSize: inputSize)
                    for column in 0..<outputSize.width {
                        let columns = WindowTaps.across(
                            window,
                            output: column,
                            inputSize: inputSize
                        )
                        body(plane, place, rows, columns)
                        place += 1
                    }
                }
            }
        }
    }
}
