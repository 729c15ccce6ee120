/// A run of windows of one row of pooling, each folded in a register from the first tap to the last.
///
/// Output i folds lineCount·tapCount elements, tap t of line l at
/// `x + l·lineStride + t·tapStride + i·stride`, line by line. All of them must exist. Scalar twin: in
/// `PoolingTests`.
@usableFromInline
internal enum PoolKernel<I: InstructionSet> {
    @usableFromInline internal typealias Math = VectorMath<I>

    @inlinable
    @inline(__always)
    internal static func run(
        _ fold: StridedFold,
        _ x: UnsafePointer<Float>,
        _ lineStride: Int,
        _ lineCount: Int,
        _ tapStride: Int,
        _ tapCount: Int,
        _ stride: Int,
        _ y: UnsafeMutablePointer<Float>,
        _ count: Int,
        _ start: Float
    ) {
        let taps = unsafe PoolTaps(
            x: x,
            lineStride: lineStride,
            lineCount: lineCount,
            tapStride: tapStride,
            tapCount: tapCount,
            stride: stride
        )
        let first = I.broadcast(start)
        switch fold {
        case .maximum: unsafe run(taps, y, count, first) { Math.maximum($1, $0) }
        case .addMagnitude: unsafe run(taps, y, count, first) { I.add($0, Math.absolute($1)) }
        case .addSquare: unsafe run(taps, y, count, first) { I.multiplyAdd($0, $1, $1) }
        default: unsafe run(taps, y, count, first) { I.add($0, $1) }
        }
    }

    @inlinable
    @inline(__always)
    internal static func run(
        _ taps: PoolTaps,
        _ y: UnsafeMutablePointer<Float>,
        _ count: Int,
        _ first: I.Floats,
        _ combine: (I.Floats, I.Floats) -> I.Floats
    ) {
        let lanes = I.laneCount
        let stride = taps.stride
        var i = 0
        if stride == 1 {
            while count &- i >= lanes {
                let v = unsafe fold(taps, taps.x + i, first, combine) { unsafe I.load($0) }
                unsafe I.store(v, y + i)
                i &+= lanes
            }
            let rest = count &- i
            if rest > 0 {
                let v = unsafe fold(taps, taps.x + i, first, combine) {
                    unsafe I.load($0, count: rest)
                }
                unsafe I.store(v, y + i, count: rest)
            }
        } else if stride == 2 {
            while count &- i >= lanes {
                let v = unsafe fold(taps, taps.x + 2 &* i, first, combine) { p in
                    unsafe I.everyOther(I.load(p), I.load(p + (lanes &- 1)))
                }
                unsafe I.store(v, y + i)
                i &+= lanes
            }
            let rest = count &- i
            if rest > 0 {
                // The last element that is needed is 2·rest - 2 from the first.
                let left = Swift.min(lanes, 2 &* rest &- 1)
                let right = Swift.max(0, 2 &* rest &- lanes)
                let v = unsafe fold(taps, taps.x + 2 &* i, first, combine) { p in
                    unsafe I.everyOther(
                        I.load(p, count: left),
                        I.load(p + (lanes &- 1), count: right)
                    )
                }
                unsafe I.store(v, y + i, count: rest)
            }
        } else {
            while i < count {
                let v = unsafe fold(taps, taps.x + stride &* i, first, combine) {
                    unsafe I.load($0, count: 1)
                }
                unsafe I.store(v, y + i, count: 1)
                i &+= 1
            }
        }
    }

    @inlinable
    @inline(__always)
    internal static func fold(
        _ taps: PoolTaps,
        _ x: UnsafePointer<Float>,
        _ first: I.Floats,
        _ combine: (I.Floats, I.Floats) -> I.Floats,
        _ load: (UnsafePointer<Float>) -> I.Floats
    ) -> I.Floats {
        var v = first
        var line = unsafe x
        for _ in 0..<taps.lineCount {
            var tap = unsafe line
            for _ in 0..<taps.tapCount {
                v = unsafe combine(v, load(tap))
                unsafe tap += taps.tapStride
            }
            unsafe line += taps.lineStride
        }
        return v
    }
}

/// Where the taps of a run of windows are.
@usableFromInline @safe
internal struct PoolTaps {
    @usableFromInline internal let x: UnsafePointer<Float>
    @usableFromInline internal let lineStride: Int
    @usableFromInline internal let lineCount: Int
    @usableFromInline internal let tapStride: Int
    @usableFromInline internal let tapCount: Int
    @usableFromInline internal let stride: Int

    @inlinable
    internal init(
        x: UnsafePointer<Float>,
        lineStride: Int,
        lineCount: Int,
        tapStride: Int,
        tapCount: Int,
        stride: Int
    ) {
        unsafe self.x = x
        self.lineStride = lineStride
        self.lineCount = lineCount
        self.tapStride = tapStride
        self.tapCount = tapCount
        self.stride = stride
    }
}
