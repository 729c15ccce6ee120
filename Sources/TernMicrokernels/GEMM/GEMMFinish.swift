/// What happens to the sums of a ``GEMMTile`` at the end of the depth.
@usableFromInline
internal enum GEMMFinish<I: InstructionSet> {
    /// Stores one register of sums after scaling, additions and bounds.
    @inlinable
    @inline(__always)
    internal static func finish(
        _ sums: I.Floats,
        _ tile: borrowing GEMMTile,
        _ c: UnsafeMutablePointer<Float>,
        _ row: Int,
        _ column: Int,
        _ count: Int
    ) {
        var v = I.multiply(sums, I.broadcast(tile.alpha))
        if tile.beta != 0 {
            v = unsafe I.multiplyAdd(v, I.broadcast(tile.beta), I.load(c, count: count))
        }
        if let bias = unsafe tile.columnBias {
            v = unsafe I.add(v, I.load(bias + column, count: count))
        }
        if let bias = unsafe tile.rowBias {
            v = unsafe I.add(v, I.broadcast(bias[row]))
        }
        if let residual = unsafe tile.residual {
            let addend = unsafe residual + (row &* tile.residualRowStride &+ column)
            v = unsafe I.add(v, I.load(addend, count: count))
        }
        // The bound comes first: where v is NaN the second operand, v, is the result.
        v = I.maximum(I.broadcast(tile.lower), v)
        v = I.minimum(I.broadcast(tile.upper), v)
        unsafe store(v, c, count)
    }

    /// Stores the first `count` lanes.
    @inlinable
    @inline(__always)
    internal static func store(_ v: I.Floats, _ c: UnsafeMutablePointer<Float>, _ count: Int) {
        if count >= I.laneCount {
            unsafe I.store(v, c)
        } else {
            unsafe I.store(v, c, count: count)
        }
    }

    /// Applies the tile's activation to finished columns of C, which are still near.
    @inlinable
    @inline(never)
    internal static func activate(_ tile: borrowing GEMMTile, _ columns: Range<Int>) {
        let operation = tile.activation
        for row in 0..<tile.rowCount {
            let c = unsafe tile.c + (row &* tile.cRowStride &+ columns.lowerBound)
            _ = unsafe UnaryKernel<I>.run(operation, c, c, columns.count)
        }
    }
}
