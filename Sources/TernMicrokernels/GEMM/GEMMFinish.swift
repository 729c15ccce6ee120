/// What happens to one register of sums before it is stored.
@usableFromInline
internal enum GEMMFinish<I: InstructionSet> {
    @inlinable
    @inline(__always)
    internal static func store(
        _ sums: I.Floats,
        _ tile: borrowing GEMMTile,
        c: UnsafeMutablePointer<Float>,
        row: Int,
        column: Int,
        count: Int
    ) {
        var v = sums
        if tile.finishes {
            v = I.multiply(v, I.broadcast(tile.alpha))
            if tile.beta != 0 {
                v = unsafe I.multiplyAdd(v, I.broadcast(tile.beta), I.load(c, count: count))
            }
            if let bias = unsafe tile.columnBias {
                v = unsafe I.add(v, I.load(bias + column, count: count))
            }
            if let bias = unsafe tile.rowBias {
                v = unsafe I.add(v, I.broadcast(bias[row]))
            }
            // The bound comes first: where v is NaN the second operand, v, is the result.
            v = I.maximum(I.broadcast(tile.lower), v)
            v = I.minimum(I.broadcast(tile.upper), v)
        }
        if count >= I.laneCount {
            unsafe I.store(v, c)
        } else {
            unsafe I.store(v, c, count: count)
        }
    }
}
