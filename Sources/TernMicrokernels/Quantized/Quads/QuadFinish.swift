/// Stores blocks of a ``QuadTile`` that are not whole, or that lie in several rows.
@usableFromInline
internal enum QuadFinish<I: QuadInstructionSet> {
    /// Stores `rows` rows of sums, each 2 registers from the next: (tile, sums, first filter, rows, first
    /// position, positions).
    @inlinable
    @inline(never)
    internal static func scatter(
        _ x: QuadTile,
        _ sums: UnsafeMutablePointer<Int32>,
        _ filter: Int,
        _ rows: Int,
        _ position: Int,
        _ count: Int
    ) {
        let end = QuadEnd<I>(x.lower, x.upper, x.zeroPoint)
        let filters = Swift.min(rows, x.filterCount &- filter)
        var done = 0
        while done < count {
            // The outputs among one register's positions: where they begin, how many, where they go.
            var runs = InlineArray<48, Int>(repeating: 0)
            var runCount = 0
            let lanes = Swift.min(I.laneCount, count &- done)
            var lane = 0
            while lane < lanes {
                let p = position &+ done &+ lane
                var column = 0
                var length = lanes &- lane
                var index = p
                if x.pitch != x.width {
                    let row = p / x.pitch
                    column = p &- row &* x.pitch
                    length = Swift.min(x.pitch &- column, length)
                    index = row &* x.width &+ column
                }
                let outputs =
                    x.pitch == x.width
                    ? length : Swift.max(0, Swift.min(x.width &- column, length))
                if outputs > 0 {
                    unsafe runs[unchecked: 3 &* runCount] = lane
                    unsafe runs[unchecked: 3 &* runCount &+ 1] = outputs
                    unsafe runs[unchecked: 3 &* runCount &+ 2] = index
                    runCount &+= 1
                }
                lane &+= length
            }
            for r in 0..<filters {
                let source = unsafe sums + (r &* 2 &* I.laneCount &+ done)
                let offset = (filter &+ r) &* x.targetStride
                if x.isBytes {
                    let bytes = unsafe end.bytes(
                        I.load(source),
                        I.broadcast(x.factors[filter &+ r])
                    )
                    let target = unsafe x.target.assumingMemoryBound(to: UInt8.self) + offset
                    for run in 0..<runCount {
                        unsafe I.store(
                            bytes: bytes,
                            target + runs[unchecked: 3 &* run &+ 2],
                            from: runs[unchecked: 3 &* run],
                            count: runs[unchecked: 3 &* run &+ 1]
                        )
                    }
                } else {
                    let target = unsafe x.target.assumingMemoryBound(to: Int32.self) + offset
                    for run in 0..<runCount {
                        let from = unsafe source + runs[unchecked: 3 &* run]
                        let to = unsafe target + runs[unchecked: 3 &* run &+ 2]
                        for i in unsafe 0..<runs[unchecked: 3 &* run &+ 1] {
                            unsafe to[i] = from[i]
                        }
                    }
                }
            }
            done &+= I.laneCount
        }
    }
}
