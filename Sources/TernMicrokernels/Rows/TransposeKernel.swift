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
        // A target too large for a near cache would hold up every store.
        let fetches = columns &* targetStride >= 1 << 16
        var r = 0
        while r < rows {
            // Where there is room, the last squares overlap those before and store the same again.
            let top = rows >= lanes ? Swift.min(r, rows &- lanes) : r
            let height = Swift.min(lanes, rows &- top)
            var c = 0
            while c < columns {
                let left = columns >= lanes ? Swift.min(c, columns &- lanes) : c
                let width = Swift.min(lanes, columns &- left)
                let from = unsafe source + (top &* sourceStride &+ left)
                let to = unsafe target + (left &* targetStride &+ top)
                if fetches { unsafe fetch(to + 4 &* lanes &* targetStride, targetStride) }
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

    /// Asks for the lines of a square that will be stored some squares later.
    @inlinable
    @inline(__always)
    internal static func fetch(_ target: UnsafeMutablePointer<Float>, _ stride: Int) {
        var line = unsafe UnsafePointer(target)
        for _ in 0..<I.laneCount {
            unsafe I.prefetch(line)
            unsafe line += stride
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
