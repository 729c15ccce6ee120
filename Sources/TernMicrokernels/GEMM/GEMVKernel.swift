/// One row of C: four panels at a time, so that eight sums hide the latency of the addition.
///
/// Each sum is the chain of additions that ``GEMMBody`` makes, so the bits are those of any batch.
@usableFromInline
internal enum GEMVKernel<I: InstructionSet> {
    @inlinable
    @inline(__always)
    internal static func run(_ tile: borrowing GEMMTile) {
        let width = 2 &* I.laneCount
        var column = 0
        var b = unsafe tile.b
        while tile.columnCount &- column >= 4 &* width {
            unsafe fourPanels(tile, b: b, column: column)
            column &+= 4 &* width
            unsafe b += 4 &* tile.bPanelStride
        }
        while column < tile.columnCount {
            let count = Swift.min(width, tile.columnCount &- column)
            let block = unsafe GEMMBlock(
                a: tile.a,
                b: b,
                c: tile.c + column,
                row: 0,
                column: column,
                columnCount: count,
                ahead: b,
                aheadStride: 0
            )
            GEMMKernel<I>.Row<1>.run(tile, block)
            column &+= width
            unsafe b += tile.bPanelStride
        }
        if tile.finishes, tile.hasActivation {
            GEMMFinish<I>.activate(tile, 0..<tile.columnCount)
        }
    }

    @inlinable
    @inline(never)
    internal static func fourPanels(
        _ tile: borrowing GEMMTile,
        b: UnsafePointer<Float>,
        column: Int
    ) {
        let lanes = I.laneCount
        var sums = InlineArray<8, I.Floats>(repeating: I.broadcast(Float(0)))
        let c = unsafe tile.c + column
        if tile.continues {
            for i in 0..<8 { unsafe sums[unchecked: i] = I.load(c + i &* lanes) }
        }
        let a = unsafe tile.a
        let depth = tile.depth
        let bRowStride = tile.bRowStride
        var b0 = unsafe b
        var b1 = unsafe b + tile.bPanelStride
        var b2 = unsafe b + 2 &* tile.bPanelStride
        var b3 = unsafe b + 3 &* tile.bPanelStride
        var k = 0
        while k < depth {
            let x = unsafe I.broadcast(a[k])
            for i in 0..<8 {
                let panel = unsafe i < 2 ? b0 : i < 4 ? b1 : i < 6 ? b2 : b3
                let y = unsafe I.load(panel + (i % 2) &* lanes)
                unsafe sums[unchecked: i] = I.multiplyAdd(sums[unchecked: i], x, y)
            }
            unsafe b0 += bRowStride
            unsafe b1 += bRowStride
            unsafe b2 += bRowStride
            unsafe b3 += bRowStride
            k &+= 1
        }
        if tile.storesSums {
            for i in 0..<8 { unsafe I.store(sums[unchecked: i], c + i &* lanes) }
            return
        }
        for i in 0..<8 {
            unsafe GEMMFinish<I>.finish(
                sums[unchecked: i],
                tile,
                c + i &* lanes,
                0,
                column &+ i &* lanes,
                lanes
            )
        }
    }
}
