import TernKernels
import TernTensor

/// A product of 32-bit floats with a packed right-hand side.
final class FloatProductWork: BenchmarkedWork {
    private let shape: ProductShape
    private let context: KernelContext
    private let a: AlignedBuffer
    private let c: [AlignedBuffer]
    private let b: [PackedMatrix]

    init(_ shape: ProductShape, copyCount: Int, resultCount: Int, context: KernelContext) {
        self.shape = shape
        self.context = context
        a = BenchmarkMemory.floats(shape.rowCount * shape.depth)
        let plain = BenchmarkMemory.floats(shape.depth * shape.columnCount)
        b = (0..<copyCount).map { _ in
            // SAFETY: the buffer holds K·N floats.
            unsafe PackedMatrix(
                rowCount: shape.depth,
                columnCount: shape.columnCount,
                elements: plain.baseAddress.assumingMemoryBound(to: Float.self),
                rowStride: shape.columnCount,
                table: context.table
            )
        }
        c = (0..<resultCount).map { _ in
            BenchmarkMemory.floats(shape.rowCount * shape.columnCount)
        }
    }

    func run(copy: Int) {
        // SAFETY: the buffers have the sizes of the shape.
        unsafe GEMM.multiply(
            a.baseAddress.assumingMemoryBound(to: Float.self),
            rowStride: shape.depth,
            rowCount: shape.rowCount,
            by: b[copy % b.count],
            into: c[copy % c.count].baseAddress.assumingMemoryBound(to: Float.self),
            rowStride: shape.columnCount,
            context: context
        )
    }
}
