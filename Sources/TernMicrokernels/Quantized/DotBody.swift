/// The innermost loop of products in groups of four bytes: `rows` rows of A, and one panel of B in one
/// or two registers.
///
/// Equation: target[r, n] = Σ_g dot(A[r, g], B[g, n]) for r < `rows`, n < `registers`·lanes, one chain
/// over g = 0, 1, …, started at start[n]; layouts as in ``DotOperands``. Whole registers are written to
/// `target`. Scalar twins: `ScalarTwin.integerProduct` and
/// `ScalarTwin.bfloatProduct` in the tests.
///
/// Every row is written out, with a constant index: an accumulator that is indexed by a variable
/// even once lives in memory.
@usableFromInline
internal enum DotBody<Product: DotProduct, let rows: Int, let registers: Int> {
    @usableFromInline internal typealias I = Product.Set

    @inlinable
    @inline(never)
    internal static func run(
        _ a: UnsafeRawPointer,
        _ stride: Int,
        _ b: UnsafeRawPointer,
        _ byteCount: Int,
        _ start: UnsafePointer<Float>,
        _ target: UnsafeMutablePointer<Float>,
        _ targetStride: Int
    ) {
        var sums = unsafe DotSums<Product, rows, registers>(start)
        // Rows in groups of three, so that few registers address many rows.
        var a0 = unsafe a
        var a3 = unsafe a + 3 &* stride
        var a6 = unsafe a + 6 &* stride
        var a9 = unsafe a + 9 &* stride
        var b = unsafe b
        var remaining = byteCount
        while remaining >= 4 {
            unsafe step(&sums, a0, a3, a6, a9, stride, b) { unsafe DotOperands.group($0) }
            unsafe a0 += 4
            unsafe a3 += 4
            unsafe a6 += 4
            unsafe a9 += 4
            unsafe b += 8 &* I.laneCount
            remaining &-= 4
        }
        if remaining > 0 {
            unsafe step(&sums, a0, a3, a6, a9, stride, b) {
                unsafe DotOperands.partialGroup($0, remaining)
            }
        }
        unsafe sums.store(0, target + 0 &* targetStride)
        if rows > 1 { unsafe sums.store(1, target + 1 &* targetStride) }
        if rows > 2 { unsafe sums.store(2, target + 2 &* targetStride) }
        if rows > 3 { unsafe sums.store(3, target + 3 &* targetStride) }
        if rows > 4 { unsafe sums.store(4, target + 4 &* targetStride) }
        if rows > 5 { unsafe sums.store(5, target + 5 &* targetStride) }
        if rows > 6 { unsafe sums.store(6, target + 6 &* targetStride) }
        if rows > 7 { unsafe sums.store(7, target + 7 &* targetStride) }
        if rows > 8 { unsafe sums.store(8, target + 8 &* targetStride) }
        if rows > 9 { unsafe sums.store(9, target + 9 &* targetStride) }
        if rows > 10 { unsafe sums.store(10, target + 10 &* targetStride) }
        if rows > 11 { unsafe sums.store(11, target + 11 &* targetStride) }
    }

    @inlinable
    @inline(__always)
    internal static func step(
        _ sums: inout DotSums<Product, rows, registers>,
        _ a0: UnsafeRawPointer,
        _ a3: UnsafeRawPointer,
        _ a6: UnsafeRawPointer,
        _ a9: UnsafeRawPointer,
        _ stride: Int,
        _ b: UnsafeRawPointer,
        _ word: (UnsafeRawPointer) -> Int32
    ) {
        let b = unsafe b.assumingMemoryBound(to: Int32.self)
        let b0 = unsafe I.load(b)
        let b1 = unsafe registers == 2 ? I.load(b + I.laneCount) : b0
        unsafe sums.step(0, word(a0), b0, b1)
        if rows > 1 { unsafe sums.step(1, word(a0 + stride), b0, b1) }
        if rows > 2 { unsafe sums.step(2, word(a0 + 2 &* stride), b0, b1) }
        if rows > 3 { unsafe sums.step(3, word(a3), b0, b1) }
        if rows > 4 { unsafe sums.step(4, word(a3 + stride), b0, b1) }
        if rows > 5 { unsafe sums.step(5, word(a3 + 2 &* stride), b0, b1) }
        if rows > 6 { unsafe sums.step(6, word(a6), b0, b1) }
        if rows > 7 { unsafe sums.step(7, word(a6 + stride), b0, b1) }
        if rows > 8 { unsafe sums.step(8, word(a6 + 2 &* stride), b0, b1) }
        if rows > 9 { unsafe sums.step(9, word(a9), b0, b1) }
        if rows > 10 { unsafe sums.step(10, word(a9 + stride), b0, b1) }
        if rows > 11 { unsafe sums.step(11, word(a9 + 2 &* stride), b0, b1) }
    }
}

/// The accumulators of a ``DotBody``; every index is a constant after inlining.
@usableFromInline
internal struct DotSums<Product: DotProduct, let rows: Int, let registers: Int> {
    @usableFromInline internal typealias I = Product.Set
    @usableFromInline internal var left: InlineArray<rows, I.Integers>
    @usableFromInline internal var right: InlineArray<rows, I.Integers>

    @inlinable
    @inline(__always)
    internal init(_ start: UnsafePointer<Float>) {
        left = InlineArray(repeating: I.bits(unsafe I.load(start)))
        right = InlineArray(repeating: I.bits(unsafe I.load(start + I.laneCount)))
    }

    @inlinable
    @inline(__always)
    internal mutating func step(_ r: Int, _ word: Int32, _ b0: I.Integers, _ b1: I.Integers) {
        let x = I.broadcast(word)
        unsafe left[unchecked: r] = Product.dot(left[unchecked: r], x, b0)
        if registers == 2 {
            unsafe right[unchecked: r] = Product.dot(right[unchecked: r], x, b1)
        }
    }

    @inlinable
    @inline(__always)
    internal func store(_ r: Int, _ row: UnsafeMutablePointer<Float>) {
        unsafe I.store(I.floats(bits: left[unchecked: r]), row)
        if registers == 2 {
            unsafe I.store(I.floats(bits: right[unchecked: r]), row + I.laneCount)
        }
    }
}
