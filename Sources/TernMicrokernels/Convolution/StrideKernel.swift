/// target[i] = source[i·stride] for i < count; touches those elements only.
///
/// Strides 1 and 2 are vector code; of the source nothing after the last element is read. Scalar
/// twin: `ConvolutionTests`.
@usableFromInline
internal enum StrideKernel<I: ShuffleInstructionSet> {
    @inlinable
    @inline(__always)
    internal static func run(
        _ source: UnsafePointer<Float>,
        _ stride: Int,
        _ count: Int,
        _ target: UnsafeMutablePointer<Float>
    ) {
        let lanes = I.laneCount
        var i = 0
        switch stride {
        case 1:
            while count &- i >= lanes {
                unsafe I.store(I.load(source + i), target + i)
                i &+= lanes
            }
            let rest = count &- i
            if rest > 0 { unsafe I.store(I.load(source + i, count: rest), target + i, count: rest) }
        case 2:
            // The element after the last one may not exist.
            while count &- i > lanes {
                let p = unsafe source + 2 &* i
                unsafe I.store(I.even(I.load(p), I.load(p + lanes)), target + i)
                i &+= lanes
            }
            let rest = count &- i
            if rest > 0 {
                let p = unsafe source + 2 &* i
                let left = Swift.min(lanes, 2 &* rest &- 1)
                let right = 2 &* rest &- 1 &- left
                let v0 = unsafe I.load(p, count: left)
                let v1 = unsafe I.load(p + left, count: right)
                unsafe I.store(I.even(v0, v1), target + i, count: rest)
            }
        default:
            while i < count {
                unsafe target[i] = source[i &* stride]
                i &+= 1
            }
        }
    }
}
