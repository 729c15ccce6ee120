/// What a fold of one row computes before anything final is done to it.
@frozen
@usableFromInline package enum RowFold: UInt8, CaseIterable, Sendable {
    /// Σx
    case sum
    /// Πx
    case product
    /// The largest; NaN if any is; -∞ of nothing.
    case maximum
    /// The smallest; NaN if any is; +∞ of nothing.
    case minimum
    /// Σ|x|
    case sumOfMagnitudes
    /// Σx²
    case sumOfSquares
    /// Σ(x - shift)²
    case sumOfShiftedSquares
    /// Σ e^(x - shift)
    case sumOfExponentials
}

/// Folds of contiguous rows, and of columns row by row.
///
/// A row is dealt out to four registers in turn, which are folded as ((0, 1), (2, 3)), then the lanes by
/// halves: the order depends on the row's length alone. Scalar twin: `ReductionTests.twin`.
@usableFromInline
internal enum ReductionKernel<I: InstructionSet> {
    @usableFromInline internal typealias Math = VectorMath<I>

    @inlinable
    @inline(__always)
    internal static func fold(
        _ x: UnsafePointer<Float>,
        _ count: Int,
        start: Float,
        _ combine: (I.Floats, I.Floats) -> I.Floats,
        _ term: (I.Floats) -> I.Floats,
        _ last: (Float, Float) -> Float
    ) -> Float {
        let lanes = I.laneCount
        let first = I.broadcast(start)
        var s0 = first
        var s1 = first
        var s2 = first
        var s3 = first
        var i = 0
        while count &- i >= 4 &* lanes {
            s0 = unsafe combine(s0, term(I.load(x + i)))
            s1 = unsafe combine(s1, term(I.load(x + i + lanes)))
            s2 = unsafe combine(s2, term(I.load(x + i + 2 &* lanes)))
            s3 = unsafe combine(s3, term(I.load(x + i + 3 &* lanes)))
            i &+= 4 &* lanes
        }
        while count &- i >= lanes {
            s0 = unsafe combine(s0, term(I.load(x + i)))
            i &+= lanes
        }
        var lanesOfSum = InlineArray<16, Float>(repeating: start)
        let total = combine(combine(s0, s1), combine(s2, s3))
        // The last few are terms of their own register, whose unused lanes stay `start`.
        var lanesOfRest = InlineArray<16, Float>(repeating: start)
        let rest = count &- i
        unsafe withUnsafeMutablePointer(to: &lanesOfSum) { buffer in
            unsafe buffer.withMemoryRebound(to: Float.self, capacity: 16) {
                unsafe I.store(total, $0)
            }
        }
        if rest > 0 {
            unsafe withUnsafeMutablePointer(to: &lanesOfRest) { buffer in
                unsafe buffer.withMemoryRebound(to: Float.self, capacity: 16) {
                    unsafe I.store(term(I.load(x + i, count: rest)), $0, count: rest)
                }
            }
            for lane in 0..<rest {
                unsafe lanesOfSum[unchecked: lane] = last(
                    lanesOfSum[unchecked: lane],
                    lanesOfRest[unchecked: lane]
                )
            }
        }
        var width = lanes / 2
        while width > 0 {
            for lane in 0..<width {
                unsafe lanesOfSum[unchecked: lane] = last(
                    lanesOfSum[unchecked: lane],
                    lanesOfSum[unchecked: lane &+ width]
                )
            }
            width /= 2
        }
        return unsafe lanesOfSum[unchecked: 0]
    }

    @inlinable
    @inline(__always)
    internal static func row(
        _ fold: RowFold,
        _ x: UnsafePointer<Float>,
        _ count: Int,
        _ shift: Float
    ) -> Float {
        let offset = I.broadcast(shift)
        switch fold {
        case .sum:
            return unsafe Self.fold(x, count, start: 0, { I.add($0, $1) }, { $0 }, { $0 + $1 })
        case .product:
            return unsafe Self.fold(x, count, start: 1, { I.multiply($0, $1) }, { $0 }, { $0 * $1 })
        case .maximum:
            return unsafe Self.fold(
                x,
                count,
                start: -.infinity,
                { Math.maximum($1, $0) },
                { $0 },
                { a, b in b != b || b > a ? b : a }
            )
        case .minimum:
            return unsafe Self.fold(
                x,
                count,
                start: .infinity,
                { Math.minimum($1, $0) },
                { $0 },
                { a, b in b != b || b < a ? b : a }
            )
        case .sumOfMagnitudes:
            return unsafe Self.fold(
                x,
                count,
                start: 0,
                { I.add($0, $1) },
                { Math.absolute($0) },
                { $0 + $1 }
            )
        case .sumOfSquares:
            return unsafe Self.fold(
                x,
                count,
                start: 0,
                { I.add($0, $1) },
                { I.multiply($0, $0) },
                { $0 + $1 }
            )
        case .sumOfShiftedSquares:
            return unsafe Self.fold(
                x,
                count,
                start: 0,
                { I.add($0, $1) },
                { x in
                    let difference = I.subtract(x, offset)
                    return I.multiply(difference, difference)
                },
                { $0 + $1 }
            )
        case .sumOfExponentials:
            return unsafe Self.fold(
                x,
                count,
                start: 0,
                { I.add($0, $1) },
                { Math.exponential(I.subtract($0, offset)) },
                { $0 + $1 }
            )
        }
    }

    /// sums[i] = fold(sums[i], x[i·stride]·weight), where only ``StridedFold/multiplyAdd`` has a weight.
    @inlinable
    @inline(__always)
    internal static func columns(
        _ fold: StridedFold,
        _ x: UnsafePointer<Float>,
        _ stride: Int,
        _ weight: Float,
        _ sums: UnsafeMutablePointer<Float>,
        _ count: Int
    ) {
        let factor = I.broadcast(weight)
        switch fold {
        case .add: unsafe columns(x, stride, sums, count) { I.add($0, $1) }
        case .multiply: unsafe columns(x, stride, sums, count) { I.multiply($0, $1) }
        case .maximum: unsafe columns(x, stride, sums, count) { Math.maximum($1, $0) }
        case .minimum: unsafe columns(x, stride, sums, count) { Math.minimum($1, $0) }
        case .addMagnitude:
            unsafe columns(x, stride, sums, count) { I.add($0, Math.absolute($1)) }
        case .addSquare:
            unsafe columns(x, stride, sums, count) { I.multiplyAdd($0, $1, $1) }
        case .multiplyAdd:
            unsafe columns(x, stride, sums, count) { I.multiplyAdd($0, $1, factor) }
        }
    }

    @inlinable
    @inline(__always)
    internal static func columns(
        _ x: UnsafePointer<Float>,
        _ stride: Int,
        _ sums: UnsafeMutablePointer<Float>,
        _ count: Int,
        _ combine: (I.Floats, I.Floats) -> I.Floats
    ) {
        let lanes = I.laneCount
        var i = 0
        if stride == 1 {
            while count &- i >= lanes {
                unsafe I.store(combine(I.load(sums + i), I.load(x + i)), sums + i)
                i &+= lanes
            }
            let rest = count &- i
            if rest > 0 {
                let term = unsafe I.load(x + i, count: rest)
                unsafe I.store(
                    combine(I.load(sums + i, count: rest), term),
                    sums + i,
                    count: rest
                )
            }
            return
        }
        // Elements that lie apart are collected on the stack, a register's worth at a time.
        var collected = InlineArray<16, Float>(repeating: 0)
        unsafe withUnsafeMutablePointer(to: &collected) { buffer in
            unsafe buffer.withMemoryRebound(to: Float.self, capacity: 16) { gathered in
                while i < count {
                    let part = Swift.min(lanes, count &- i)
                    for j in 0..<part { unsafe gathered[j] = x[(i &+ j) &* stride] }
                    let term = unsafe I.load(gathered)
                    unsafe I.store(
                        combine(I.load(sums + i, count: part), term),
                        sums + i,
                        count: part
                    )
                    i &+= part
                }
            }
        }
    }
}

/// How a row is folded into a row of running results.
@frozen
@usableFromInline package enum StridedFold: UInt8, CaseIterable, Sendable {
    /// s + x
    case add
    /// s · x
    case multiply
    /// The larger; NaN if either is.
    case maximum
    /// The smaller; NaN if either is.
    case minimum
    /// s + |x|
    case addMagnitude
    /// s + x²
    case addSquare
    /// s + x·weight
    case multiplyAdd
}
