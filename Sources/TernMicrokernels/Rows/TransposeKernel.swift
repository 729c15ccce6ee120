/// target[c·targetStride + r] = source[r·sourceStride + c] for r < rows, c < columns.
///
/// Squares of one register's side are transposed in registers, those at the edges in log₂(lanes)
/// rounds, each of which zips row i with row i + lanes/2. Only the elements named are touched. Scalar
/// twins: `ConvolutionTests` and `LayoutTests`.
@usableFromInline
internal enum TransposeKernel<I: ShuffleInstructionSet> {
    @inlinable
    @inline(__always)
    internal static func run(
        _ source: UnsafePointer<Float>,
        _ sourceStride: Int,
        _ rows: Int,
        _ columns: Int,
        _ target: UnsafeMutablePointer<Float>,
        _ targetStride: Int
    ) {
        let lanes = I.laneCount
        var r = 0
        while r < rows {
            let height = Swift.min(lanes, rows &- r)
            var c = 0
            while c < columns {
                let width = Swift.min(lanes, columns &- c)
                let from = unsafe source + (r &* sourceStride &+ c)
                let to = unsafe target + (c &* targetStride &+ r)
                if height == lanes, width == lanes {
                    unsafe I.transpose(from, sourceStride, to, targetStride)
                } else {
                    unsafe edge(from, sourceStride, height, width, to, targetStride)
                }
                c &+= lanes
            }
            r &+= lanes
        }
    }

    /// The registers of a square; instruction sets with fewer lanes leave the rest alone.
    @usableFromInline internal typealias Square = InlineArray<16, I.Floats>

    @inlinable
    @inline(__always)
    internal static func transpose(_ square: inout Square) {
        let lanes = I.laneCount
        let half = lanes / 2
        var width = 1
        while width < lanes {
            let old = square
            for i in 0..<half {
                unsafe square[unchecked: 2 &* i] =
                    I.zipLow(old[unchecked: i], old[unchecked: i &+ half])
                unsafe square[unchecked: 2 &* i &+ 1] =
                    I.zipHigh(old[unchecked: i], old[unchecked: i &+ half])
            }
            width &*= 2
        }
    }

    @inlinable
    @inline(__always)
    internal static func edge(
        _ source: UnsafePointer<Float>,
        _ sourceStride: Int,
        _ height: Int,
        _ width: Int,
        _ target: UnsafeMutablePointer<Float>,
        _ targetStride: Int
    ) {
        var square = Square(repeating: I.broadcast(Float(0)))
        for i in 0..<I.laneCount where i < height {
            unsafe square[unchecked: i] = I.load(source + i &* sourceStride, count: width)
        }
        transpose(&square)
        for i in 0..<I.laneCount where i < width {
            unsafe I.store(square[unchecked: i], target + i &* targetStride, count: height)
        }
    }
}
