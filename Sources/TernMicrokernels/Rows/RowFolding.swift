/// Folds of a row in registers.
///
/// Element i of a row belongs to lane i mod 64 of 64 lanes, which are 4, 8 or 16 registers; the lanes are
/// folded by halves, lane i with lane i + 32, then with lane i + 16, and so on. The order depends on
/// the row's length alone, and is that of every instruction set.
@usableFromInline
internal enum RowFolding<I: InstructionSet> {
    /// The lanes a row is dealt out to.
    @inlinable
    @inline(__always)
    internal static var laneCount: Int { 64 }

    @inlinable
    @inline(__always)
    internal static var registerCount: Int { laneCount / I.laneCount }

    /// combine(start, term(x[0]), term(x[1]), …).
    @inlinable
    @inline(__always)
    internal static func fold(
        _ x: UnsafePointer<Float>,
        _ count: Int,
        start: Float,
        _ combine: (I.Floats, I.Floats) -> I.Floats,
        _ term: (I.Floats) -> I.Floats
    ) -> Float {
        let lanes = I.laneCount
        var s = InlineArray<16, I.Floats>(repeating: I.broadcast(start))
        var i = 0
        while count &- i >= laneCount {
            for r in 0..<registerCount {
                let v = unsafe term(I.load(x + (i &+ r &* lanes)))
                unsafe s[unchecked: r] = combine(s[unchecked: r], v)
            }
            i &+= laneCount
        }
        let rest = count &- i
        if rest > 0 {
            for r in 0..<registerCount {
                let left = rest &- r &* lanes
                if left >= lanes {
                    let v = unsafe term(I.load(x + (i &+ r &* lanes)))
                    unsafe s[unchecked: r] = combine(s[unchecked: r], v)
                } else if left > 0 {
                    let v = unsafe term(I.load(x + (i &+ r &* lanes), count: left))
                    unsafe s[unchecked: r] = I.select(
                        I.firstLanes(left),
                        combine(s[unchecked: r], v),
                        s[unchecked: r]
                    )
                }
            }
        }
        if registerCount > 8 {
            for r in 0..<8 {
                unsafe s[unchecked: r] = combine(s[unchecked: r], s[unchecked: r &+ 8])
            }
        }
        if registerCount > 4 {
            for r in 0..<4 {
                unsafe s[unchecked: r] = combine(s[unchecked: r], s[unchecked: r &+ 4])
            }
        }
        for r in 0..<2 {
            unsafe s[unchecked: r] = combine(s[unchecked: r], s[unchecked: r &+ 2])
        }
        return unsafe across(combine(s[unchecked: 0], s[unchecked: 1]), combine)
    }

    /// How many rows the phases of a kernel take at a time.
    ///
    /// What one phase computes of a row, the next waits for; the other rows' work fills that time, as
    /// long as all of them stay in the nearest cache. Results do not depend on it.
    @inlinable
    @inline(__always)
    internal static func groupRowCount(_ count: Int) -> Int { count <= 1024 ? 4 : 1 }

    /// Folds the lanes of one register by halves.
    @inlinable
    @inline(__always)
    internal static func across(
        _ a: I.Floats,
        _ combine: (I.Floats, I.Floats) -> I.Floats
    ) -> Float {
        var v = a
        if I.laneCount > 8 { v = combine(v, I.lanes(v, shiftedDownBy: 8)) }
        if I.laneCount > 4 { v = combine(v, I.lanes(v, shiftedDownBy: 4)) }
        v = combine(v, I.lanes(v, shiftedDownBy: 2))
        v = combine(v, I.lanes(v, shiftedDownBy: 1))
        return I.first(v)
    }
}
