/// Runs a ``QuadLaneTile``: up to seven outputs of a row at a time.
///
/// Scalar twin: `ScalarTwin.byteConvolution` in the tests.
@usableFromInline
internal enum QuadLaneKernel<I: QuadInstructionSet> {
    @inlinable
    @inline(__always)
    internal static func run(_ tile: QuadLaneTile) {
        for row in 0..<tile.rowCount {
            var column = 0
            while column < tile.columnCount {
                let remaining = tile.columnCount &- column
                if remaining >= 7 {
                    QuadLaneBody<I, 7>.run(tile, row, column)
                    column &+= 7
                } else if remaining >= 4 {
                    QuadLaneBody<I, 4>.run(tile, row, column)
                    column &+= 4
                } else {
                    QuadLaneBody<I, 1>.run(tile, row, column)
                    column &+= 1
                }
            }
        }
    }
}

/// The innermost loops of ``QuadLaneKernel``.
@usableFromInline
internal enum QuadLaneBody<I: QuadInstructionSet, let outputs: Int> {
    @inlinable
    @inline(never)
    internal static func run(_ tile: QuadLaneTile, _ row: Int, _ column: Int) {
        let lanes = I.laneCount
        var sums = unsafe InlineArray<outputs, I.Integers>(repeating: I.load(tile.starts))
        let source = unsafe tile.source + (row &* tile.rowStep &+ column &* lanes)
        let offsets = unsafe tile.offsets
        var weights = unsafe tile.weights
        for s in 0..<tile.stepCount {
            let weight = unsafe I.load(weights)
            let p = unsafe source + offsets[s]
            for i in 0..<outputs {
                let quads = unsafe I.load(p + i &* lanes)
                unsafe sums[unchecked: i] = I.dot(
                    sums[unchecked: i],
                    unsigned: quads,
                    signed: weight
                )
            }
            unsafe weights += lanes
        }
        if let zeros = unsafe tile.zeros {
            var terms = InlineArray<outputs, I.Integers>(
                repeating: I.broadcast(0 &- tile.total)
            )
            for s in 0..<tile.stepCount {
                let one = unsafe I.broadcast(tile.ones[s])
                let p = unsafe source + offsets[s]
                for i in 0..<outputs {
                    let quads = unsafe I.load(p + i &* lanes)
                    unsafe terms[unchecked: i] = I.dot(
                        terms[unchecked: i],
                        unsigned: quads,
                        signed: one
                    )
                }
            }
            let z = unsafe I.load(zeros)
            for i in 0..<outputs {
                let product = unsafe I.multiply(z, terms[unchecked: i])
                unsafe sums[unchecked: i] = I.subtract(sums[unchecked: i], product)
            }
        }
        let place = (row &* tile.columnCount &+ column) &* lanes
        if tile.isBytes {
            let end = QuadEnd<I>(tile.lower, tile.upper, tile.zeroPoint)
            let factors = unsafe I.load(tile.factors)
            let target = unsafe tile.target.assumingMemoryBound(to: UInt8.self) + place
            for i in 0..<outputs {
                let bytes = unsafe end.bytes(sums[unchecked: i], factors)
                unsafe I.store(bytes: bytes, target + i &* lanes)
            }
        } else {
            let target = unsafe tile.target.assumingMemoryBound(to: Float.self) + place
            for i in 0..<outputs {
                unsafe I.store(I.floats(bits: sums[unchecked: i]), target + i &* lanes)
            }
        }
    }
}
