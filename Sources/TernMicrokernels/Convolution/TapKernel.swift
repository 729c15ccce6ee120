/// Up to three taps of a one-channel convolution that see rows one below the other.
///
/// They share what they load: tap k of output row r reads staged row r + k at `offset`. Its weight is
/// at `weight + k·weightStep`.
@usableFromInline @frozen package struct TapChain: BitwiseCopyable {
    @usableFromInline package var offset: Int
    @usableFromInline package var weight: Int
    @usableFromInline package var weightStep: Int
    /// 1, 2 or 3.
    @usableFromInline package var count: Int

    @inlinable
    package init(offset: Int, weight: Int, weightStep: Int, count: Int) {
        self.offset = offset
        self.weight = weight
        self.weightStep = weightStep
        self.count = count
    }
}

/// The arguments of a one-channel convolution over a staged plane.
///
/// Equation: y[r, c] = clamp(bias + Σ weight·source[offset + (r + k)·sourceStride + c]) over the taps k
/// of all chains, for r < rowCount, c < columnCount. The sum is one chain of additions that starts
/// from the bias. Strides and dilation are in the offsets: see ``StageTile``. Whole registers of the
/// source are read. The target's rows follow each other without gaps.
@usableFromInline @safe package struct TapTile {
    @usableFromInline package var source: UnsafePointer<Float>
    @usableFromInline package var sourceStride: Int
    @usableFromInline package var chains: UnsafePointer<TapChain>
    @usableFromInline package var chainCount: Int
    @usableFromInline package var weights: UnsafePointer<Float>
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
        sourceStride: Int,
        chains: UnsafePointer<TapChain>,
        chainCount: Int,
        weights: UnsafePointer<Float>,
        target: UnsafeMutablePointer<Float>,
        rowCount: Int,
        columnCount: Int,
        bias: Float
    ) {
        unsafe self.source = source
        self.sourceStride = sourceStride
        unsafe self.chains = chains
        self.chainCount = chainCount
        unsafe self.weights = weights
        unsafe self.target = target
        self.rowCount = rowCount
        self.columnCount = columnCount
        self.bias = bias
        lower = -.infinity
        upper = .infinity
    }
}

/// Runs a ``TapTile``: up to eight rows by a register at a time, a single row in eight registers.
///
/// Scalar twin: `ConvolutionTests`.
@usableFromInline
internal enum TapKernel<I: InstructionSet> {
    @inlinable
    @inline(__always)
    internal static func run(_ tile: borrowing TapTile) {
        var row = 0
        while row < tile.rowCount {
            let remaining = tile.rowCount &- row
            // Sevens where they come out even: images of 7, 14 and 28 rows are common.
            if remaining >= 8 && remaining % 7 != 0 {
                Rows<8>.run(tile, row)
                row &+= 8
            } else if remaining >= 7 {
                Rows<7>.run(tile, row)
                row &+= 7
            } else if remaining >= 4 {
                Rows<4>.run(tile, row)
                row &+= 4
            } else if remaining >= 2 {
                Rows<2>.run(tile, row)
                row &+= 2
            } else {
                single(tile, row)
                row &+= 1
            }
        }
    }

    /// Some rows, a register of columns after the other.
    @usableFromInline
    internal enum Rows<let rows: Int> {
        @inlinable
        @inline(__always)
        internal static func run(_ tile: borrowing TapTile, _ row: Int) {
            var column = 0
            while column < tile.columnCount {
                TapBody<I, rows>.run(tile, row, column)
                column &+= I.laneCount
            }
        }
    }

    /// One row: eight registers of columns at a time as far as they go.
    @inlinable
    @inline(__always)
    internal static func single(_ tile: borrowing TapTile, _ row: Int) {
        var column = 0
        while tile.columnCount &- column >= 8 &* I.laneCount {
            TapRowBody<I>.run(tile, row, column)
            column &+= 8 &* I.laneCount
        }
        while column < tile.columnCount {
            TapBody<I, 1>.run(tile, row, column)
            column &+= I.laneCount
        }
    }
}

/// The innermost loop of ``TapKernel`` for some rows of one register.
@usableFromInline
internal enum TapBody<I: InstructionSet, let rows: Int> {
    @inlinable
    @inline(never)
    internal static func run(_ tile: borrowing TapTile, _ row: Int, _ column: Int) {
        var sums = TapSums<I, rows>(bias: tile.bias)
        let stride = tile.sourceStride
        let source = unsafe tile.source + (row &* stride &+ column)
        var chain = unsafe tile.chains
        var remaining = tile.chainCount
        while remaining > 0 {
            let p = unsafe source + chain.pointee.offset
            let w = unsafe tile.weights + chain.pointee.weight
            let step = unsafe chain.pointee.weightStep
            switch unsafe chain.pointee.count {
            case 1: unsafe sums.add(p, stride, w, step, taps: 1)
            case 2: unsafe sums.add(p, stride, w, step, taps: 2)
            default: unsafe sums.add(p, stride, w, step, taps: 3)
            }
            unsafe chain += 1
            remaining &-= 1
        }
        let target = unsafe tile.target + (row &* tile.columnCount &+ column)
        let count = Swift.min(I.laneCount, tile.columnCount &- column)
        let lower = I.broadcast(tile.lower)
        let upper = I.broadcast(tile.upper)
        // A short row may be stored as a whole register if what it spills on is stored later.
        let spills = tile.columnCount <= I.laneCount
        for r in 0..<rows {
            let y = unsafe I.minimum(upper, I.maximum(lower, sums.sums[unchecked: r]))
            let line = unsafe target + r &* tile.columnCount
            let room = (tile.rowCount &- row &- r) &* tile.columnCount
            if count == I.laneCount || (spills && room >= I.laneCount) {
                unsafe I.store(y, line)
            } else {
                unsafe I.store(y, line, count: count)
            }
        }
    }
}

/// The accumulators of a ``TapBody``; every index is a constant after inlining.
@usableFromInline
internal struct TapSums<I: InstructionSet, let rows: Int> {
    @usableFromInline internal var sums: InlineArray<rows, I.Floats>

    @inlinable
    @inline(__always)
    internal init(bias: Float) {
        sums = InlineArray(repeating: I.broadcast(bias))
    }

    /// Adds a chain of `taps` taps: every row is loaded once.
    @inlinable
    @inline(__always)
    internal mutating func add(
        _ p: UnsafePointer<Float>,
        _ stride: Int,
        _ weights: UnsafePointer<Float>,
        _ step: Int,
        taps: Int
    ) {
        let w0 = unsafe I.broadcast(weights.pointee)
        let w1 = unsafe taps > 1 ? I.broadcast(weights[step]) : w0
        let w2 = unsafe taps > 2 ? I.broadcast(weights[2 &* step]) : w0
        var p = unsafe p
        if rows &+ taps > 1 {
            unsafe row(0, I.load(p), w0, w1, w2, taps)
            unsafe p += stride
        }
        if rows &+ taps > 2 {
            unsafe row(1, I.load(p), w0, w1, w2, taps)
            unsafe p += stride
        }
        if rows &+ taps > 3 {
            unsafe row(2, I.load(p), w0, w1, w2, taps)
            unsafe p += stride
        }
        if rows &+ taps > 4 {
            unsafe row(3, I.load(p), w0, w1, w2, taps)
            unsafe p += stride
        }
        if rows &+ taps > 5 {
            unsafe row(4, I.load(p), w0, w1, w2, taps)
            unsafe p += stride
        }
        if rows &+ taps > 6 {
            unsafe row(5, I.load(p), w0, w1, w2, taps)
            unsafe p += stride
        }
        if rows &+ taps > 7 {
            unsafe row(6, I.load(p), w0, w1, w2, taps)
            unsafe p += stride
        }
        if rows &+ taps > 8 {
            unsafe row(7, I.load(p), w0, w1, w2, taps)
            unsafe p += stride
        }
        if rows &+ taps > 9 {
            unsafe row(8, I.load(p), w0, w1, w2, taps)
            unsafe p += stride
        }
        if rows &+ taps > 10 {
            unsafe row(9, I.load(p), w0, w1, w2, taps)
            unsafe p += stride
        }
    }

    /// Adds what staged row `r` means for the output rows r, r − 1 and r − 2.
    @inlinable
    @inline(__always)
    internal mutating func row(
        _ r: Int,
        _ x: I.Floats,
        _ w0: I.Floats,
        _ w1: I.Floats,
        _ w2: I.Floats,
        _ taps: Int
    ) {
        if r < rows {
            unsafe sums[unchecked: r] = I.multiplyAdd(sums[unchecked: r], w0, x)
        }
        if taps > 1, r >= 1, r &- 1 < rows {
            unsafe sums[unchecked: r &- 1] = I.multiplyAdd(sums[unchecked: r &- 1], w1, x)
        }
        if taps > 2, r >= 2, r &- 2 < rows {
            unsafe sums[unchecked: r &- 2] = I.multiplyAdd(sums[unchecked: r &- 2], w2, x)
        }
    }
}

/// The innermost loop of ``TapKernel`` for one row of eight registers.
@usableFromInline
internal enum TapRowBody<I: InstructionSet> {
    @inlinable
    @inline(never)
    internal static func run(_ tile: borrowing TapTile, _ row: Int, _ column: Int) {
        let lanes = I.laneCount
        var sums = InlineArray<8, I.Floats>(repeating: I.broadcast(tile.bias))
        let source = unsafe tile.source + (row &* tile.sourceStride &+ column)
        let weights = unsafe tile.weights
        for c in 0..<tile.chainCount {
            let chain = unsafe tile.chains[c]
            var p = unsafe source + chain.offset
            var w = unsafe weights + chain.weight
            for _ in 0..<chain.count {
                let weight = unsafe I.broadcast(w.pointee)
                for v in 0..<8 {
                    let x = unsafe I.load(p + v &* lanes)
                    unsafe sums[unchecked: v] = I.multiplyAdd(sums[unchecked: v], weight, x)
                }
                unsafe p += tile.sourceStride
                unsafe w += chain.weightStep
            }
        }
        let lower = I.broadcast(tile.lower)
        let upper = I.broadcast(tile.upper)
        let target = unsafe tile.target + (row &* tile.columnCount &+ column)
        for v in 0..<8 {
            let y = unsafe I.minimum(upper, I.maximum(lower, sums[unchecked: v]))
            unsafe I.store(y, target + v &* lanes)
        }
    }
}
