/// The arguments of staging: planes are copied with their padding, one part per phase of the stride.
///
/// Row r, column c of the padded strip goes to part (r mod strideHeight, c mod strideWidth), row
/// r / strideHeight, column c / strideWidth. Rows are `pitch` floats apart and parts `partStride`, columns'
/// phases first. Row 0 is row `firstRow` of the plane, column 0 is column −`paddingLeft`; what lies
/// outside the plane is 0. Whole registers are written: a part ends with room for one.
@usableFromInline @safe package struct StageTile {
    @usableFromInline package var source: UnsafePointer<Float>
    @usableFromInline package var sourcePlaneStride: Int
    @usableFromInline package var height: Int
    @usableFromInline package var width: Int
    /// The columns of the padded strip.
    @usableFromInline package var columnCount: Int
    @usableFromInline package var planeCount: Int
    @usableFromInline package var rowCount: Int
    @usableFromInline package var firstRow: Int
    @usableFromInline package var paddingLeft: Int
    @usableFromInline package var strideHeight: Int
    @usableFromInline package var strideWidth: Int
    @usableFromInline package var target: UnsafeMutablePointer<Float>
    @usableFromInline package var targetPlaneStride: Int
    @usableFromInline package var partStride: Int
    @usableFromInline package var pitch: Int
    /// Whether the padding is written: a strip's is the same for all planes.
    @usableFromInline package var writesPadding: Bool

    @inlinable
    package init(
        source: UnsafePointer<Float>,
        sourcePlaneStride: Int,
        height: Int,
        width: Int,
        columnCount: Int,
        planeCount: Int,
        rowCount: Int,
        firstRow: Int,
        paddingLeft: Int,
        strideHeight: Int,
        strideWidth: Int,
        target: UnsafeMutablePointer<Float>,
        targetPlaneStride: Int,
        partStride: Int,
        pitch: Int,
        writesPadding: Bool
    ) {
        unsafe self.source = source
        self.sourcePlaneStride = sourcePlaneStride
        self.height = height
        self.width = width
        self.columnCount = columnCount
        self.planeCount = planeCount
        self.rowCount = rowCount
        self.firstRow = firstRow
        self.paddingLeft = paddingLeft
        self.strideHeight = strideHeight
        self.strideWidth = strideWidth
        unsafe self.target = target
        self.targetPlaneStride = targetPlaneStride
        self.partStride = partStride
        self.pitch = pitch
        self.writesPadding = writesPadding
    }
}

/// Runs a ``StageTile``.
///
/// Scalar twin: `ConvolutionTests`.
@usableFromInline
internal enum StageKernel<I: ShuffleInstructionSet> {
    @inlinable
    @inline(__always)
    internal static func run(_ tile: borrowing StageTile) {
        let padding = tile.paddingLeft
        // The columns of the plane that the strip reaches.
        let columns = Swift.min(tile.width, tile.columnCount &- padding)
        for plane in 0..<tile.planeCount {
            let source = unsafe tile.source + plane &* tile.sourcePlaneStride
            let target = unsafe tile.target + plane &* tile.targetPlaneStride
            if tile.writesPadding { unsafe clear(tile, target) }
            guard columns > 0 else { continue }
            switch tile.strideWidth {
            case 1: unsafe rows(tile, source, columns, target + padding, target, kind: 1)
            case 2:
                let even = unsafe target + (padding % 2 &* tile.partStride &+ padding / 2)
                let next = padding &+ 1
                let odd = unsafe target + (next % 2 &* tile.partStride &+ next / 2)
                unsafe rows(tile, source, columns, even, odd, kind: 2)
            default: unsafe rows(tile, source, columns, target, target, kind: 0)
            }
        }
    }

    /// Copies the rows that are inside the plane: as they are, evens and odds apart, or one by one.
    @inlinable
    @inline(__always)
    internal static func rows(
        _ tile: borrowing StageTile,
        _ source: UnsafePointer<Float>,
        _ columns: Int,
        _ first: UnsafeMutablePointer<Float>,
        _ second: UnsafeMutablePointer<Float>,
        kind: Int
    ) {
        // From one phase of rows to the next, and from the last to the first of the next row.
        let step = tile.strideWidth &* tile.partStride
        var line = 0
        var rowPhase = 0
        var y = tile.firstRow
        for _ in 0..<tile.rowCount {
            if y >= 0, y < tile.height {
                let from = unsafe source + y &* tile.width
                switch kind {
                case 1: unsafe copy(from, columns, first + line)
                case 2: unsafe split(from, columns, first + line, second + line)
                default: unsafe scatter(tile, from, columns, first + line)
                }
            }
            y &+= 1
            rowPhase &+= 1
            line &+= step
            if rowPhase == tile.strideHeight {
                rowPhase = 0
                line &+= tile.pitch &- tile.strideHeight &* step
            }
        }
    }

    /// Fills up the last register with zeros.
    @inlinable
    @inline(__always)
    internal static func copy(
        _ source: UnsafePointer<Float>,
        _ count: Int,
        _ target: UnsafeMutablePointer<Float>
    ) {
        var i = 0
        while count &- i >= I.laneCount {
            unsafe I.store(I.load(source + i), target + i)
            i &+= I.laneCount
        }
        if i < count { unsafe I.store(I.load(source + i, count: count &- i), target + i) }
    }

    /// Fills up the last registers with zeros.
    @inlinable
    @inline(__always)
    internal static func split(
        _ source: UnsafePointer<Float>,
        _ count: Int,
        _ even: UnsafeMutablePointer<Float>,
        _ odd: UnsafeMutablePointer<Float>
    ) {
        let lanes = I.laneCount
        var i = 0
        while count &- i >= 2 &* lanes {
            let (v0, v1) = unsafe (I.load(source + i), I.load(source + (i &+ lanes)))
            unsafe I.store(I.even(v0, v1), even + i / 2)
            unsafe I.store(I.odd(v0, v1), odd + i / 2)
            i &+= 2 &* lanes
        }
        let rest = count &- i
        guard rest > 0 else { return }
        let left = Swift.min(lanes, rest)
        let v0 = unsafe I.load(source + i, count: left)
        let v1 = unsafe I.load(source + (i &+ left), count: rest &- left)
        unsafe I.store(I.even(v0, v1), even + i / 2)
        unsafe I.store(I.odd(v0, v1), odd + i / 2)
    }

    @inlinable
    @inline(__always)
    internal static func scatter(
        _ tile: borrowing StageTile,
        _ source: UnsafePointer<Float>,
        _ count: Int,
        _ target: UnsafeMutablePointer<Float>
    ) {
        let stride = tile.strideWidth
        var phase = tile.paddingLeft % stride
        var index = tile.paddingLeft / stride
        for i in 0..<count {
            unsafe target[phase &* tile.partStride &+ index] = source[i]
            phase &+= 1
            if phase == stride {
                phase = 0
                index &+= 1
            }
        }
    }

    /// Zeroes every part of a plane's strip.
    @inlinable
    @inline(__always)
    internal static func clear(
        _ tile: borrowing StageTile,
        _ target: UnsafeMutablePointer<Float>
    ) {
        let zero = I.broadcast(Float(0))
        let count = tile.strideHeight &* tile.strideWidth &* tile.partStride
        var i = 0
        while count &- i >= I.laneCount {
            unsafe I.store(zero, target + i)
            i &+= I.laneCount
        }
        if i < count { unsafe I.store(zero, target + i, count: count &- i) }
    }
}
