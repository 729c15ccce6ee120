/// Runs a ``PlaneTile`` of 3×3 taps with stride 2 whose `left` is −1: up to four rows by a register.
///
/// A row's even and odd pixels are taken apart once for all taps: the taps of column c see odd pixel c − 1,
/// even pixel c and odd pixel c. Scalar twin: `ConvolutionTests`.
@usableFromInline
internal enum PlaneStrideKernel<I: PlaneInstructionSet> {
    @inlinable
    @inline(__always)
    internal static func run(_ tile: borrowing PlaneTile) {
        var row = 0
        while row < tile.rowCount {
            let remaining = tile.rowCount &- row
            if remaining >= 4 {
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
            let y = tile.top &+ 2 &* row
            let room = tile.height &- 2 &* rows &- 1
            let width = tile.width
            let isInside = y >= 0 && y <= room
            var column = 0
            while column < tile.columnCount {
                if !isInside {
                    PlaneStrideBody<I, rows, 2>.run(tile, row, column)
                } else if column > 0 && 2 &* (column &+ I.laneCount) <= width {
                    PlaneStrideBody<I, rows, 0>.run(tile, row, column)
                } else {
                    PlaneStrideBody<I, rows, 1>.run(tile, row, column)
                }
                column &+= I.laneCount
            }
        }
    }
}

/// The innermost code of ``PlaneStrideKernel`` for some rows of one register.
///
/// What is read is inside the plane (kind 0), partly beside it (1), or anywhere (2).
@usableFromInline
internal enum PlaneStrideBody<I: PlaneInstructionSet, let rows: Int, let kind: Int> {
    @usableFromInline internal typealias Sums = InlineArray<rows, I.Floats>
    @usableFromInline internal typealias Weights = (I.Floats, I.Floats, I.Floats)

    @inlinable
    @inline(never)
    internal static func run(_ tile: borrowing PlaneTile, _ row: Int, _ column: Int) {
        var sums = Sums(repeating: I.broadcast(tile.bias))
        let w = unsafe tile.weights
        let upper = unsafe (I.broadcast(w[0]), I.broadcast(w[1]), I.broadcast(w[2]))
        let middle = unsafe (I.broadcast(w[3]), I.broadcast(w[4]), I.broadcast(w[5]))
        let lower = unsafe (I.broadcast(w[6]), I.broadcast(w[7]), I.broadcast(w[8]))
        var reader = PlanePairReader<I, kind>(tile, tile.top &+ 2 &* row, 2 &* column)
        // The even rows are the lowest of one output row and the highest of the next.
        add(&sums, 0, reader.next(), upper)
        if rows > 0 {
            add(&sums, 0, reader.next(), middle)
            let taps = reader.next()
            add(&sums, 0, taps, lower)
            if rows > 1 { add(&sums, 1, taps, upper) }
        }
        if rows > 1 {
            add(&sums, 1, reader.next(), middle)
            let taps = reader.next()
            add(&sums, 1, taps, lower)
            if rows > 2 { add(&sums, 2, taps, upper) }
        }
        if rows > 2 {
            add(&sums, 2, reader.next(), middle)
            let taps = reader.next()
            add(&sums, 2, taps, lower)
            if rows > 3 { add(&sums, 3, taps, upper) }
        }
        if rows > 3 {
            add(&sums, 3, reader.next(), middle)
            add(&sums, 3, reader.next(), lower)
        }
        PlaneStore<I, rows>.run(tile, row, column, sums)
    }

    @inlinable
    @inline(__always)
    internal static func add(
        _ sums: inout Sums,
        _ r: Int,
        _ taps: PlanePairReader<I, kind>.Taps,
        _ w: Weights
    ) {
        var s = unsafe sums[unchecked: r]
        s = I.multiplyAdd(s, w.0, taps.left)
        s = I.multiplyAdd(s, w.1, taps.middle)
        s = I.multiplyAdd(s, w.2, taps.right)
        unsafe sums[unchecked: r] = s
    }
}

/// Loads two registers of one row after the other, and the pixel to their left.
@usableFromInline @safe
internal struct PlanePairReader<I: PlaneInstructionSet, let kind: Int> {
    /// The pixels of three taps for a register of outputs.
    @usableFromInline
    internal struct Taps {
        @usableFromInline internal let left: I.Floats
        @usableFromInline internal let middle: I.Floats
        @usableFromInline internal let right: I.Floats

        @inlinable
        @inline(__always)
        internal init(_ v0: I.Floats, _ v1: I.Floats, _ before: Float) {
            middle = I.even(v0, v1)
            right = I.odd(v0, v1)
            left = I.shiftedUp(right, first: before)
        }
    }

    @usableFromInline internal var line: UnsafePointer<Float>
    @usableFromInline internal let width: Int
    @usableFromInline internal var y: Int
    @usableFromInline internal let height: Int
    @usableFromInline internal let zeros: UnsafePointer<Float>
    @usableFromInline internal let low: Int
    @usableFromInline internal let high: Int
    @usableFromInline internal let hasLeft: Bool

    /// Begins at row `y` and column `x`.
    @inlinable
    @inline(__always)
    internal init(_ tile: borrowing PlaneTile, _ y: Int, _ x: Int) {
        unsafe line = tile.source + (y &* tile.width &+ x)
        width = tile.width
        self.y = y
        height = tile.height
        unsafe zeros = tile.zeros
        let count = Swift.min(Swift.max(0, tile.width &- x), 2 &* I.laneCount)
        low = Swift.min(count, I.laneCount)
        high = count &- low
        let room = tile.width
        hasLeft = x >= 1 && x <= room
    }

    @inlinable
    @inline(__always)
    internal mutating func next() -> Taps {
        let here = unsafe line
        unsafe line += width
        if kind == 0 {
            return unsafe Taps(I.load(here), I.load(here + I.laneCount), here[-1])
        }
        var isInside = true
        if kind == 2 {
            isInside = UInt(bitPattern: y) < UInt(bitPattern: height)
            y &+= 1
        }
        let p = unsafe isInside ? here : zeros
        let before = unsafe isInside && hasLeft ? here - 1 : zeros
        return unsafe Taps(
            I.load(p, count: low),
            I.load(p + low, count: high),
            before.pointee
        )
    }
}
