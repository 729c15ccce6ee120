import TernKernels
import TernMicrokernels
import TernTensor
import TernThreadPool

/// Reading memory once from the first byte to the last: what a product of one row can do at best.
///
/// What caches it comes from is a matter of how much there is; the threads of the pool share it.
final class StreamWork: BenchmarkedWork {
    private static let pieceFloatCount = 1 << 14

    private let context: KernelContext
    private let floatCount: Int
    private let buffer: AlignedBuffer

    init(byteCount: Int, context: KernelContext) {
        self.context = context
        floatCount = byteCount / MemoryLayout<Float>.stride
        buffer = AlignedBuffer(byteCount: byteCount)
    }

    /// The bytes of one run.
    var byteCount: Double { Double(buffer.byteCount) }

    func run(copy: Int) {
        // SAFETY: the buffer holds as many floats.
        let floats = unsafe UnsafePointer(buffer.baseAddress.assumingMemoryBound(to: Float.self))
        let limits = context.table.limits
        let count = floatCount
        guard let pool = context.pool else {
            _ = unsafe limits.read(floats, count)
            return
        }
        let pieces = (count + Self.pieceFloatCount - 1) / Self.pieceFloatCount
        pool.parallelFor(count: pieces, predictedSerialNanoseconds: count / 16) { range in
            let start = range.lowerBound * Self.pieceFloatCount
            let end = min(range.upperBound * Self.pieceFloatCount, count)
            _ = unsafe limits.read(floats + start, end - start)
        }
    }
}
