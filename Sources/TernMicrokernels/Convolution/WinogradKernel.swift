/// The transforms of Winograd's minimal filtering F(4, 3), on one register of channels at a time.
///
/// Four outputs of a three-tap filter take six multiplications instead of twelve: y = Aᵀ[(Gg) ⊙ (Bᵀd)]
/// for six inputs d and three taps g; nested, 4×4 outputs of a 3×3 filter take 36 instead of 144. The
/// interpolation points are 0, ±3/4, ±3/2 and ∞: all entries of A and B are exact floats, and
/// the error is a third of that with the usual 0, ±1, ±2, ∞. (Winograd 1980; Lavin and Gray 2016; on
/// points, Barabasz et al. 2020.)
///
/// Channels lie next to each other: a pixel is `channelCount` floats, rounded up to whole registers,
/// which are read and written as a whole. Of the 36 transformed elements of a tile, element 6i + j is
/// `pointStride` floats after the one before. A row of the transform is finished before the next begins,
/// so that nothing has to wait in memory. Scalar twin: `WinogradTests`.
@usableFromInline
internal enum WinogradKernel<I: InstructionSet> {
    @usableFromInline internal typealias Six = InlineArray<6, I.Floats>

    /// The points squared, and what the polynomials (x² − a²)(x² − b²) are made of.
    @inlinable @inline(__always) internal static var a: Float { 0.75 }
    @inlinable @inline(__always) internal static var b: Float { 1.5 }
    @inlinable @inline(__always) internal static var a2: Float { 0.5625 }
    @inlinable @inline(__always) internal static var b2: Float { 2.25 }

    /// a²b²·d₀ − (a² + b²)·d₂ + d₄: the rows of Bᵀ for 0 and, one element on, for ∞.
    @inlinable
    @inline(__always)
    internal static func end(_ d0: I.Floats, _ d2: I.Floats, _ d4: I.Floats) -> I.Floats {
        let sum = I.multiplyAdd(d4, d2, I.broadcast(-(a2 + b2)))
        return I.multiplyAdd(sum, d0, I.broadcast(a2 * b2))
    }

    /// The even and odd halves of the rows of Bᵀ for ±point, where `other` is the other point squared.
    @inlinable
    @inline(__always)
    internal static func halves(
        _ d1: I.Floats,
        _ d2: I.Floats,
        _ d3: I.Floats,
        _ d4: I.Floats,
        point: Float,
        other: Float
    ) -> (even: I.Floats, odd: I.Floats) {
        let factor = I.broadcast(-other)
        let odd = I.multiply(I.broadcast(point), I.multiplyAdd(d3, d1, factor))
        return (I.multiplyAdd(d4, d2, factor), odd)
    }

    /// Bᵀd along one row, stored.
    @inlinable
    @inline(__always)
    internal static func storeRow(
        _ d: Six,
        _ target: UnsafeMutablePointer<Float>,
        _ stride: Int
    ) {
        let (d0, d1, d2) = unsafe (d[unchecked: 0], d[unchecked: 1], d[unchecked: 2])
        let (d3, d4, d5) = unsafe (d[unchecked: 3], d[unchecked: 4], d[unchecked: 5])
        unsafe I.store(end(d0, d2, d4), target)
        let near = halves(d1, d2, d3, d4, point: a, other: b2)
        unsafe I.store(I.add(near.even, near.odd), target + stride)
        unsafe I.store(I.subtract(near.even, near.odd), target + 2 &* stride)
        let far = halves(d1, d2, d3, d4, point: b, other: a2)
        unsafe I.store(I.add(far.even, far.odd), target + 3 &* stride)
        unsafe I.store(I.subtract(far.even, far.odd), target + 4 &* stride)
        unsafe I.store(end(d1, d3, d5), target + 5 &* stride)
    }

    /// Bᵀ d B for a tile of 6×6 pixels, each `columnStep` after its left and `rowStep` after its
    /// upper neighbour.
    @inlinable
    @inline(__always)
    internal static func input(
        _ source: UnsafePointer<Float>,
        _ rowStep: Int,
        _ columnStep: Int,
        _ channelCount: Int,
        _ target: UnsafeMutablePointer<Float>,
        _ pointStride: Int
    ) {
        let zero = I.broadcast(Float(0))
        let step = 6 &* pointStride
        var c = 0
        while c < channelCount {
            let d = unsafe source + c
            let v = unsafe target + c
            var plus = Six(repeating: zero)
            var minus = Six(repeating: zero)
            for j in 0..<6 {
                let p = unsafe d + j &* columnStep
                unsafe plus[unchecked: j] = end(
                    I.load(p),
                    I.load(p + 2 &* rowStep),
                    I.load(p + 4 &* rowStep)
                )
            }
            unsafe storeRow(plus, v, pointStride)
            for j in 0..<6 {
                let p = unsafe d + (j &* columnStep &+ rowStep)
                unsafe plus[unchecked: j] = end(
                    I.load(p),
                    I.load(p + 2 &* rowStep),
                    I.load(p + 4 &* rowStep)
                )
            }
            unsafe storeRow(plus, v + 5 &* step, pointStride)
            for j in 0..<6 {
                let half = unsafe inner(d + j &* columnStep, rowStep, point: a, other: b2)
                unsafe plus[unchecked: j] = I.add(half.even, half.odd)
                unsafe minus[unchecked: j] = I.subtract(half.even, half.odd)
            }
            unsafe storeRow(plus, v + step, pointStride)
            unsafe storeRow(minus, v + 2 &* step, pointStride)
            for j in 0..<6 {
                let half = unsafe inner(d + j &* columnStep, rowStep, point: b, other: a2)
                unsafe plus[unchecked: j] = I.add(half.even, half.odd)
                unsafe minus[unchecked: j] = I.subtract(half.even, half.odd)
            }
            unsafe storeRow(plus, v + 3 &* step, pointStride)
            unsafe storeRow(minus, v + 4 &* step, pointStride)
            c &+= I.laneCount
        }
    }

    /// The halves of a column's middle rows.
    @inlinable
    @inline(__always)
    internal static func inner(
        _ p: UnsafePointer<Float>,
        _ rowStep: Int,
        point: Float,
        other: Float
    ) -> (even: I.Floats, odd: I.Floats) {
        unsafe halves(
            I.load(p + rowStep),
            I.load(p + 2 &* rowStep),
            I.load(p + 3 &* rowStep),
            I.load(p + 4 &* rowStep),
            point: point,
            other: other
        )
    }

    /// Bᵀd for six pixels in a row: six transformed elements.
    @inlinable
    @inline(__always)
    internal static func inputRow(
        _ source: UnsafePointer<Float>,
        _ columnStep: Int,
        _ channelCount: Int,
        _ target: UnsafeMutablePointer<Float>,
        _ pointStride: Int
    ) {
        var c = 0
        while c < channelCount {
            var d = Six(repeating: I.broadcast(Float(0)))
            for j in 0..<6 {
                unsafe d[unchecked: j] = I.load(source + (c &+ j &* columnStep))
            }
            unsafe storeRow(d, target + c, pointStride)
            c &+= I.laneCount
        }
    }
}
