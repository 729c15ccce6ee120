/// The arguments of a depthwise convolution of one register of channels.
///
/// Equation, for each of the register's channels: y[r, c] = clamp(bias + Σₜ weights[t]·source[r·rowStep +
/// c·columnStep + offsets[t]]), one chain over t that starts from the bias. A pixel, a tap's weights and
/// the bias are one register each; pixels of the target follow each other, row by row.
@usableFromInline @safe package struct ChannelTapTile {
    @usableFromInline package var source: UnsafePointer<Float>
    @usableFromInline package var rowStep: Int
    @usableFromInline package var columnStep: Int
    @usableFromInline package var offsets: UnsafePointer<Int>
    @usableFromInline package var weights: UnsafePointer<Float>
    @usableFromInline package var tapCount: Int
    @usableFromInline package var bias: UnsafePointer<Float>
    @usableFromInline package var target: UnsafeMutablePointer<Float>
    @usableFromInline package var rowCount: Int
    @usableFromInline package var columnCount: Int
    /// NaN passes both bounds.
    @usableFromInline package var lower: Float
    @usableFromInline package var upper: Float

    @inlinable
    package init(
        source: UnsafePointer<Float>,
        rowStep: Int,
        columnStep: Int,
        offsets: UnsafePointer<Int>,
        weights: UnsafePointer<Float>,
        tapCount: Int,
        bias: UnsafePointer<Float>,
        target: UnsafeMutablePointer<Float>,
        rowCount: Int,
        columnCount: Int,
        lower: Float,
        upper: Float
    ) {
        unsafe self.source = source
        self.rowStep = rowStep
        self.columnStep = columnStep
        unsafe self.offsets = offsets
        unsafe self.weights = weights
        self.tapCount = tapCount
        unsafe self.bias = bias
        unsafe self.target = target
        self.rowCount = rowCount
        self.columnCount = columnCount
        self.lower = lower
        self.upper = upper
    }
}

/// Runs a ``ChannelTapTile``: up to seven pixels of a row at a time.
///
/// Scalar twin: `ConvolutionTests`.
@usableFromInline
internal enum ChannelTapKernel<I: InstructionSet> {
    @inlinable
    @inline(__always)
    internal static func run(_ tile: borrowing ChannelTapTile) {
        for row in 0..<tile.rowCount {
            var column = 0
            while column < tile.columnCount {
                let remaining = tile.columnCount &- column
                if remaining >= 7 {
                    ChannelTapBody<I, 7>.run(tile, row, column)
                    column &+= 7
                } else if remaining >= 4 {
                    ChannelTapBody<I, 4>.run(tile, row, column)
                    column &+= 4
                } else {
                    ChannelTapBody<I, 1>.run(tile, row, column)
                    column &+= 1
                }
            }
        }
    }
}

/// The innermost loop of ``ChannelTapKernel``.
@usableFromInline
internal enum ChannelTapBody<I: InstructionSet, let pixels: Int> {
    @inlinable
    @inline(never)
    internal static func run(_ tile: borrowing ChannelTapTile, _ row: Int, _ column: Int) {
        let lanes = I.laneCount
        var sums = unsafe InlineArray<pixels, I.Floats>(repeating: I.load(tile.bias))
        let step = tile.columnStep
        let source = unsafe tile.source + (row &* tile.rowStep &+ column &* step)
        let offsets = unsafe tile.offsets
        var weights = unsafe tile.weights
        for t in 0..<tile.tapCount {
            let weight = unsafe I.load(weights)
            let p = unsafe source + offsets[t]
            for i in 0..<pixels {
                let x = unsafe I.load(p + i &* step)
                unsafe sums[unchecked: i] = I.multiplyAdd(sums[unchecked: i], weight, x)
            }
            unsafe weights += lanes
        }
        let lower = I.broadcast(tile.lower)
        let upper = I.broadcast(tile.upper)
        let target = unsafe tile.target + (row &* tile.columnCount &+ column) &* lanes
        for i in 0..<pixels {
            let y = unsafe I.minimum(upper, I.maximum(lower, sums[unchecked: i]))
            unsafe I.store(y, target + i &* lanes)
        }
    }
}
