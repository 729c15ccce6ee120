/// Fills one panel of B: `depth` rows of ``KernelTable/panelWidth`` floats.
///
/// Element (k, n) comes from `b + k·depthStride + n·columnStride`; columns from `columnCount` on are 0,
/// as far as the half panel goes in which they begin; nobody reads the half after that. Only those
/// elements are read.
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
        var first = 0
        if depthStride == 1 {
            // Whole registers of columns are transposed four rows at a time.
            let rows = depth & ~3
            while columnCount &- first >= I.laneCount {
                let source = unsafe b + first &* columnStride
                var k = 0
                while k < rows {
                    unsafe I.transposeFour(
                        source + k,
                        stride: columnStride,
                        scale: scale,
                        into: target + (k &* width &+ first),
                        stride: width
                    )
                    k &+= 4
                }
                unsafe gather(
                    b + rows,
                    depthStride,
                    columnStride,
                    depth &- rows,
                    first..<(first &+ I.laneCount),
                    scale,
                    target + rows &* width
                )
                first &+= I.laneCount
            }
        }
        unsafe gather(b, depthStride, columnStride, depth, first..<columnCount, scale, target)
        let end = columnCount > I.laneCount ? width : I.laneCount
        for k in 0..<depth {
            for n in columnCount..<end { unsafe target[k &* width &+ n] = 0 }
        }
    }

    /// Fills some columns of a panel one element at a time, from eight rows at a time, so that each
    /// source line is used while it is near.
    @inlinable
    @inline(__always)
    internal static func gather(
        _ b: UnsafePointer<Float>,
        _ depthStride: Int,
        _ columnStride: Int,
        _ depth: Int,
        _ columns: Range<Int>,
        _ scale: Float,
        _ target: UnsafeMutablePointer<Float>
    ) {
        let width = 2 &* I.laneCount
        var k = 0
        while k < depth {
            let rows = Swift.min(8, depth &- k)
            for n in columns {
                let source = unsafe b + (k &* depthStride &+ n &* columnStride)
                let column = unsafe target + (k &* width &+ n)
                for r in 0..<rows {
                    unsafe column[r &* width] = source[r &* depthStride] * scale
                }
            }
            k &+= rows
        }
    }
}
