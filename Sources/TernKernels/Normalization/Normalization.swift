/// Normalisations of 32-bit floats; variances are biased (divided by the count), as ONNX has them.
///
/// `y` may be `x`. A scale or bias of `nil` means 1 or 0.
package enum Normalization {
    /// LayerNormalization: y = (x - mean) / √(variance + epsilon) · scale + bias over each row.
    ///
    /// - Parameters:
    ///   - x: [rows, count].
    ///   - y: [rows, count].
    ///   - rowCount: The product of the axes before `axis`.
    ///   - count: The product of the axes from `axis` on.
    ///   - scale: [count].
    ///   - bias: [count].
    ///   - epsilon: Added to the variance.
    ///   - means: Where to store the rows' means, or nothing.
    ///   - inverseDeviations: Where to store 1/√(variance + epsilon), or nothing.
    ///   - context: Where to run.
    @unsafe package static func layer(
        _ x: UnsafePointer<Float>,
        into y: UnsafeMutablePointer<Float>,
        rowCount: Int,
        count: Int,
        scale: UnsafePointer<Float>?,
        bias: UnsafePointer<Float>?,
        epsilon: Float,
        means: UnsafeMutablePointer<Float>? = nil,
        inverseDeviations: UnsafeMutablePointer<Float>? = nil,
        context: KernelContext
    ) { preconditionFailure() }

    /// RMSNormalization: y = x / √(mean(x²) + epsilon) · scale over each row.
    @unsafe package static func rootMeanSquare(
        _ x: UnsafePointer<Float>,
        into y: UnsafeMutablePointer<Float>,
        rowCount: Int,
        count: Int,
        scale: UnsafePointer<Float>?,
        epsilon: Float,
        context: KernelContext
    ) { preconditionFailure() }

    /// GroupNormalization of [batch, channels, spatial] with per-channel scale and bias.
    ///
    /// InstanceNormalization is `groupCount == channelCount`.
    ///
    /// - Precondition: `groupCount` divides `channelCount`.
    @unsafe package static func group(
        _ x: UnsafePointer<Float>,
        into y: UnsafeMutablePointer<Float>,
        batchCount: Int,
        channelCount: Int,
        spatialCount: Int,
        groupCount: Int,
        scale: UnsafePointer<Float>?,
        bias: UnsafePointer<Float>?,
        epsilon: Float,
        context: KernelContext
    ) { preconditionFailure() }

    /// BatchNormalization for inference: y = (x - mean) / √(variance + epsilon) · scale + bias, all
    /// four per channel of [batch, channels, spatial].
    @unsafe package static func batch(
        _ x: UnsafePointer<Float>,
        into y: UnsafeMutablePointer<Float>,
        batchCount: Int,
        channelCount: Int,
        spatialCount: Int,
        scale: UnsafePointer<Float>,
        bias: UnsafePointer<Float>,
        mean: UnsafePointer<Float>,
        variance: UnsafePointer<Float>,
        epsilon: Float,
        context: KernelContext
    ) { preconditionFailure() }

    /// LRN: y = x / (k + alpha/size · Σx²)^beta, the sum over `size` neighbouring channels of
    /// [batch, channels, spatial]. `y` may not be `x`.
    @unsafe package static func localResponse(
        _ x: UnsafePointer<Float>,
        into y: UnsafeMutablePointer<Float>,
        batchCount: Int,
        channelCount: Int,
        spatialCount: Int,
        size: Int,
        alpha: Float,
        beta: Float,
        bias k: Float,
        context: KernelContext
    ) { preconditionFailure() }
}
