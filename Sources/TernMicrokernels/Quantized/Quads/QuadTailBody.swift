/// The last few positions of a run: where ``QuadBody`` would fill its registers with positions that don't
/// count, each register here holds the sums of a block of filters at one position.
///
/// Weights are read a register at a time, beyond the block's filters too; what comes of that isn't
/// stored.
@usableFromInline
internal enum QuadTailBody<I: QuadInstructionSet, let positions: Int> {
    /// Runs one block: (tile, its weights, its first filter, its filters, its first position, how many
    /// positions count, memory for as many rows of 2 registers as there are filters).
    @inlinable
    @inline(never)
    internal static func run(
        _ x: QuadTile,
        _ weights: UnsafePointer<Int32>,
        _ filter: Int,
        _ height: Int,
        _ position: Int,
        _ count: Int,
        _ memory: UnsafeMutablePointer<Int32>
    ) {
        var sums = unsafe InlineArray<positions, I.Integers>(repeating: I.load(x.starts + filter))
        let source = unsafe x.source + 4 &* position
        let offsets = unsafe x.offsets
        var w = unsafe weights
        for s in 0..<x.stepCount {
            let weight = unsafe I.load(w)
            let p = unsafe (source + offsets[s]).assumingMemoryBound(to: Int32.self)
            for i in 0..<positions {
                let quad = unsafe I.broadcast(p[i])
                unsafe sums[unchecked: i] = I.dot(
                    sums[unchecked: i],
                    unsigned: quad,
                    signed: weight
                )
            }
            unsafe w += height
        }
        if let zeros = unsafe x.zeros {
            let z = unsafe I.load(zeros + filter)
            for i in 0..<positions {
                let term = unsafe I.broadcast(x.terms[position &+ i])
                unsafe sums[unchecked: i] = I.subtract(sums[unchecked: i], I.multiply(z, term))
            }
        }
        var block = InlineArray<64, Int32>(repeating: 0)
        unsafe withUnsafeMutablePointer(to: &block) { buffer in
            let rows = unsafe UnsafeMutableRawPointer(buffer).assumingMemoryBound(to: Int32.self)
            for i in 0..<positions {
                let row = unsafe UnsafeMutableRawPointer(rows + i &* I.laneCount)
                    .assumingMemoryBound(to: Float.self)
                unsafe I.store(I.floats(bits: sums[unchecked: i]), row)
            }
            for r in 0..<height {
                for i in 0..<count {
                    unsafe memory[r &* 2 &* I.laneCount &+ i] = rows[i &* I.laneCount &+ r]
                }
            }
        }
        unsafe QuadFinish<I>.scatter(x, memory, filter, height, position, count)
    }
}
