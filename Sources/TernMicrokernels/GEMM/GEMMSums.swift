/// The accumulators of a ``GEMMBody``; every index is a constant after inlining.
@usableFromInline
internal struct GEMMSums<I: InstructionSet, let rows: Int, let registers: Int> {
    // Those that `registers` does not count are never used and cost nothing.
    @usableFromInline internal var first: InlineArray<rows, I.Floats>
    @usableFromInline internal var second: InlineArray<rows, I.Floats>
    @usableFromInline internal var third: InlineArray<rows, I.Floats>
    @usableFromInline internal var fourth: InlineArray<rows, I.Floats>

    @inlinable
    @inline(__always)
    internal init() {
        let zero = I.broadcast(Float(0))
        first = InlineArray(repeating: zero)
        second = InlineArray(repeating: zero)
        third = InlineArray(repeating: zero)
        fourth = InlineArray(repeating: zero)
    }

    /// Continues what an earlier part of the depth left in C.
    @inlinable
    @inline(__always)
    internal mutating func resume(_ r: Int, _ c: UnsafePointer<Float>, edge: Int) {
        if registers == 1 {
            unsafe first[unchecked: r] = I.load(c, count: edge)
        } else if registers == 2 {
            unsafe first[unchecked: r] = I.load(c)
            unsafe second[unchecked: r] = I.load(c + I.laneCount, count: edge)
        } else {
            unsafe first[unchecked: r] = I.load(c)
            unsafe second[unchecked: r] = I.load(c + I.laneCount)
            unsafe third[unchecked: r] = I.load(c + 2 &* I.laneCount)
            unsafe fourth[unchecked: r] = I.load(c + 3 &* I.laneCount)
        }
    }

    /// Adds one product to each sum of a row.
    @inlinable
    @inline(__always)
    internal mutating func step(
        _ r: Int,
        _ a: UnsafePointer<Float>,
        _ b0: I.Floats,
        _ b1: I.Floats,
        _ b2: I.Floats,
        _ b3: I.Floats
    ) {
        let x = unsafe I.broadcast(a.pointee)
        unsafe first[unchecked: r] = I.multiplyAdd(first[unchecked: r], x, b0)
        if registers >= 2 {
            unsafe second[unchecked: r] = I.multiplyAdd(second[unchecked: r], x, b1)
        }
        if registers == 4 {
            unsafe third[unchecked: r] = I.multiplyAdd(third[unchecked: r], x, b2)
            unsafe fourth[unchecked: r] = I.multiplyAdd(fourth[unchecked: r], x, b3)
        }
    }

    /// Stores a row of sums as they are.
    @inlinable
    @inline(__always)
    internal func store(_ r: Int, _ c: UnsafeMutablePointer<Float>, edge: Int) {
        if registers == 1 {
            unsafe GEMMFinish<I>.store(first[unchecked: r], c, edge)
        } else if registers == 2 {
            unsafe I.store(first[unchecked: r], c)
            unsafe GEMMFinish<I>.store(second[unchecked: r], c + I.laneCount, edge)
        } else {
            unsafe I.store(first[unchecked: r], c)
            unsafe I.store(second[unchecked: r], c + I.laneCount)
            unsafe I.store(third[unchecked: r], c + 2 &* I.laneCount)
            unsafe I.store(fourth[unchecked: r], c + 3 &* I.laneCount)
        }
    }

    /// Stores a row after what the tile asks for: ``GEMMFinish``.
    @inlinable
    @inline(__always)
    internal func finish(
        _ r: Int,
        _ tile: borrowing GEMMTile,
        _ c: UnsafeMutablePointer<Float>,
        _ row: Int,
        _ column: Int,
        _ edge: Int
    ) {
        let lanes = I.laneCount
        let row = row &+ r
        if registers == 1 {
            unsafe GEMMFinish<I>.finish(first[unchecked: r], tile, c, row, column, edge)
            return
        }
        let count = registers == 2 ? edge : lanes
        unsafe GEMMFinish<I>.finish(first[unchecked: r], tile, c, row, column, lanes)
        unsafe GEMMFinish<I>.finish(
            second[unchecked: r],
            tile,
            c + lanes,
            row,
            column &+ lanes,
            count
        )
        if registers == 4 {
            unsafe GEMMFinish<I>.finish(
                third[unchecked: r],
                tile,
                c + 2 &* lanes,
                row,
                column &+ 2 &* lanes,
                lanes
            )
            unsafe GEMMFinish<I>.finish(
                fourth[unchecked: r],
                tile,
                c + 3 &* lanes,
                row,
                column &+ 3 &* lanes,
                lanes
            )
        }
    }
}
