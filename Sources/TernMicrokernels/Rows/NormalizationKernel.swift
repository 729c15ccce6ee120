/// The last steps of normalisations, and of LSTM and GRU cells, over one row.
///
/// Scalar twins: in `RowTests`.
@usableFromInline
internal enum NormalizationKernel<I: InstructionSet> {
    /// y[i] = (x[i] - mean)·factor·scale[i] + bias[i]; no scale is 1, no bias 0.
    ///
    /// `y` may be `x`.
    @inlinable
    @inline(__always)
    internal static func row(
        _ x: UnsafePointer<Float>,
        _ y: UnsafeMutablePointer<Float>,
        _ count: Int,
        _ mean: Float,
        _ factor: Float,
        _ scale: UnsafePointer<Float>?,
        _ bias: UnsafePointer<Float>?
    ) {
        let shift = I.broadcast(mean)
        let multiplier = I.broadcast(factor)
        var i = 0
        while i < count {
            let part = Swift.min(I.laneCount, count &- i)
            var v = unsafe I.load(x + i, count: part)
            v = I.multiply(I.subtract(v, shift), multiplier)
            if let scale = unsafe scale { v = unsafe I.multiply(v, I.load(scale + i, count: part)) }
            if let bias = unsafe bias { v = unsafe I.add(v, I.load(bias + i, count: part)) }
            unsafe I.store(v, y + i, count: part)
            i &+= part
        }
    }

    /// y[i] = (x[i] - mean[i]) / √(variance[i] + epsilon) · scale[i] + bias[i]; `y` may be `x`.
    @inlinable
    @inline(__always)
    internal static func batchRow(
        _ x: UnsafePointer<Float>,
        _ y: UnsafeMutablePointer<Float>,
        _ count: Int,
        _ scale: UnsafePointer<Float>,
        _ bias: UnsafePointer<Float>,
        _ mean: UnsafePointer<Float>,
        _ variance: UnsafePointer<Float>,
        _ epsilon: Float
    ) {
        let smallest = I.broadcast(epsilon)
        var i = 0
        while i < count {
            let part = Swift.min(I.laneCount, count &- i)
            let deviation = unsafe I.squareRoot(
                I.add(I.load(variance + i, count: part), smallest)
            )
            let factor = unsafe I.divide(I.load(scale + i, count: part), deviation)
            let centered = unsafe I.subtract(
                I.load(x + i, count: part),
                I.load(mean + i, count: part)
            )
            let v = unsafe I.multiplyAdd(I.load(bias + i, count: part), centered, factor)
            unsafe I.store(v, y + i, count: part)
            i &+= part
        }
    }

    /// c[i] = forget[i]·c[i] + input[i]·candidate[i], the state of an LSTM cell.
    @inlinable
    @inline(__always)
    internal static func cell(
        _ input: UnsafePointer<Float>,
        _ forget: UnsafePointer<Float>,
        _ candidate: UnsafePointer<Float>,
        _ c: UnsafeMutablePointer<Float>,
        _ count: Int
    ) {
        var i = 0
        while i < count {
            let part = Swift.min(I.laneCount, count &- i)
            let kept = unsafe I.multiply(
                I.load(forget + i, count: part),
                I.load(c + i, count: part)
            )
            let v = unsafe I.multiplyAdd(
                kept,
                I.load(input + i, count: part),
                I.load(candidate + i, count: part)
            )
            unsafe I.store(v, c + i, count: part)
            i &+= part
        }
    }

    /// y[i] = (1 - z[i])·candidate[i] + z[i]·h[i], the state of a GRU cell; `y` may be `h`.
    @inlinable
    @inline(__always)
    internal static func blend(
        _ z: UnsafePointer<Float>,
        _ candidate: UnsafePointer<Float>,
        _ h: UnsafePointer<Float>,
        _ y: UnsafeMutablePointer<Float>,
        _ count: Int
    ) {
        let one = I.broadcast(Float(1))
        var i = 0
        while i < count {
            let part = Swift.min(I.laneCount, count &- i)
            let gate = unsafe I.load(z + i, count: part)
            let fresh = unsafe I.multiply(
                I.subtract(one, gate),
                I.load(candidate + i, count: part)
            )
            unsafe I.store(
                I.multiplyAdd(fresh, gate, I.load(h + i, count: part)),
                y + i,
                count: part
            )
            i &+= part
        }
    }
}
