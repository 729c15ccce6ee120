/// Planes of pooling whose rows fit one register each: the rows of a window are folded lane by lane, and
/// the columns by moving lanes.
///
/// A window is folded down each of its columns, and then across. `columns` holds laneCount lanes for
/// each tap across: the column of X that an output takes, or any lane from `width` on for what counts as
/// `start`; `width` is below laneCount if there is one. Outputs of a row are at most laneCount. Scalar
/// twin: in `PoolingTests`.
@usableFromInline
internal enum PlanePoolKernel<I: PlaneInstructionSet> {
    @inlinable
    @inline(__always)
    internal static func run(_ fold: StridedFold, _ planes: borrowing PoolPlanes) {
        var x = unsafe planes.x
        var y = unsafe planes.y
        for _ in 0..<planes.planeCount {
            if fold == .maximum {
                // The plain maximum takes a quarter of the time, and loses a NaN.
                let trace = unsafe run(planes, x, y) { I.maximum($1, $0) }
                if trace.isNaN { _ = unsafe run(planes, x, y) { VectorMath<I>.maximum($1, $0) } }
            } else {
                _ = unsafe run(planes, x, y) { I.add($0, $1) }
            }
            unsafe x += planes.height &* planes.width
            unsafe y += planes.outputHeight &* planes.outputWidth
        }
    }

    /// One plane.
    ///
    /// - Returns: NaN if a window saw a NaN, and perhaps if it saw an infinity.
    @inlinable
    @inline(__always)
    internal static func run(
        _ planes: borrowing PoolPlanes,
        _ x: UnsafePointer<Float>,
        _ y: UnsafeMutablePointer<Float>,
        _ combine: (I.Floats, I.Floats) -> I.Floats
    ) -> Float {
        let start = I.broadcast(planes.start)
        let zero = I.broadcast(Float(0))
        let isInside = I.firstLanes(planes.width)
        var trace = zero
        var y = unsafe y
        var firstRow = 0 &- planes.leading
        var remaining = planes.outputHeight
        while remaining > 0 {
            var folded = start
            var row = firstRow
            let end = firstRow &+ planes.rowCount &* planes.rowDilation
            while row < end {
                if row >= 0, row < planes.height {
                    let line = unsafe I.load(x + row &* planes.width, count: planes.width)
                    trace = I.multiplyAdd(trace, line, zero)
                    folded = combine(folded, line)
                }
                row &+= planes.rowDilation
            }
            folded = I.select(isInside, folded, start)
            var result = start
            var columns = unsafe planes.columns
            var columnCount = planes.columnCount
            while columnCount > 0 {
                let lanes = unsafe I.bits(I.load(columns))
                result = combine(result, I.permute(folded, lanes))
                unsafe columns += I.laneCount
                columnCount &-= 1
            }
            unsafe I.store(result, y, count: planes.outputWidth)
            unsafe y += planes.outputWidth
            firstRow &+= planes.rowStride
            remaining &-= 1
        }
        return I.sum(trace)
    }
}

/// What ``PlanePoolKernel`` works on.
@usableFromInline @safe package struct PoolPlanes {
    @usableFromInline internal let x: UnsafePointer<Float>
    @usableFromInline internal let y: UnsafeMutablePointer<Float>
    @usableFromInline internal let planeCount: Int
    @usableFromInline internal let height: Int
    @usableFromInline internal let width: Int
    @usableFromInline internal let outputHeight: Int
    @usableFromInline internal let outputWidth: Int
    @usableFromInline internal let rowStride: Int
    @usableFromInline internal let rowDilation: Int
    @usableFromInline internal let rowCount: Int
    @usableFromInline internal let leading: Int
    @usableFromInline internal let columns: UnsafePointer<Float>
    @usableFromInline internal let columnCount: Int
    @usableFromInline internal let start: Float

    /// Describes planes of [height, width] one after the other.
    ///
    /// - Parameters:
    ///   - x: The planes.
    ///   - y: Where the results go, [outputHeight, outputWidth] each.
    ///   - planeCount: How many planes.
    ///   - height: The rows of a plane.
    ///   - width: The columns of a plane, at most laneCount.
    ///   - outputHeight: The rows of a result.
    ///   - outputWidth: The columns of a result, at most laneCount.
    ///   - rowStride: From a window to the one below.
    ///   - rowDilation: From a tap to the one below.
    ///   - rowCount: The taps down.
    ///   - leading: The padding above.
    ///   - columns: laneCount whole numbers of 32 bits for each tap across.
    ///   - columnCount: The taps across.
    ///   - start: What a window starts with.
    @unsafe package init(
        x: UnsafePointer<Float>,
        y: UnsafeMutablePointer<Float>,
        planeCount: Int,
        height: Int,
        width: Int,
        outputHeight: Int,
        outputWidth: Int,
        rowStride: Int,
        rowDilation: Int,
        rowCount: Int,
        leading: Int,
        columns: UnsafePointer<Float>,
        columnCount: Int,
        start: Float
    ) {
        unsafe self.x = x
        unsafe self.y = y
        self.planeCount = planeCount
        self.height = height
        self.width = width
        self.outputHeight = outputHeight
        self.outputWidth = outputWidth
        self.rowStride = rowStride
        self.rowDilation = rowDilation
        self.rowCount = rowCount
        self.leading = leading
        unsafe self.columns = columns
        self.columnCount = columnCount
        self.start = start
    }
}
