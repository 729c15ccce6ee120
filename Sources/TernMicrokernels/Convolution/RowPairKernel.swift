/// The arguments of 3×3 convolutions of small planes, with one pixel of padding around each.
///
/// Equation, for each plane: y[r, c] = clamp(bias + Σ weights[i, j]·x[r + i − 1, c + j − 1]) for r < height ≤ 7, c <
/// width ≤ 7; what lies outside the plane is 0 and is not touched. One chain, row by row. Planes of the source and
/// the target follow each other, and so do the nine weights and the bias of each.
@usableFromInline @safe package struct RowPairTile {
    @usableFromInline package var source: UnsafePointer<Float>
    @usableFromInline package var planeCount: Int
    @usableFromInline package var height: Int
    @usableFromInline package var width: Int
    @usableFromInline package var weights: UnsafePointer<Float>
    @usableFromInline package var bias: UnsafePointer<Float>?
    /// Four registers of lane numbers: see ``RowPairKernel``.
    @usableFromInline package var lanes: UnsafePointer<Float>
    @usableFromInline package var target: UnsafeMutablePointer<Float>
    /// NaN passes both bounds.
    @usableFromInline package var lower: Float
    @usableFromInline package var upper: Float

    @inlinable
    package init(
        source: UnsafePointer<Float>,
        planeCount: Int,
        height: Int,
        width: Int,
        weights: UnsafePointer<Float>,
        bias: UnsafePointer<Float>?,
        lanes: UnsafePointer<Float>,
        target: UnsafeMutablePointer<Float>,
        lower: Float,
        upper: Float
    ) {
        unsafe self.source = source
        self.planeCount = planeCount
        self.height = height
        self.width = width
        unsafe self.weights = weights
        unsafe self.bias = bias
        unsafe self.lanes = lanes
        unsafe self.target = target
        self.lower = lower
        self.upper = upper
    }
}

/// Runs a ``RowPairTile`` where a register has 16 lanes: two rows of eight.
///
/// Two rows of the plane, which follow each other in memory, are loaded at once, and three permutations
/// move them to lanes 0… and 8…: one column to the right, in place and one column to the left; lane 15
/// is always zero before, and fills the gaps. Rows r and r + 1 serve output rows r and r + 1 as the middle taps;
/// rows r − 1 and r as the upper ones, and as the lower ones of the pair above. ``RowPairTile/lanes`` are
/// those permutations and the one back. Scalar twin: `ConvolutionTests`.
@usableFromInline
internal enum RowPairKernel<I: PlaneInstructionSet> {
    @inlinable
    @inline(__always)
    internal static func run(_ tile: borrowing RowPairTile) {
        guard I.laneCount == 16 else { return }
        let size = tile.height &* tile.width
        for plane in 0..<tile.planeCount {
            let bias = unsafe tile.bias.map { unsafe $0[plane] } ?? 0
            var pairs = unsafe RowPairs<I>(
                plane: tile.source + plane &* size,
                height: tile.height,
                width: tile.width,
                lanes: tile.lanes,
                weights: tile.weights + 9 &* plane,
                bias: bias
            )
            pairs.convolve()
            unsafe pairs.store(tile, tile.target + plane &* size)
        }
    }
}

/// One plane on its way through a ``RowPairKernel``.
@usableFromInline @safe
internal struct RowPairs<I: PlaneInstructionSet> {
    @usableFromInline internal let plane: UnsafePointer<Float>
    @usableFromInline internal let height: Int
    @usableFromInline internal let width: Int
    @usableFromInline internal let lanes: UnsafePointer<Float>
    @usableFromInline internal let weights: UnsafePointer<Float>
    /// Output rows 0 and 1, then 2 and 3, and so on.
    @usableFromInline internal var sums: InlineArray<4, I.Floats>

    @inlinable
    @inline(__always)
    internal init(
        plane: UnsafePointer<Float>,
        height: Int,
        width: Int,
        lanes: UnsafePointer<Float>,
        weights: UnsafePointer<Float>,
        bias: Float
    ) {
        unsafe self.plane = plane
        self.height = height
        self.width = width
        unsafe self.lanes = lanes
        unsafe self.weights = weights
        sums = InlineArray(repeating: I.broadcast(bias))
    }

    @inlinable
    @inline(__always)
    internal mutating func convolve() {
        pair(-1, upper: 0, middle: 4, lower: 4)
        pair(0, upper: 4, middle: 0, lower: 4)
        pair(1, upper: 1, middle: 4, lower: 0)
        pair(2, upper: 4, middle: 1, lower: 4)
        pair(3, upper: 2, middle: 4, lower: 1)
        pair(4, upper: 4, middle: 2, lower: 4)
        pair(5, upper: 3, middle: 4, lower: 2)
        pair(6, upper: 4, middle: 3, lower: 4)
    }

    /// Adds what rows `row` and `row + 1` mean for the sums with these numbers; 4 is none.
    @inlinable
    @inline(__always)
    internal mutating func pair(_ row: Int, upper: Int, middle: Int, lower: Int) {
        let end = Swift.min(Swift.max(0, height &- row), 2) &* width
        let x = unsafe I.load(plane + row &* width, from: row < 0 ? width : 0, to: end)
        let left = unsafe I.permute(x, I.bits(I.load(lanes)))
        let here = unsafe I.permute(x, I.bits(I.load(lanes + 16)))
        let right = unsafe I.permute(x, I.bits(I.load(lanes + 32)))
        if lower < 4 { add(lower, 6, left, here, right) }
        if middle < 4 { add(middle, 3, left, here, right) }
        if upper < 4 { add(upper, 0, left, here, right) }
    }

    @inlinable
    @inline(__always)
    internal mutating func add(
        _ sum: Int,
        _ tap: Int,
        _ left: I.Floats,
        _ here: I.Floats,
        _ right: I.Floats
    ) {
        let w = unsafe weights + tap
        var s = unsafe sums[unchecked: sum]
        s = unsafe I.multiplyAdd(s, I.broadcast(w[0]), left)
        s = unsafe I.multiplyAdd(s, I.broadcast(w[1]), here)
        s = unsafe I.multiplyAdd(s, I.broadcast(w[2]), right)
        unsafe sums[unchecked: sum] = s
    }

    /// Brings the pairs together and stores them; what a whole register spills is stored again.
    @inlinable
    @inline(__always)
    internal func store(_ tile: borrowing RowPairTile, _ target: UnsafeMutablePointer<Float>) {
        let lower = I.broadcast(tile.lower)
        let upper = I.broadcast(tile.upper)
        for k in 0..<4 {
            let y = unsafe I.minimum(upper, I.maximum(lower, sums[unchecked: k]))
            let place = 2 &* k &* width
            let room = height &* width &- place
            let packed = unsafe I.permute(y, I.bits(I.load(lanes + 48)))
            if room >= 16 {
                unsafe I.store(packed, target + place)
            } else if room > 0 {
                unsafe I.store(packed, target + place, count: Swift.min(room, 2 &* width))
            }
        }
    }
}
