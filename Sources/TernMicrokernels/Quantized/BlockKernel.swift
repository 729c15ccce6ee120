/// Runs a ``BlockTile``, and quantises rows for it.
@usableFromInline
internal enum BlockKernel<I: BFloatInstructionSet> {
    @inlinable
    @inline(__always)
    internal static func run(_ tile: BlockTile) {
        switch (tile.codes, tile.hasZeroPoints) {
        case (.nibbles, false): Panels<PlainNibbles<I>>.run(tile)
        case (.nibbles, true): Panels<ShiftedNibbles<I>>.run(tile)
        case (.bytes, false): Panels<PlainBytes<I>>.run(tile)
        case (.bytes, true): Panels<ShiftedBytes<I>>.run(tile)
        }
    }

    /// All panels in one layout, four rows at a time.
    @usableFromInline
    internal enum Panels<Layout: BlockLayout> where Layout.Set == I {
        @inlinable
        @inline(never)
        internal static func run(_ x: BlockTile) {
            var block = InlineArray<128, Float>(repeating: 0)
            unsafe withUnsafeMutablePointer(to: &block) { buffer in
                unsafe buffer.withMemoryRebound(to: Float.self, capacity: 128) {
                    unsafe blocks(x, $0)
                }
            }
        }

        @inlinable
        @inline(__always)
        internal static func blocks(_ x: BlockTile, _ sums: UnsafeMutablePointer<Float>) {
            let width = 2 &* I.laneCount
            var column = 0
            var b = unsafe x.b
            while column < x.columnCount {
                var row = 0
                while row < x.rowCount {
                    let rows = Swift.min(4, x.rowCount &- row)
                    switch rows {
                    case 1: unsafe BlockBody<Layout, 1>.run(x, row, b, sums)
                    case 2: unsafe BlockBody<Layout, 2>.run(x, row, b, sums)
                    case 3: unsafe BlockBody<Layout, 3>.run(x, row, b, sums)
                    default: unsafe BlockBody<Layout, 4>.run(x, row, b, sums)
                    }
                    unsafe SumFinishKernel<I>.store(
                        x.end,
                        sums,
                        width,
                        row,
                        rows,
                        column,
                        Swift.min(width, x.columnCount &- column)
                    )
                    row &+= rows
                }
                column &+= width
                unsafe b += x.bPanelStride
            }
        }
    }

    /// Quantises a row in blocks of 32, the last filled up with zeros.
    ///
    /// For each block: scale = max|x| / 127, q = roundToEven(x·(127 / max|x|)), and -factor·Σ q. A block
    /// whose numbers are all too small for 127 / max|x| to be finite, below 4·10⁻³⁷, counts as zeros; one with
    /// NaN or infinity gets NaN as its scale, so that every sum it is part of becomes NaN.
    @inlinable
    @inline(__always)
    internal static func quantizeRow(
        _ x: UnsafePointer<Float>,
        _ count: Int,
        _ factor: Int32,
        _ codes: UnsafeMutablePointer<Int8>,
        _ scales: UnsafeMutablePointer<Float>,
        _ sums: UnsafeMutablePointer<Int32>
    ) {
        let magnitude = I.broadcast(Int32(0x7fff_ffff))
        var k = 0
        var block = 0
        while k < count {
            var most = I.broadcast(Int32(0))
            var i = 0
            while i < 32 {
                let v = unsafe I.load(x + k + i, count: lanes(count &- k &- i))
                most = I.maximum(most, I.and(I.bits(v), magnitude))
                i &+= I.laneCount
            }
            let largest = Float(bitPattern: UInt32(bitPattern: I.largest(most)))
            var inverse = 127 / largest
            var scale = largest / 127
            if !(largest < .infinity) {
                scale = .nan
                inverse = 0
            } else if inverse == .infinity {
                scale = 0
                inverse = 0
            }
            let factors = I.broadcast(inverse)
            let isFinite = I.broadcast(scale.isNaN ? Int32(0) : Int32(-1))
            var total = I.broadcast(Int32(0))
            i = 0
            while i < 32 {
                let v = unsafe I.load(x + k + i, count: lanes(count &- k &- i))
                let safe = I.floats(bits: I.and(I.bits(v), isFinite))
                let q = I.truncate(I.roundToEven(I.multiply(safe, factors)))
                total = I.add(total, q)
                let target = unsafe UnsafeMutableRawPointer(codes + k + i)
                unsafe I.store(bytes: q, target.assumingMemoryBound(to: UInt8.self))
                i &+= I.laneCount
            }
            unsafe scales[block] = scale
            unsafe sums[block] = 0 &- factor &* I.sum(total)
            block &+= 1
            k &+= 32
        }
    }

    @inlinable
    @inline(__always)
    internal static func lanes(_ remaining: Int) -> Int {
        Swift.max(0, Swift.min(I.laneCount, remaining))
    }
}
