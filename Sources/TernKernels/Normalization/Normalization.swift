internal import Glibc
internal import TernMicrokernels

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
    ) {
        guard rowCount > 0, count > 0 else { return }
        let cost = Double(count) * 0.15 + 20
        let table = context.table
        context.forEach(
            rowCount,
            grain: KernelContext.grain(nanosecondsPerPiece: cost),
            nanosecondsPerPiece: cost
        ) { rows in
            let first = rows.lowerBound
            unsafe table.rows.layerNormalize(
                x + first * count,
                y + first * count,
                rows.count,
                count,
                scale,
                bias,
                epsilon,
                means.map { unsafe $0 + first },
                inverseDeviations.map { unsafe $0 + first }
            )
        }
    }

    /// RMSNormalization: y = x / √(mean(x²) + epsilon) · scale over each row.
    @unsafe package static func rootMeanSquare(
        _ x: UnsafePointer<Float>,
        into y: UnsafeMutablePointer<Float>,
        rowCount: Int,
        count: Int,
        scale: UnsafePointer<Float>?,
        epsilon: Float,
        context: KernelContext
    ) {
        guard rowCount > 0, count > 0 else { return }
        let cost = Double(count) * 0.12 + 20
        let table = context.table
        context.forEach(
            rowCount,
            grain: KernelContext.grain(nanosecondsPerPiece: cost),
            nanosecondsPerPiece: cost
        ) { rows in
            let offset = rows.lowerBound * count
            unsafe table.rows.rootMeanSquareNormalize(
                x + offset,
                y + offset,
                rows.count,
                count,
                scale,
                epsilon
            )
        }
    }

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
    ) {
        precondition(
            groupCount > 0 && channelCount % groupCount == 0,
            "\(channelCount) channels cannot be cut into \(groupCount) groups"
        )
        guard batchCount > 0, channelCount > 0, spatialCount > 0 else { return }
        let channels = channelCount / groupCount
        let count = channels * spatialCount
        let cost = Double(count) * 0.15 + 20
        let table = context.table
        context.forEach(
            batchCount * groupCount,
            grain: KernelContext.grain(nanosecondsPerPiece: cost),
            nanosecondsPerPiece: cost
        ) { range in
            for index in range {
                let source = unsafe x + index * count
                let target = unsafe y + index * count
                let (mean, factor) = unsafe table.rows.moments(source, count, epsilon)
                let first = index % groupCount * channels
                for channel in 0..<channels {
                    let gain = unsafe factor * (scale?[first + channel] ?? 1)
                    let offset = unsafe (bias?[first + channel] ?? 0) - mean * gain
                    let start = channel * spatialCount
                    _ = unsafe table.unary(
                        UnaryOperation(.affine, a: gain, b: offset),
                        source + start,
                        target + start,
                        spatialCount
                    )
                }
            }
        }
    }

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
    ) {
        guard batchCount > 0, channelCount > 0, spatialCount > 0 else { return }
        let table = context.table
        if spatialCount == 1 {
            let cost = Double(channelCount) * 0.6 + 10
            context.forEach(
                batchCount,
                grain: KernelContext.grain(nanosecondsPerPiece: cost),
                nanosecondsPerPiece: cost
            ) { rows in
                for row in rows {
                    let offset = row * channelCount
                    unsafe table.rows.batchNormalize(
                        x + offset,
                        y + offset,
                        channelCount,
                        scale,
                        bias,
                        mean,
                        variance,
                        epsilon
                    )
                }
            }
            return
        }
        let cost = Double(spatialCount) * 0.2 + 10
        context.forEach(
            batchCount * channelCount,
            grain: KernelContext.grain(nanosecondsPerPiece: cost),
            nanosecondsPerPiece: cost
        ) { planes in
            for plane in planes {
                let channel = plane % channelCount
                let gain = unsafe scale[channel] / (variance[channel] + epsilon).squareRoot()
                let offset = unsafe bias[channel] - mean[channel] * gain
                _ = unsafe table.unary(
                    UnaryOperation(.affine, a: gain, b: offset),
                    x + plane * spatialCount,
                    y + plane * spatialCount,
                    spatialCount
                )
            }
        }
    }

    /// LRN: y = x / (k + alpha/size · Σx²)^beta.
    ///
    /// The sum runs over `size` neighbouring channels of [batch, channels, spatial]: (size-1)/2 before,
    /// size/2 after. `y` may not be `x`.
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
    ) {
        precondition(size >= 1, "a local response needs at least one channel")
        guard batchCount > 0, channelCount > 0, spatialCount > 0 else { return }
        let table = context.table
        let cost = Double(spatialCount * (size + 20))
        context.forEach(
            batchCount * channelCount,
            grain: KernelContext.grain(nanosecondsPerPiece: cost),
            nanosecondsPerPiece: cost
        ) { planes in
            for plane in planes {
                let (image, channel) = plane.quotientAndRemainder(dividingBy: channelCount)
                let first = Swift.max(0, channel - (size - 1) / 2)
                let last = Swift.min(channelCount - 1, channel + size / 2)
                let target = unsafe y + plane * spatialCount
                for i in 0..<spatialCount { unsafe target[i] = 0 }
                for neighbour in first...last {
                    unsafe table.foldColumns(
                        .addSquare,
                        x + (image * channelCount + neighbour) * spatialCount,
                        1,
                        1,
                        target,
                        spatialCount
                    )
                }
                let source = unsafe x + plane * spatialCount
                for i in 0..<spatialCount {
                    unsafe target[i] =
                        source[i] / powf(k + alpha / Float(size) * target[i], beta)
                }
            }
        }
    }
}
