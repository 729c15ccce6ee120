/// Softmax of rows, or of a register of columns at a time.
///
/// A row that holds NaN or +∞ gives NaN, and so does one of only -∞: what the definition gives. The sum
/// of a row has 16 lanes on every instruction set, folded by halves. `y` may be `x`. Scalar twin:
/// `RowTests`.
@usableFromInline
internal enum SoftmaxKernel<I: InstructionSet> {
    @usableFromInline internal typealias Math = VectorMath<I>
    @usableFromInline internal typealias Folding = RowFolding<I>

    /// y = e^(x - max) / Σ e^(x - max), or its logarithm, of each of `rowCount` dense rows.
    @inlinable
    @inline(__always)
    internal static func rows(
        _ x: UnsafePointer<Float>,
        _ y: UnsafeMutablePointer<Float>,
        _ rowCount: Int,
        _ count: Int,
        _ isLogarithmic: Bool
    ) {
        let most = Folding.groupRowCount(count)
        var largest = InlineArray<4, Float>(repeating: 0)
        var sum = InlineArray<4, Float>(repeating: 0)
        var row = 0
        while row < rowCount {
            let rows = Swift.min(most, rowCount &- row)
            let source = unsafe x + row &* count
            let target = unsafe y + row &* count
            for r in 0..<rows {
                unsafe largest[unchecked: r] = Self.largest(source + r &* count, count)
            }
            if isLogarithmic {
                for r in 0..<rows {
                    let shift = unsafe I.broadcast(largest[unchecked: r])
                    unsafe sum[unchecked: r] = exponentials(source + r &* count, count, shift) {
                        _,
                        _,
                        _ in
                    }
                }
                for r in 0..<rows {
                    let shift = unsafe I.broadcast(largest[unchecked: r])
                    let logarithm = unsafe Math.logarithm(I.broadcast(sum[unchecked: r]))
                    unsafe UnaryKernel<I>.map(source + r &* count, target + r &* count, count) {
                        I.subtract(I.subtract($0, shift), logarithm)
                    }
                }
            } else {
                for r in 0..<rows {
                    let shift = unsafe I.broadcast(largest[unchecked: r])
                    let place = unsafe target + r &* count
                    let total = unsafe exponentials(source + r &* count, count, shift) {
                        e,
                        i,
                        part in
                        if part == I.laneCount {
                            unsafe I.store(e, place + i)
                        } else {
                            unsafe I.store(e, place + i, count: part)
                        }
                    }
                    unsafe sum[unchecked: r] = 1 / total
                }
                for r in 0..<rows {
                    let place = unsafe target + r &* count
                    let factor = unsafe I.broadcast(sum[unchecked: r])
                    unsafe UnaryKernel<I>.map(place, place, count) { I.multiply($0, factor) }
                }
            }
            row &+= rows
        }
    }

    /// The largest element that is not NaN, -∞ if there is none: a NaN shows in the sum.
    @inlinable
    @inline(__always)
    internal static func largest(_ x: UnsafePointer<Float>, _ count: Int) -> Float {
        unsafe Folding.fold(x, count, start: -.infinity, { I.maximum($1, $0) }, { $0 })
    }

    /// Hands every e^(x - shift) on, a register and its index at a time, and sums them.
    @inlinable
    @inline(__always)
    internal static func exponentials(
        _ x: UnsafePointer<Float>,
        _ count: Int,
        _ shift: I.Floats,
        _ use: (I.Floats, Int, Int) -> Void
    ) -> Float {
        let lanes = I.laneCount
        let registers = 16 / lanes
        var s = InlineArray<4, I.Floats>(repeating: I.broadcast(Float(0)))
        var i = 0
        while count &- i >= 16 {
            for r in 0..<registers {
                let offset = i &+ r &* lanes
                let e = unsafe Math.exponential(nonpositive: I.subtract(I.load(x + offset), shift))
                use(e, offset, lanes)
                unsafe s[unchecked: r] = I.add(s[unchecked: r], e)
            }
            i &+= 16
        }
        if i < count {
            for r in 0..<registers {
                let offset = i &+ r &* lanes
                let part = Swift.min(lanes, count &- offset)
                if part > 0 {
                    let v = unsafe I.load(x + offset, count: part)
                    let e = Math.exponential(nonpositive: I.subtract(v, shift))
                    use(e, offset, part)
                    unsafe s[unchecked: r] = I.select(
                        I.firstLanes(part),
                        I.add(s[unchecked: r], e),
                        s[unchecked: r]
                    )
                }
            }
        }
        if registers > 2 {
            for r in 0..<2 {
                unsafe s[unchecked: r] = I.add(s[unchecked: r], s[unchecked: r &+ 2])
            }
        }
        if registers > 1 {
            unsafe s[unchecked: 0] = I.add(s[unchecked: 0], s[unchecked: 1])
        }
        return unsafe Folding.across(s[unchecked: 0]) { I.add($0, $1) }
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
        let lanes = I.laneCount
        var column = 0
        while columnCount &- column >= lanes {
            unsafe columns(
                x + column,
                y + column,
                axis,
                stride,
                isLogarithmic,
                { unsafe I.load($0) },
                { unsafe I.store($0, $1) }
            )
            column &+= lanes
        }
        let rest = columnCount &- column
        if rest > 0 {
            unsafe columns(
                x + column,
                y + column,
                axis,
                stride,
                isLogarithmic,
                { unsafe I.load($0, count: rest) },
                { unsafe I.store($0, $1, count: rest) }
            )
        }
    }

    @inlinable
    @inline(__always)
    internal static func columns(
        _ x: UnsafePointer<Float>,
        _ y: UnsafeMutablePointer<Float>,
        _ axis: Int,
        _ stride: Int,
        _ isLogarithmic: Bool,
        _ load: (UnsafePointer<Float>) -> I.Floats,
        _ store: (I.Floats, UnsafeMutablePointer<Float>) -> Void
    ) {
        var largest = I.broadcast(-Float.infinity)
        for i in 0..<axis {
            largest = unsafe I.maximum(load(x + i &* stride), largest)
        }
        var sum = I.broadcast(Float(0))
        for i in 0..<axis {
            let shifted = unsafe I.subtract(load(x + i &* stride), largest)
            let e = Math.exponential(nonpositive: shifted)
            sum = I.add(sum, e)
            unsafe store(isLogarithmic ? shifted : e, y + i &* stride)
        }
        if isLogarithmic {
            let logarithm = Math.logarithm(sum)
            for i in 0..<axis {
                unsafe store(I.subtract(load(y + i &* stride), logarithm), y + i &* stride)
            }
        } else {
            let factor = I.divide(I.broadcast(Float(1)), sum)
            for i in 0..<axis {
                unsafe store(I.multiply(load(y + i &* stride), factor), y + i &* stride)
            }
        }
    }
}
