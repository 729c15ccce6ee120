/// Softmax along the middle axis of [outer, axis, inner].
package enum Softmax {
    /// y = e^(x-max) / Σe^(x-max), or its logarithm, of each of outer·inner vectors.
    ///
    /// A vector that holds NaN or +∞ gives NaN, and so does one of only -∞. The order of the sum
    /// depends on `axis` and `inner` alone. `y` may be `x`.
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
    ) { preconditionFailure() }
}
