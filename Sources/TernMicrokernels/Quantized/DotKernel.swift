/// Runs a product in groups of four bytes: cuts it into the row counts and panels that ``DotBody`` has
/// code for, and hands each block of sums to whoever finishes it.
@usableFromInline
internal enum DotKernel<Product: DotProduct> {
    @usableFromInline internal typealias I = Product.Set

    /// Computes all of C, block by block.
    ///
    /// - Parameters:
    ///   - x: The operands.
    ///   - finish: Called with the sums of each block: (sums, the distance of their rows, first row,
    ///     row count, first column, column count).
    @inlinable
    @inline(__always)
    internal static func run(
        _ x: DotOperands,
        _ finish: (UnsafeMutablePointer<Float>, Int, Int, Int, Int, Int) -> Void
    ) {
        // Twelve rows of two registers of sixteen lanes, or one row of four panels.
        // Before them, what the sums of four panels start at.
        var block = InlineArray<512, Float>(repeating: 0)
        unsafe withUnsafeMutablePointer(to: &block) { buffer in
            unsafe buffer.withMemoryRebound(to: Float.self, capacity: 512) { start in
                let sums = unsafe start + 128
                if x.rowCount == 1 {
                    unsafe vector(x, start, sums, finish)
                } else {
                    unsafe blocks(x, start, sums, finish)
                }
            }
        }
    }

    @inlinable
    @inline(__always)
    internal static func blocks(
        _ x: DotOperands,
        _ start: UnsafeMutablePointer<Float>,
        _ sums: UnsafeMutablePointer<Float>,
        _ finish: (UnsafeMutablePointer<Float>, Int, Int, Int, Int, Int) -> Void
    ) {
        let width = 2 &* I.laneCount
        var column = 0
        var b = unsafe x.b
        while column < x.columnCount {
            let columnCount = Swift.min(width, x.columnCount &- column)
            unsafe begin(x, column, width, start)
            var row = 0
            while row < x.rowCount {
                let rows = blockRowCount(remaining: x.rowCount &- row)
                let a = unsafe x.a + row &* x.aRowStride
                if let direct = unsafe x.direct, columnCount == width {
                    let target = unsafe direct + (row &* x.directStride &+ column)
                    unsafe select(x, rows, a, b, columnCount, start, target, x.directStride)
                } else {
                    unsafe select(x, rows, a, b, columnCount, start, sums, width)
                    unsafe finish(sums, width, row, rows, column, columnCount)
                }
                row &+= rows
            }
            column &+= width
            unsafe b += x.bPanelStride
        }
    }

    /// Writes what the sums of some columns, whole panels of them, start at.
    @inlinable
    @inline(__always)
    internal static func begin(
        _ x: DotOperands,
        _ column: Int,
        _ columnCount: Int,
        _ start: UnsafeMutablePointer<Float>
    ) {
        guard let starts = unsafe x.starts else { return }
        let factor = I.broadcast(x.startFactor)
        var n = 0
        while n < columnCount {
            let these = unsafe I.multiply(factor, I.load(starts + column + n))
            unsafe I.store(I.floats(bits: these), start + n)
            n &+= I.laneCount
        }
    }

    /// Full blocks as long as two remain, then two halves, so that no block is left with one row.
    @inlinable
    @inline(__always)
    internal static func blockRowCount(remaining: Int) -> Int {
        let most = I.dotRowCount
        if remaining <= most { return remaining }
        return remaining >= 2 &* most ? most : (remaining &+ 1) / 2
    }

    @inlinable
    @inline(__always)
    internal static func select(
        _ x: DotOperands,
        _ rows: Int,
        _ a: UnsafeRawPointer,
        _ b: UnsafeRawPointer,
        _ count: Int,
        _ start: UnsafePointer<Float>,
        _ sums: UnsafeMutablePointer<Float>,
        _ stride: Int
    ) {
        switch rows {
        case 1: unsafe Row<1>.run(x, a, b, count, start, sums, stride)
        case 2: unsafe Row<2>.run(x, a, b, count, start, sums, stride)
        case 3: unsafe Row<3>.run(x, a, b, count, start, sums, stride)
        case 4: unsafe Row<4>.run(x, a, b, count, start, sums, stride)
        default:
            if I.dotRowCount > 4 { unsafe selectTall(x, rows, a, b, count, start, sums, stride) }
        }
    }

    @inlinable
    @inline(__always)
    internal static func selectTall(
        _ x: DotOperands,
        _ rows: Int,
        _ a: UnsafeRawPointer,
        _ b: UnsafeRawPointer,
        _ count: Int,
        _ start: UnsafePointer<Float>,
        _ sums: UnsafeMutablePointer<Float>,
        _ stride: Int
    ) {
        switch rows {
        case 5: unsafe Row<5>.run(x, a, b, count, start, sums, stride)
        case 6: unsafe Row<6>.run(x, a, b, count, start, sums, stride)
        case 7: unsafe Row<7>.run(x, a, b, count, start, sums, stride)
        case 8: unsafe Row<8>.run(x, a, b, count, start, sums, stride)
        case 9: unsafe Row<9>.run(x, a, b, count, start, sums, stride)
        case 10: unsafe Row<10>.run(x, a, b, count, start, sums, stride)
        case 11: unsafe Row<11>.run(x, a, b, count, start, sums, stride)
        default: unsafe Row<12>.run(x, a, b, count, start, sums, stride)
        }
    }

    /// Chooses the body's width.
    @usableFromInline
    internal enum Row<let rows: Int> {
        @inlinable
        @inline(__always)
        internal static func run(
            _ x: DotOperands,
            _ a: UnsafeRawPointer,
            _ b: UnsafeRawPointer,
            _ count: Int,
            _ start: UnsafePointer<Float>,
            _ sums: UnsafeMutablePointer<Float>,
            _ stride: Int
        ) {
            if count > I.laneCount {
                unsafe DotBody<Product, rows, 2>.run(
                    a,
                    x.aRowStride,
                    b,
                    x.rowByteCount,
                    start,
                    sums,
                    stride
                )
            } else {
                unsafe DotBody<Product, rows, 1>.run(
                    a,
                    x.aRowStride,
                    b,
                    x.rowByteCount,
                    start,
                    sums,
                    stride
                )
            }
        }
    }

    /// One row of C: four panels at a time, so that eight sums hide the latency of the product.
    @inlinable
    @inline(__always)
    internal static func vector(
        _ x: DotOperands,
        _ start: UnsafeMutablePointer<Float>,
        _ sums: UnsafeMutablePointer<Float>,
        _ finish: (UnsafeMutablePointer<Float>, Int, Int, Int, Int, Int) -> Void
    ) {
        let width = 2 &* I.laneCount
        var column = 0
        var b = unsafe x.b
        while column < x.columnCount {
            let remaining = x.columnCount &- column
            let panels = remaining > 3 &* width ? 4 : 1
            let count = Swift.min(panels &* width, remaining)
            unsafe begin(x, column, panels &* width, start)
            var target = unsafe sums
            if let direct = unsafe x.direct, count == panels &* width {
                unsafe target = direct + column
            }
            if panels == 4 {
                unsafe DotVector<Product>.run(
                    x.a,
                    b,
                    x.bPanelStride,
                    x.rowByteCount,
                    start,
                    target
                )
            } else {
                unsafe Row<1>.run(x, x.a, b, remaining, start, target, width)
            }
            if unsafe target == sums {
                unsafe finish(sums, 4 &* width, 0, 1, column, count)
            }
            column &+= panels &* width
            unsafe b += panels &* x.bPanelStride
        }
    }
}
