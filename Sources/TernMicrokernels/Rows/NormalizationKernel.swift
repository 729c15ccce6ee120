/// Normalisations of dense rows, each read from memory once.
///
/// Sums have the order of ``RowFolding``; everything is in single precision. `y` may be `x`. Scalar
/// twins: in `RowTests`.
@usableFromInline
internal enum NormalizationKernel<I: InstructionSet> {
    @usableFromInline internal typealias Folding = RowFolding<I>

    /// The mean of a row, and 1/√(variance + epsilon).
    ///
    /// The variance is the mean of the squared distances from the mean, taken in a second pass, so that
    /// it does not suffer where the mean is large.
    @inlinable
    @inline(__always)
    internal static func moments(
        _ x: UnsafePointer<Float>,
        _ count: Int,
        _ epsilon: Float
    ) -> (mean: Float, factor: Float) {
        let mean = unsafe mean(x, count)
        return unsafe (mean, inverseDeviation(x, count, mean, epsilon))
    }

    @inlinable
    @inline(__always)
    internal static func mean(_ x: UnsafePointer<Float>, _ count: Int) -> Float {
        unsafe Folding.fold(x, count, start: 0, { I.add($0, $1) }, { $0 }) / Float(count)
    }

    @inlinable
    @inline(__always)
    internal static func inverseDeviation(
        _ x: UnsafePointer<Float>,
        _ count: Int,
        _ mean: Float,
        _ epsilon: Float
    ) -> Float {
        let shift = I.broadcast(mean)
        let squares = unsafe Folding.fold(
            x,
            count,
            start: 0,
            { I.add($0, $1) },
            { x in
                let difference = I.subtract(x, shift)
                return I.multiply(difference, difference)
            }
        )
        return inverseRoot(squares / Float(count) + epsilon)
    }

    /// 1/√x in a register: of one float it would be a call, for the sake of `errno`.
    @inlinable
    @inline(__always)
    internal static func inverseRoot(_ x: Float) -> Float {
        I.first(I.divide(I.broadcast(Float(1)), I.squareRoot(I.broadcast(x))))
    }

    /// y = (x - mean)·factor·scale + bias for each of `rowCount` rows; no scale is 1, no bias 0.
    ///
    /// The rows' means and factors go to `means` and `factors`, if there are any.
    @inlinable
    @inline(__always)
    internal static func layers(
        _ x: UnsafePointer<Float>,
        _ y: UnsafeMutablePointer<Float>,
        _ rowCount: Int,
        _ count: Int,
        _ scale: UnsafePointer<Float>?,
        _ bias: UnsafePointer<Float>?,
        _ epsilon: Float,
        _ means: UnsafeMutablePointer<Float>?,
        _ factors: UnsafeMutablePointer<Float>?
    ) {
        let most = Folding.groupRowCount(count)
        var mean = InlineArray<4, Float>(repeating: 0)
        var factor = InlineArray<4, Float>(repeating: 0)
        var row = 0
        while row < rowCount {
            let rows = Swift.min(most, rowCount &- row)
            let source = unsafe x + row &* count
            let target = unsafe y + row &* count
            for r in 0..<rows {
                unsafe mean[unchecked: r] = Self.mean(source + r &* count, count)
            }
            for r in 0..<rows {
                let m = unsafe mean[unchecked: r]
                let f = unsafe inverseDeviation(source + r &* count, count, m, epsilon)
                unsafe factor[unchecked: r] = f
                if let means = unsafe means { unsafe means[row &+ r] = m }
                if let factors = unsafe factors { unsafe factors[row &+ r] = f }
            }
            for r in 0..<rows {
                unsafe finish(
                    source + r &* count,
                    target + r &* count,
                    count,
                    mean[unchecked: r],
                    factor[unchecked: r],
                    scale,
                    bias
                )
            }
            row &+= rows
        }
    }

    /// y = x / √(mean(x²) + epsilon) · scale for each of `rowCount` rows; no scale is 1.
    @inlinable
    @inline(__always)
    internal static func rootMeanSquares(
        _ x: UnsafePointer<Float>,
        _ y: UnsafeMutablePointer<Float>,
        _ rowCount: Int,
        _ count: Int,
        _ scale: UnsafePointer<Float>?,
        _ epsilon: Float
    ) {
        let most = Folding.groupRowCount(count)
        var factor = InlineArray<4, Float>(repeating: 0)
        var row = 0
        while row < rowCount {
            let rows = Swift.min(most, rowCount &- row)
            for r in 0..<rows {
                let squares = unsafe Folding.fold(
                    x + (row &+ r) &* count,
                    count,
                    start: 0,
                    { I.add($0, $1) },
                    { I.multiply($0, $0) }
                )
                unsafe factor[unchecked: r] = inverseRoot(squares / Float(count) + epsilon)
            }
            for r in 0..<rows {
                let source = unsafe x + (row &+ r) &* count
                let target = unsafe y + (row &+ r) &* count
                let f = unsafe I.broadcast(factor[unchecked: r])
                if let scale = unsafe scale {
                    unsafe map(source, target, count) { v, i, part in
                        unsafe I.multiply(I.multiply(v, f), load(scale + i, part))
                    }
                } else {
                    unsafe map(source, target, count) { v, _, _ in I.multiply(v, f) }
                }
            }
            row &+= rows
        }
    }

    @inlinable
    @inline(__always)
    internal static func finish(
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
        let zero = I.broadcast(Float(0))
        if let scale = unsafe scale {
            if let bias = unsafe bias {
                unsafe map(x, y, count) { v, i, part in
                    unsafe I.multiplyAdd(
                        load(bias + i, part),
                        I.multiply(I.subtract(v, shift), multiplier),
                        load(scale + i, part)
                    )
                }
            } else {
                unsafe map(x, y, count) { v, i, part in
                    unsafe I.multiply(
                        I.multiply(I.subtract(v, shift), multiplier),
                        load(scale + i, part)
                    )
                }
            }
        } else {
            unsafe map(x, y, count) { v, i, part in
                let normal = I.multiply(I.subtract(v, shift), multiplier)
                return unsafe I.add(normal, bias.map { unsafe load($0 + i, part) } ?? zero)
            }
        }
    }

    /// y = (x - mean) / √(variance + epsilon) · scale + bias, all four with an element for each of x.
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
        unsafe map(x, y, count) { v, i, part in
            let deviation = unsafe I.squareRoot(I.add(load(variance + i, part), smallest))
            let factor = unsafe I.divide(load(scale + i, part), deviation)
            let centered = unsafe I.subtract(v, load(mean + i, part))
            return unsafe I.multiplyAdd(load(bias + i, part), centered, factor)
        }
    }

    /// y[i...] = function(x[i...], i, part) by registers; `part` is how many lanes count.
    @inlinable
    @inline(__always)
    internal static func map(
        _ x: UnsafePointer<Float>,
        _ y: UnsafeMutablePointer<Float>,
        _ count: Int,
        _ function: (I.Floats, Int, Int) -> I.Floats
    ) {
        let lanes = I.laneCount
        var i = 0
        while count &- i >= lanes {
            unsafe I.store(function(I.load(x + i), i, lanes), y + i)
            i &+= lanes
        }
        if i < count {
            let rest = count &- i
            unsafe I.store(function(I.load(x + i, count: rest), i, rest), y + i, count: rest)
        }
    }

    /// Loads a whole register or a part of one.
    @inlinable
    @inline(__always)
    internal static func load(_ p: UnsafePointer<Float>, _ part: Int) -> I.Floats {
        unsafe part == I.laneCount ? I.load(p) : I.load(p, count: part)
    }
}
