/// The innermost loop of convolutions of bytes: `rows` filters at one or two registers of positions.
///
/// Every row is written out, with a constant index: an accumulator that is indexed by a variable even
/// once lives in memory. Equation and layouts as in ``QuadTile``. Blocks that are stored whole leave their registers as
/// bytes; the others go through memory to ``QuadFinish``. Scalar twin:
/// `ScalarTwin.byteConvolution` in the tests.
@usableFromInline
internal enum QuadBody<I: QuadInstructionSet, let rows: Int, let registers: Int> {
    /// Runs one block: (tile, its weights, its first filter, its first position, its positions, memory
    /// for `rows`·2 registers).
    @inlinable
    @inline(never)
    internal static func run(
        _ x: QuadTile,
        _ weights: UnsafePointer<Int32>,
        _ filter: Int,
        _ position: Int,
        _ count: Int,
        _ memory: UnsafeMutablePointer<Int32>
    ) {
        var sums = QuadSums<I, rows, registers>()
        let start = unsafe x.starts + filter
        unsafe sums.begin(0, start[0])
        if rows > 1 { unsafe sums.begin(1, start[1]) }
        if rows > 2 { unsafe sums.begin(2, start[2]) }
        if rows > 3 { unsafe sums.begin(3, start[3]) }
        if rows > 4 { unsafe sums.begin(4, start[4]) }
        if rows > 5 { unsafe sums.begin(5, start[5]) }
        if rows > 6 { unsafe sums.begin(6, start[6]) }
        if rows > 7 { unsafe sums.begin(7, start[7]) }
        if rows > 8 { unsafe sums.begin(8, start[8]) }
        if rows > 9 { unsafe sums.begin(9, start[9]) }
        if rows > 10 { unsafe sums.begin(10, start[10]) }
        if rows > 11 { unsafe sums.begin(11, start[11]) }
        var w = unsafe weights
        let source = unsafe x.source + 4 &* position
        let offsets = unsafe x.offsets
        for s in 0..<x.stepCount {
            let p = unsafe (source + offsets[s]).assumingMemoryBound(to: Int32.self)
            let b0 = unsafe I.load(p)
            let b1 = unsafe registers == 2 ? I.load(p + I.laneCount) : b0
            unsafe sums.step(0, w[0], b0, b1)
            if rows > 1 { unsafe sums.step(1, w[1], b0, b1) }
            if rows > 2 { unsafe sums.step(2, w[2], b0, b1) }
            if rows > 3 { unsafe sums.step(3, w[3], b0, b1) }
            if rows > 4 { unsafe sums.step(4, w[4], b0, b1) }
            if rows > 5 { unsafe sums.step(5, w[5], b0, b1) }
            if rows > 6 { unsafe sums.step(6, w[6], b0, b1) }
            if rows > 7 { unsafe sums.step(7, w[7], b0, b1) }
            if rows > 8 { unsafe sums.step(8, w[8], b0, b1) }
            if rows > 9 { unsafe sums.step(9, w[9], b0, b1) }
            if rows > 10 { unsafe sums.step(10, w[10], b0, b1) }
            if rows > 11 { unsafe sums.step(11, w[11], b0, b1) }
            unsafe w += rows
        }
        if let zeros = unsafe x.zeros {
            let terms = unsafe x.terms + position
            let t0 = unsafe I.load(terms)
            let t1 = unsafe registers == 2 ? I.load(terms + I.laneCount) : t0
            let z = unsafe zeros + filter
            unsafe sums.subtract(0, z[0], t0, t1)
            if rows > 1 { unsafe sums.subtract(1, z[1], t0, t1) }
            if rows > 2 { unsafe sums.subtract(2, z[2], t0, t1) }
            if rows > 3 { unsafe sums.subtract(3, z[3], t0, t1) }
            if rows > 4 { unsafe sums.subtract(4, z[4], t0, t1) }
            if rows > 5 { unsafe sums.subtract(5, z[5], t0, t1) }
            if rows > 6 { unsafe sums.subtract(6, z[6], t0, t1) }
            if rows > 7 { unsafe sums.subtract(7, z[7], t0, t1) }
            if rows > 8 { unsafe sums.subtract(8, z[8], t0, t1) }
            if rows > 9 { unsafe sums.subtract(9, z[9], t0, t1) }
            if rows > 10 { unsafe sums.subtract(10, z[10], t0, t1) }
            if rows > 11 { unsafe sums.subtract(11, z[11], t0, t1) }
        }
        if x.isBytes, count == registers &* I.laneCount, filter &+ rows <= x.filterCount,
            let index = x.outputIndex(position, count)
        {
            let to =
                unsafe x.target.assumingMemoryBound(to: UInt8.self)
                + (filter &* x.targetStride &+ index)
            let stride = x.targetStride
            let end = QuadEnd<I>(x.lower, x.upper, x.zeroPoint)
            let f = unsafe x.factors + filter
            unsafe sums.store(0, end, f[0], to + 0 &* stride)
            if rows > 1 { unsafe sums.store(1, end, f[1], to + 1 &* stride) }
            if rows > 2 { unsafe sums.store(2, end, f[2], to + 2 &* stride) }
            if rows > 3 { unsafe sums.store(3, end, f[3], to + 3 &* stride) }
            if rows > 4 { unsafe sums.store(4, end, f[4], to + 4 &* stride) }
            if rows > 5 { unsafe sums.store(5, end, f[5], to + 5 &* stride) }
            if rows > 6 { unsafe sums.store(6, end, f[6], to + 6 &* stride) }
            if rows > 7 { unsafe sums.store(7, end, f[7], to + 7 &* stride) }
            if rows > 8 { unsafe sums.store(8, end, f[8], to + 8 &* stride) }
            if rows > 9 { unsafe sums.store(9, end, f[9], to + 9 &* stride) }
            if rows > 10 { unsafe sums.store(10, end, f[10], to + 10 &* stride) }
            if rows > 11 { unsafe sums.store(11, end, f[11], to + 11 &* stride) }
        } else {
            let width = 2 &* I.laneCount
            unsafe sums.store(0, memory + 0 &* width)
            if rows > 1 { unsafe sums.store(1, memory + 1 &* width) }
            if rows > 2 { unsafe sums.store(2, memory + 2 &* width) }
            if rows > 3 { unsafe sums.store(3, memory + 3 &* width) }
            if rows > 4 { unsafe sums.store(4, memory + 4 &* width) }
            if rows > 5 { unsafe sums.store(5, memory + 5 &* width) }
            if rows > 6 { unsafe sums.store(6, memory + 6 &* width) }
            if rows > 7 { unsafe sums.store(7, memory + 7 &* width) }
            if rows > 8 { unsafe sums.store(8, memory + 8 &* width) }
            if rows > 9 { unsafe sums.store(9, memory + 9 &* width) }
            if rows > 10 { unsafe sums.store(10, memory + 10 &* width) }
            if rows > 11 { unsafe sums.store(11, memory + 11 &* width) }
            unsafe QuadFinish<I>.scatter(x, memory, filter, rows, position, count)
        }
    }
}

/// The accumulators of a ``QuadBody``; every index is a constant after inlining.
@usableFromInline
internal struct QuadSums<I: QuadInstructionSet, let rows: Int, let registers: Int> {
    @usableFromInline internal var left: InlineArray<rows, I.Integers>
    @usableFromInline internal var right: InlineArray<rows, I.Integers>

    @inlinable
    @inline(__always)
    internal init() {
        left = InlineArray(repeating: I.broadcast(Int32(0)))
        right = InlineArray(repeating: I.broadcast(Int32(0)))
    }

    @inlinable
    @inline(__always)
    internal mutating func begin(_ r: Int, _ start: Int32) {
        unsafe left[unchecked: r] = I.broadcast(start)
        if registers == 2 { unsafe right[unchecked: r] = I.broadcast(start) }
    }

    @inlinable
    @inline(__always)
    internal mutating func step(_ r: Int, _ weight: Int32, _ b0: I.Integers, _ b1: I.Integers) {
        let w = I.broadcast(weight)
        unsafe left[unchecked: r] = I.dot(left[unchecked: r], unsigned: b0, signed: w)
        if registers == 2 {
            unsafe right[unchecked: r] = I.dot(right[unchecked: r], unsigned: b1, signed: w)
        }
    }

    @inlinable
    @inline(__always)
    internal mutating func subtract(_ r: Int, _ zero: Int32, _ t0: I.Integers, _ t1: I.Integers) {
        let z = I.broadcast(zero)
        unsafe left[unchecked: r] = I.subtract(left[unchecked: r], I.multiply(z, t0))
        if registers == 2 {
            unsafe right[unchecked: r] = I.subtract(right[unchecked: r], I.multiply(z, t1))
        }
    }

    @inlinable
    @inline(__always)
    internal func store(
        _ r: Int,
        _ end: QuadEnd<I>,
        _ factor: Float,
        _ target: UnsafeMutablePointer<UInt8>
    ) {
        let f = I.broadcast(factor)
        unsafe I.store(bytes: end.bytes(left[unchecked: r], f), target)
        if registers == 2 {
            unsafe I.store(bytes: end.bytes(right[unchecked: r], f), target + I.laneCount)
        }
    }

    @inlinable
    @inline(__always)
    internal func store(_ r: Int, _ memory: UnsafeMutablePointer<Int32>) {
        let p = unsafe UnsafeMutableRawPointer(memory).assumingMemoryBound(to: Float.self)
        unsafe I.store(I.floats(bits: left[unchecked: r]), p)
        if registers == 2 {
            unsafe I.store(I.floats(bits: right[unchecked: r]), p + I.laneCount)
        }
    }
}

/// What makes bytes of sums.
@usableFromInline
internal struct QuadEnd<I: QuadInstructionSet> {
    @usableFromInline internal let lower: I.Floats
    @usableFromInline internal let upper: I.Floats
    @usableFromInline internal let zeroPoint: I.Integers

    @inlinable
    @inline(__always)
    internal init(_ lower: Float, _ upper: Float, _ zeroPoint: Int32) {
        self.lower = I.broadcast(lower)
        self.upper = I.broadcast(upper)
        self.zeroPoint = I.broadcast(zeroPoint)
    }

    /// The byte of each lane, in its lowest bits.
    @inlinable
    @inline(__always)
    internal func bytes(_ acc: I.Integers, _ factor: I.Floats) -> I.Integers {
        // The bound comes second: NaN becomes the lower one, as no byte stands for it.
        let v = I.maximum(I.multiply(I.convert(acc), factor), lower)
        // 1.5·2²³ leaves no bits for a fraction: the sum is rounded to even, and its lowest bits are
        // the integer's.
        let rounded = I.add(I.minimum(v, upper), I.broadcast(12_582_912 as Float))
        return I.add(I.bits(rounded), zeroPoint)
    }
}
