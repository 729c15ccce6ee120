/// The arguments of a one-channel convolution that reads its plane in place.
///
/// Equation: y[r, c] = clamp(bias + Σ weights[i, j]·x[top + r·s + i, left + c·s + j·d]) over the kernel's rows i
/// and columns j, for r < rowCount, c < columnCount, with the stride s and the distance d between a kernel's
/// columns; what lies outside the plane is 0 and is not touched. The sum is one chain that starts from
/// the bias and takes the kernel's columns one after the other. The target's rows follow each other without
/// gaps.
@usableFromInline @safe package struct PlaneTile {
    @usableFromInline package var source: UnsafePointer<Float>
    @usableFromInline package var height: Int
    @usableFromInline package var width: Int
    @usableFromInline package var top: Int
    @usableFromInline package var left: Int
    @usableFromInline package var weights: UnsafePointer<Float>
    @usableFromInline package var kernelHeight: Int
    @usableFromInline package var kernelWidth: Int
    @usableFromInline package var columnDistance: Int
    /// Two registers of zeros.
    @usableFromInline package var zeros: UnsafePointer<Float>
    @usableFromInline package var target: UnsafeMutablePointer<Float>
    @usableFromInline package var rowCount: Int
    @usableFromInline package var columnCount: Int
    @usableFromInline package var bias: Float
    /// NaN passes both bounds.
    @usableFromInline package var lower: Float
    @usableFromInline package var upper: Float

    @inlinable
    package init(
        source: UnsafePointer<Float>,
        height: Int,
        width: Int,
        top: Int,
        left: Int,
        weights: UnsafePointer<Float>,
        kernelHeight: Int,
        kernelWidth: Int,
        columnDistance: Int,
        zeros: UnsafePointer<Float>,
        target: UnsafeMutablePointer<Float>,
        rowCount: Int,
        columnCount: Int,
        bias: Float
    ) {
        unsafe self.source = source
        self.height = height
        self.width = width
        self.top = top
        self.left = left
        unsafe self.weights = weights
        self.kernelHeight = kernelHeight
        self.kernelWidth = kernelWidth
        self.columnDistance = columnDistance
        unsafe self.zeros = zeros
        unsafe self.target = target
        self.rowCount = rowCount
        self.columnCount = columnCount
        self.bias = bias
        lower = -.infinity
        upper = .infinity
    }
}

/// What all kernels of ``PlaneTile`` do with finished sums.
@usableFromInline
internal enum PlaneStore<I: PlaneInstructionSet, let rows: Int> {
    /// How many floats ahead of what is written the next lines are asked for: a write that misses the
    /// caches would hold up all that follow it.
    @inlinable @inline(__always) internal static var distance: Int { 2048 }

    /// Stores a register of each of some rows.
    @inlinable
    @inline(__always)
    internal static func run(
        _ tile: borrowing PlaneTile,
        _ row: Int,
        _ column: Int,
        _ sums: InlineArray<rows, I.Floats>
    ) {
        var sums = sums
        let (low, high) = (tile.lower, tile.upper)
        if low != -.infinity || high != .infinity {
            let lower = I.broadcast(low)
            let upper = I.broadcast(high)
            for r in 0..<rows {
                unsafe sums[unchecked: r] = I.minimum(
                    upper,
                    I.maximum(lower, sums[unchecked: r])
                )
            }
        }
        let target = unsafe tile.target + (row &* tile.columnCount &+ column)
        let count = Swift.min(I.laneCount, tile.columnCount &- column)
        if count == I.laneCount {
            for r in 0..<rows {
                let line = unsafe target + r &* tile.columnCount
                unsafe I.store(sums[unchecked: r], line)
                unsafe I.prefetch(line + distance)
            }
            return
        }
        // A short row may be stored as a whole register if what it spills on is stored later.
        let spills = column == 0
        for r in 0..<rows {
            let line = unsafe target + r &* tile.columnCount
            let room = (tile.rowCount &- row &- r) &* tile.columnCount
            if spills && room >= I.laneCount {
                unsafe I.store(sums[unchecked: r], line)
            } else {
                unsafe I.store(sums[unchecked: r], line, count: count)
            }
        }
    }
}
