/// Runs a ``PlaneTile`` with stride 1: up to eight rows by a register at a time.
///
/// Up to three of the kernel's rows share what they load. Scalar twin: `ConvolutionTests`.
@usableFromInline
internal enum PlaneKernel<I: PlaneInstructionSet> {
    @inlinable
    @inline(__always)
    internal static func run(_ tile: borrowing PlaneTile) {
        var row = 0
        while row < tile.rowCount {
            let remaining = tile.rowCount &- row
            // Sevens where they come out even: images of 7, 14 and 28 rows are common.
            if remaining >= 8 && (remaining % 8 == 0 || remaining % 7 != 0) {
                Rows<8>.run(tile, row)
                row &+= 8
            } else if remaining >= 7 {
                Rows<7>.run(tile, row)
                row &+= 7
            } else if remaining >= 4 {
                Rows<4>.run(tile, row)
                row &+= 4
            } else if remaining >= 2 {
                Rows<2>.run(tile, row)
                row &+= 2
            } else {
                Rows<1>.run(tile, row)
                row &+= 1
            }
        }
    }

    /// Some rows, a register of columns after the other.
    @usableFromInline
    internal enum Rows<let rows: Int> {
        @inlinable
        @inline(__always)
        internal static func run(_ tile: borrowing PlaneTile, _ row: Int) {
            let top = tile.top &+ row
            let room = tile.height &- tile.kernelHeight &- rows &+ 1
            let isInside = top >= 0 && top <= room
            // The columns whose taps are all inside.
            let first = 0 &- tile.left
            let last = tile.width &- tile.left &- (tile.kernelWidth &- 1) &* tile.columnDistance
            var column = 0
            while column < tile.columnCount {
                if !isInside {
                    PlaneBody<I, rows, 2>.run(tile, row, column)
                } else if column >= first && column &+ I.laneCount <= last {
                    PlaneBody<I, rows, 0>.run(tile, row, column)
                } else {
                    PlaneBody<I, rows, 1>.run(tile, row, column)
                }
                column &+= I.laneCount
            }
        }
    }
}

/// The innermost loop of ``PlaneKernel`` for some rows of one register.
///
/// What is read is inside the plane (kind 0), partly beside it (1), or anywhere (2).
@usableFromInline
internal enum PlaneBody<I: PlaneInstructionSet, let rows: Int, let kind: Int> {
    @inlinable
    @inline(never)
    internal static func run(_ tile: borrowing PlaneTile, _ row: Int, _ column: Int) {
        var sums = InlineArray<rows, I.Floats>(repeating: I.broadcast(tile.bias))
        let top = tile.top &+ row
        let step = tile.kernelWidth
        var x = column &+ tile.left
        for j in 0..<tile.kernelWidth {
            var reader = PlaneReader<I, kind>(tile, top, x)
            var w = unsafe tile.weights + j
            var rest = tile.kernelHeight
            while rest >= 3 {
                unsafe PlaneChain<I, rows, 3, kind>.add(&sums, reader, w, step)
                unsafe w += 3 &* step
                reader.skip(3)
                rest &-= 3
            }
            if rest == 2 {
                unsafe PlaneChain<I, rows, 2, kind>.add(&sums, reader, w, step)
            } else if rest == 1 {
                unsafe PlaneChain<I, rows, 1, kind>.add(&sums, reader, w, step)
            }
            x &+= tile.columnDistance
        }
        PlaneStore<I, rows>.run(tile, row, column, sums)
    }
}

/// Loads a register of one row after the other.
@usableFromInline @safe
internal struct PlaneReader<I: PlaneInstructionSet, let kind: Int> {
    @usableFromInline internal var line: UnsafePointer<Float>
    @usableFromInline internal let width: Int
    @usableFromInline internal var y: Int
    @usableFromInline internal let height: Int
    @usableFromInline internal let zeros: UnsafePointer<Float>
    @usableFromInline internal let first: Int
    @usableFromInline internal let end: Int

    /// Begins at row `y` and column `x`.
    @inlinable
    @inline(__always)
    internal init(_ tile: borrowing PlaneTile, _ y: Int, _ x: Int) {
        unsafe line = tile.source + (y &* tile.width &+ x)
        width = tile.width
        self.y = y
        height = tile.height
        unsafe zeros = tile.zeros
        first = Swift.min(Swift.max(0, 0 &- x), I.laneCount)
        end = Swift.min(Swift.max(0, tile.width &- x), I.laneCount)
    }

    @inlinable
    @inline(__always)
    internal mutating func skip(_ rows: Int) {
        unsafe line += rows &* width
        y &+= rows
    }

    @inlinable
    @inline(__always)
    internal mutating func next() -> I.Floats {
        let here = unsafe line
        unsafe line += width
        if kind == 0 { return unsafe I.load(here) }
        if kind == 1 { return unsafe I.load(here, from: first, to: end) }
        let isInside = UInt(bitPattern: y) < UInt(bitPattern: height)
        y &+= 1
        return unsafe I.load(isInside ? here : zeros, from: first, to: end)
    }
}

/// Adds some taps that see rows one below the other; every row is loaded once.
///
/// Every index is a constant after inlining.
@usableFromInline
internal enum PlaneChain<I: PlaneInstructionSet, let rows: Int, let taps: Int, let kind: Int> {
    @usableFromInline internal typealias Sums = InlineArray<rows, I.Floats>

    @inlinable
    @inline(__always)
    internal static func add(
        _ sums: inout Sums,
        _ reader: PlaneReader<I, kind>,
        _ weights: UnsafePointer<Float>,
        _ step: Int
    ) {
        let w0 = unsafe I.broadcast(weights.pointee)
        let w1 = unsafe taps > 1 ? I.broadcast(weights[step]) : w0
        let w2 = unsafe taps > 2 ? I.broadcast(weights[2 &* step]) : w0
        var reader = reader
        if rows &+ taps > 1 { row(&sums, 0, reader.next(), w0, w1, w2) }
        if rows &+ taps > 2 { row(&sums, 1, reader.next(), w0, w1, w2) }
        if rows &+ taps > 3 { row(&sums, 2, reader.next(), w0, w1, w2) }
        if rows &+ taps > 4 { row(&sums, 3, reader.next(), w0, w1, w2) }
        if rows &+ taps > 5 { row(&sums, 4, reader.next(), w0, w1, w2) }
        if rows &+ taps > 6 { row(&sums, 5, reader.next(), w0, w1, w2) }
        if rows &+ taps > 7 { row(&sums, 6, reader.next(), w0, w1, w2) }
        if rows &+ taps > 8 { row(&sums, 7, reader.next(), w0, w1, w2) }
        if rows &+ taps > 9 { row(&sums, 8, reader.next(), w0, w1, w2) }
        if rows &+ taps > 10 { row(&sums, 9, reader.next(), w0, w1, w2) }
    }

    /// Adds what row `r` means for the output rows r, r − 1 and r − 2.
    @inlinable
    @inline(__always)
    internal static func row(
        _ sums: inout Sums,
        _ r: Int,
        _ x: I.Floats,
        _ w0: I.Floats,
        _ w1: I.Floats,
        _ w2: I.Floats
    ) {
        if r < rows {
            unsafe sums[unchecked: r] = I.multiplyAdd(sums[unchecked: r], w0, x)
        }
        if taps > 1, r >= 1, r &- 1 < rows {
            unsafe sums[unchecked: r &- 1] = I.multiplyAdd(sums[unchecked: r &- 1], w1, x)
        }
        if taps > 2, r >= 2, r &- 2 < rows {
            unsafe sums[unchecked: r &- 2] = I.multiplyAdd(sums[unchecked: r &- 2], w2, x)
        }
    }
}
