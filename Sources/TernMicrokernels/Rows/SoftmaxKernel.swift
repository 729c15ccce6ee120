/// Softmax of one row, or of up to a register of columns at a time.
///
/// Scalar twin: `RowTests`.
@usableFromInline
internal enum SoftmaxKernel<I: InstructionSet> {
    @usableFromInline internal typealias Math = VectorMath<I>

    /// y[i] = e^(x[i] - max) / Σ e^(x - max), or its logarithm; `y` may be `x`.
    @inlinable
    @inline(__always)
    internal static func row(
        _ x: UnsafePointer<Float>,
        _ y: UnsafeMutablePointer<Float>,
        _ count: Int,
        _ isLogarithmic: Bool
    ) {
        let largest = unsafe ReductionKernel<I>.row(.maximum, x, count, 0)
        let shift = I.broadcast(largest)
        if isLogarithmic {
            let sum = unsafe ReductionKernel<I>.row(.sumOfExponentials, x, count, largest)
            let logarithm = Math.logarithm(I.broadcast(sum))
            unsafe UnaryKernel<I>.map(x, y, count) {
                I.subtract(I.subtract($0, shift), logarithm)
            }
        } else {
            unsafe UnaryKernel<I>.map(x, y, count) { Math.exponential(I.subtract($0, shift)) }
            let sum = unsafe I.broadcast(ReductionKernel<I>.row(.sum, y, count, 0))
            unsafe UnaryKernel<I>.map(y, y, count) { I.divide($0, sum) }
        }
    }

    /// The same for `columnCount` columns of `axis` elements, `stride` apart.
    @inlinable
    @inline(__always)
    internal static func columns(
        _ x: UnsafePointer<Float>,
        _ y: UnsafeMutablePointer<Float>,
        _ axis: Int,
        _ stride: Int,
        _ columnCount: Int,
        _ isLogarithmic: Bool
    ) {
        var column = 0
        while column < columnCount {
            let count = Swift.min(I.laneCount, columnCount &- column)
            var largest = I.broadcast(-Float.infinity)
            for i in 0..<axis {
                let v = unsafe I.load(x + (i &* stride &+ column), count: count)
                largest = Math.maximum(v, largest)
            }
            var sum = I.broadcast(Float(0))
            for i in 0..<axis {
                let offset = i &* stride &+ column
                let shifted = unsafe I.subtract(I.load(x + offset, count: count), largest)
                let e = Math.exponential(shifted)
                sum = I.add(sum, e)
                unsafe I.store(isLogarithmic ? shifted : e, y + offset, count: count)
            }
            let logarithm = Math.logarithm(sum)
            for i in 0..<axis {
                let offset = i &* stride &+ column
                let v = unsafe I.load(y + offset, count: count)
                let result = isLogarithmic ? I.subtract(v, logarithm) : I.divide(v, sum)
                unsafe I.store(result, y + offset, count: count)
            }
            column &+= count
        }
    }
}
