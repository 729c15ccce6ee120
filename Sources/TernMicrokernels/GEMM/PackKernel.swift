/// Fills one panel of B: `depth` rows of ``KernelTable/panelWidth`` floats.
///
/// Element (k, n) comes from `b + k·depthStride + n·columnStride`; columns from `columnCount` on are 0.
/// Only those elements are read.
@usableFromInline
internal enum PackKernel<I: InstructionSet> {
    @inlinable
    @inline(__always)
    internal static func panel(
        _ b: UnsafePointer<Float>,
        _ depthStride: Int,
        _ columnStride: Int,
        _ depth: Int,
        _ columnCount: Int,
        _ scale: Float,
        _ target: UnsafeMutablePointer<Float>
    ) {
        let width = 2 &* I.laneCount
        let factor = I.broadcast(scale)
        if columnStride == 1 {
            let left = Swift.min(I.laneCount, columnCount)
            let right = columnCount &- left
            var source = unsafe b
            var row = unsafe target
            for _ in 0..<depth {
                let v0 = unsafe I.load(source, count: left)
                let v1 = unsafe I.load(source + left, count: right)
                unsafe I.store(I.multiply(v0, factor), row)
                unsafe I.store(I.multiply(v1, factor), row + I.laneCount)
                unsafe source += depthStride
                unsafe row += width
            }
            return
        }
        // Eight rows at a time, so that each source line is used while it is near.
        var k = 0
        while k < depth {
            let rows = Swift.min(8, depth &- k)
            for n in 0..<columnCount {
                let source = unsafe b + (k &* depthStride &+ n &* columnStride)
                let column = unsafe target + (k &* width &+ n)
                for r in 0..<rows {
                    unsafe column[r &* width] = source[r &* depthStride] * scale
                }
            }
            for n in columnCount..<width {
                let column = unsafe target + (k &* width &+ n)
                for r in 0..<rows { unsafe column[r &* width] = 0 }
            }
            k &+= rows
        }
    }
}
