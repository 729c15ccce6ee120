/// The arguments of a convolution that reads the staged image in place.
///
/// Equation: y[m, x] = clamp(Σₖ weights[m, k]·source[offsets[k] + x] + bias[m]) for m < rowCount, x <
/// columnCount; the sum is one chain over k = 0, 1, …. Strides and dilation are in the offsets, as
/// in ``TapTile``; whole registers of the source are read.
@usableFromInline @safe package struct DirectTile {
    @usableFromInline package var weights: UnsafePointer<Float>
    @usableFromInline package var weightStride: Int
    @usableFromInline package var source: UnsafePointer<Float>
    @usableFromInline package var offsets: UnsafePointer<Int>
    @usableFromInline package var depth: Int
    @usableFromInline package var target: UnsafeMutablePointer<Float>
    @usableFromInline package var targetStride: Int
    @usableFromInline package var rowCount: Int
    @usableFromInline package var columnCount: Int
    @usableFromInline package var bias: UnsafePointer<Float>?
    /// NaN passes both bounds.
    @usableFromInline package var lower: Float
    @usableFromInline package var upper: Float

    @inlinable
    package init(
        weights: UnsafePointer<Float>,
        weightStride: Int,
        source: UnsafePointer<Float>,
        offsets: UnsafePointer<Int>,
        depth: Int,
        target: UnsafeMutablePointer<Float>,
        targetStride: Int,
        rowCount: Int,
        columnCount: Int,
        bias: UnsafePointer<Float>?
    ) {
        unsafe self.weights = weights
        self.weightStride = weightStride
        unsafe self.source = source
        unsafe self.offsets = offsets
        self.depth = depth
        unsafe self.target = target
        self.targetStride = targetStride
        self.rowCount = rowCount
        self.columnCount = columnCount
        unsafe self.bias = bias
        lower = -.infinity
        upper = .infinity
    }
}

/// Runs a ``DirectTile``: two registers of pixels at a time, all output channels for each.
///
/// Scalar twin: `ConvolutionTests`.
@usableFromInline
internal enum DirectKernel<I: InstructionSet> {
    @inlinable
    @inline(__always)
    internal static func run(_ tile: borrowing DirectTile) {
        guard tile.rowCount >= 4 else {
            for row in 0..<tile.rowCount { line(tile, row) }
            return
        }
        var column = 0
        while column < tile.columnCount {
            var row = 0
            if tile.columnCount &- column > I.laneCount {
                while row < tile.rowCount { row &+= step(tile, row, column) }
                column &+= 2 &* I.laneCount
            } else {
                while row < tile.rowCount { row &+= narrowStep(tile, row, column) }
                column &+= I.laneCount
            }
        }
    }

    /// One output channel: four registers of pixels at a time as far as they go.
    @inlinable
    @inline(__always)
    internal static func line(_ tile: borrowing DirectTile, _ row: Int) {
        var column = 0
        while tile.columnCount &- column > 3 &* I.laneCount {
            DirectLineBody<I>.run(tile, row, column)
            column &+= 4 &* I.laneCount
        }
        while column < tile.columnCount {
            if tile.columnCount &- column > I.laneCount {
                DirectBody<I, 1, 2>.run(tile, row, column)
            } else {
                DirectBody<I, 1, 1>.run(tile, row, column)
            }
            column &+= 2 &* I.laneCount
        }
    }

    @inlinable
    @inline(__always)
    internal static func step(_ tile: borrowing DirectTile, _ row: Int, _ column: Int) -> Int {
        let remaining = tile.rowCount &- row
        if I.maximumRowCount >= 12 {
            if remaining >= 12 && remaining != 16 {
                DirectBody<I, 12, 2>.run(tile, row, column)
                return 12
            }
            if remaining >= 8 {
                DirectBody<I, 8, 2>.run(tile, row, column)
                return 8
            }
        }
        if remaining >= 4 {
            DirectBody<I, 4, 2>.run(tile, row, column)
            return 4
        }
        DirectBody<I, 1, 2>.run(tile, row, column)
        return 1
    }

    @inlinable
    @inline(__always)
    internal static func narrowStep(_ tile: borrowing DirectTile, _ row: Int, _ column: Int) -> Int
    {
        let remaining = tile.rowCount &- row
        if I.maximumRowCount >= 12, remaining >= 8 {
            DirectBody<I, 8, 1>.run(tile, row, column)
            return 8
        }
        if remaining >= 4 {
            DirectBody<I, 4, 1>.run(tile, row, column)
            return 4
        }
        DirectBody<I, 1, 1>.run(tile, row, column)
        return 1
    }
}

/// The innermost loop of ``DirectKernel``.
///
/// Every row is written out, with a constant index: an accumulator that is indexed by a variable
/// even once lives in memory.
@usableFromInline
internal enum DirectBody<I: InstructionSet, let rows: Int, let registers: Int> {
    @inlinable
    @inline(never)
    internal static func run(_ tile: borrowing DirectTile, _ row: Int, _ column: Int) {
        var sums = DirectSums<I, rows, registers>()
        let stride = tile.weightStride
        let source = unsafe tile.source + column
        var offset = unsafe tile.offsets
        // Rows in groups of three, so that few registers address many rows.
        var w0 = unsafe tile.weights + row &* stride
        var w3 = unsafe w0 + 3 &* stride
        var w6 = unsafe w0 + 6 &* stride
        var w9 = unsafe w0 + 9 &* stride
        var remaining = tile.depth
        while remaining > 0 {
            let p = unsafe source + offset.pointee
            let x0 = unsafe I.load(p)
            let x1 = unsafe registers == 2 ? I.load(p + I.laneCount) : x0
            unsafe sums.step(0, w0, x0, x1)
            if rows > 1 { unsafe sums.step(1, w0 + stride, x0, x1) }
            if rows > 2 { unsafe sums.step(2, w0 + 2 &* stride, x0, x1) }
            if rows > 3 { unsafe sums.step(3, w3, x0, x1) }
            if rows > 4 { unsafe sums.step(4, w3 + stride, x0, x1) }
            if rows > 5 { unsafe sums.step(5, w3 + 2 &* stride, x0, x1) }
            if rows > 6 { unsafe sums.step(6, w6, x0, x1) }
            if rows > 7 { unsafe sums.step(7, w6 + stride, x0, x1) }
            if rows > 8 { unsafe sums.step(8, w6 + 2 &* stride, x0, x1) }
            if rows > 9 { unsafe sums.step(9, w9, x0, x1) }
            if rows > 10 { unsafe sums.step(10, w9 + stride, x0, x1) }
            if rows > 11 { unsafe sums.step(11, w9 + 2 &* stride, x0, x1) }
            unsafe offset += 1
            unsafe w0 += 1
            unsafe w3 += 1
            unsafe w6 += 1
            unsafe w9 += 1
            remaining &-= 1
        }
        sums.finish(0, tile, row, column)
        if rows > 1 { sums.finish(1, tile, row, column) }
        if rows > 2 { sums.finish(2, tile, row, column) }
        if rows > 3 { sums.finish(3, tile, row, column) }
        if rows > 4 { sums.finish(4, tile, row, column) }
        if rows > 5 { sums.finish(5, tile, row, column) }
        if rows > 6 { sums.finish(6, tile, row, column) }
        if rows > 7 { sums.finish(7, tile, row, column) }
        if rows > 8 { sums.finish(8, tile, row, column) }
        if rows > 9 { sums.finish(9, tile, row, column) }
        if rows > 10 { sums.finish(10, tile, row, column) }
        if rows > 11 { sums.finish(11, tile, row, column) }
    }
}

/// The innermost loop of ``DirectKernel`` for one output channel of four registers of pixels, the last of
/// which may be cut short.
@usableFromInline
internal enum DirectLineBody<I: InstructionSet> {
    @inlinable
    @inline(never)
    internal static func run(_ tile: borrowing DirectTile, _ row: Int, _ column: Int) {
        let lanes = I.laneCount
        var left = DirectSums<I, 1, 2>()
        var right = DirectSums<I, 1, 2>()
        let source = unsafe tile.source + column
        var offset = unsafe tile.offsets
        var weight = unsafe tile.weights + row &* tile.weightStride
        var remaining = tile.depth
        while remaining > 0 {
            let p = unsafe source + offset.pointee
            unsafe left.step(0, weight, I.load(p), I.load(p + lanes))
            unsafe right.step(0, weight, I.load(p + 2 &* lanes), I.load(p + 3 &* lanes))
            unsafe offset += 1
            unsafe weight += 1
            remaining &-= 1
        }
        left.finish(0, tile, row, column)
        right.finish(0, tile, row, column &+ 2 &* lanes)
    }
}

/// The accumulators of a ``DirectBody``; every index is a constant after inlining.
@usableFromInline
internal struct DirectSums<I: InstructionSet, let rows: Int, let registers: Int> {
    @usableFromInline internal var left: InlineArray<rows, I.Floats>
    @usableFromInline internal var right: InlineArray<rows, I.Floats>

    @inlinable
    @inline(__always)
    internal init() {
        left = InlineArray(repeating: I.broadcast(Float(0)))
        right = InlineArray(repeating: I.broadcast(Float(0)))
    }

    @inlinable
    @inline(__always)
    internal mutating func step(
        _ r: Int,
        _ weight: UnsafePointer<Float>,
        _ x0: I.Floats,
        _ x1: I.Floats
    ) {
        let w = unsafe I.broadcast(weight.pointee)
        unsafe left[unchecked: r] = I.multiplyAdd(left[unchecked: r], w, x0)
        if registers == 2 {
            unsafe right[unchecked: r] = I.multiplyAdd(right[unchecked: r], w, x1)
        }
    }

    @inlinable
    @inline(__always)
    internal func finish(_ r: Int, _ tile: borrowing DirectTile, _ row: Int, _ column: Int) {
        let target = unsafe tile.target + ((row &+ r) &* tile.targetStride &+ column)
        let bias = unsafe tile.bias.map { unsafe $0[row &+ r] } ?? 0
        let count = tile.columnCount &- column
        if registers == 2 {
            unsafe I.store(bounded(left[unchecked: r], tile, bias), target)
            let y = unsafe bounded(right[unchecked: r], tile, bias)
            unsafe store(y, target + I.laneCount, count &- I.laneCount)
        } else {
            unsafe store(bounded(left[unchecked: r], tile, bias), target, count)
        }
    }

    @inlinable
    @inline(__always)
    internal func bounded(
        _ sum: I.Floats,
        _ tile: borrowing DirectTile,
        _ bias: Float
    ) -> I.Floats {
        let lowest = I.maximum(I.broadcast(tile.lower), I.add(sum, I.broadcast(bias)))
        return I.minimum(I.broadcast(tile.upper), lowest)
    }

    @inlinable
    @inline(__always)
    internal func store(_ v: I.Floats, _ target: UnsafeMutablePointer<Float>, _ count: Int) {
        if count >= I.laneCount {
            unsafe I.store(v, target)
        } else {
            unsafe I.store(v, target, count: count)
        }
    }
}
