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
    /// Σ e^(x - shift), where no x is above the shift.
    case sumOfExponentials
}

/// Folds of contiguous rows, and of columns row by row.
///
/// The order of a row's fold is that of ``RowFolding``. Scalar twin: `ReductionTests.twin`.
@usableFromInline
internal enum ReductionKernel<I: InstructionSet> {
    @usableFromInline internal typealias Math = VectorMath<I>
    @usableFromInline internal typealias Folding = RowFolding<I>

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
            return unsafe Folding.fold(x, count, start: 0, { I.add($0, $1) }, { $0 })
        case .product:
            return unsafe Folding.fold(x, count, start: 1, { I.multiply($0, $1) }, { $0 })
        case .maximum:
            return unsafe Folding.fold(
                x,
                count,
                start: -.infinity,
                { Math.maximum($1, $0) },
                { $0 }
            )
        case .minimum:
            return unsafe Folding.fold(x, count, start: .infinity, { Math.minimum($1, $0) }, { $0 })
        case .sumOfMagnitudes:
            return unsafe Folding.fold(
                x,
                count,
                start: 0,
                { I.add($0, $1) },
                { Math.absolute($0) }
            )
        case .sumOfSquares:
            return unsafe Folding.fold(
                x,
                count,
                start: 0,
                { I.add($0, $1) },
                { I.multiply($0, $0) }
            )
        case .sumOfShiftedSquares:
            return unsafe Folding.fold(
                x,
                count,
                start: 0,
                { I.add($0, $1) },
                { x in
                    let difference = I.subtract(x, offset)
                    return I.multiply(difference, difference)
                }
            )
        case .sumOfExponentials:
            return unsafe Folding.fold(
                x,
                count,
                start: 0,
                { I.add($0, $1) },
                { Math.exponential(nonpositive: I.subtract($0, offset)) }
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
