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
    ) { preconditionFailure() }

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
    ) { preconditionFailure() }

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
    ) { preconditionFailure() }

    /// (Σ|x|ᵖ)^(1/p) of each window; padding counts as zeros.
    @unsafe package func lp(
        _ input: UnsafePointer<Float>,
        into output: UnsafeMutablePointer<Float>,
        p: Int,
        context: KernelContext
    ) { preconditionFailure() }
}
