/// The innermost loop of one row of A: four panels of B at a time.
///
/// The same chains as ``DotBody`` adds, so the same bits.
@usableFromInline
internal enum DotVector<Product: DotProduct> {
    @usableFromInline internal typealias I = Product.Set

    @inlinable
    @inline(never)
    internal static func run(
        _ a: UnsafeRawPointer,
        _ b: UnsafeRawPointer,
        _ panelStride: Int,
        _ byteCount: Int,
        _ start: UnsafePointer<Float>,
        _ target: UnsafeMutablePointer<Float>
    ) {
        var p0 = unsafe DotSums<Product, 1, 2>(start)
        var p1 = unsafe DotSums<Product, 1, 2>(start + 2 &* I.laneCount)
        var p2 = unsafe DotSums<Product, 1, 2>(start + 4 &* I.laneCount)
        var p3 = unsafe DotSums<Product, 1, 2>(start + 6 &* I.laneCount)
        var a = unsafe a
        var b0 = unsafe b
        var b2 = unsafe b + 2 &* panelStride
        var remaining = byteCount
        while remaining > 0 {
            let word =
                unsafe remaining >= 4
                ? DotOperands.group(a) : DotOperands.partialGroup(a, remaining)
            unsafe step(&p0, word, b0)
            unsafe step(&p1, word, b0 + panelStride)
            unsafe step(&p2, word, b2)
            unsafe step(&p3, word, b2 + panelStride)
            unsafe a += 4
            unsafe b0 += 8 &* I.laneCount
            unsafe b2 += 8 &* I.laneCount
            remaining &-= 4
        }
        unsafe p0.store(0, target)
        unsafe p1.store(0, target + 2 &* I.laneCount)
        unsafe p2.store(0, target + 4 &* I.laneCount)
        unsafe p3.store(0, target + 6 &* I.laneCount)
    }

    @inlinable
    @inline(__always)
    internal static func step(
        _ sums: inout DotSums<Product, 1, 2>,
        _ word: Int32,
        _ b: UnsafeRawPointer
    ) {
        let b = unsafe b.assumingMemoryBound(to: Int32.self)
        unsafe sums.step(0, word, I.load(b), I.load(b + I.laneCount))
    }
}
