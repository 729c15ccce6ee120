import TernKernels
import TernMicrokernels
import TernTensor

/// A product of bytes with a packed right-hand side; the sums are stored.
final class IntegerProductWork: BenchmarkedWork {
    private let shape: ProductShape
    private let aIsSigned: Bool
    private let context: KernelContext
    private let a: AlignedBuffer
    private let b: [PackedIntegerMatrix]
    private let c: [AlignedBuffer]

    init(
        _ shape: ProductShape,
        aIsSigned: Bool,
        bIsSigned: Bool,
        copyCount: Int,
        resultCount: Int,
        context: KernelContext
    ) {
        self.shape = shape
        self.aIsSigned = aIsSigned
        self.context = context
        a = BenchmarkMemory.bytes(shape.rowCount * shape.depth)
        let plain = BenchmarkMemory.bytes(shape.depth * shape.columnCount)
        b = (0..<copyCount).map { _ in
            // SAFETY: the buffer holds K·N bytes.
            unsafe PackedIntegerMatrix(
                rowCount: shape.depth,
                columnCount: shape.columnCount,
                elements: ByteMatrix(
                    plain.baseAddress,
                    rowStride: shape.columnCount,
                    isSigned: bIsSigned
                ),
                table: context.table
            )
        }
        c = (0..<resultCount).map { _ in
            AlignedBuffer(byteCount: shape.rowCount * shape.columnCount * 4)
        }
    }

    func run(copy: Int) {
        // SAFETY: the buffers have the sizes of the shape.
        unsafe IntegerGEMM.multiply(
            ByteMatrix(a.baseAddress, rowStride: shape.depth, isSigned: aIsSigned),
            rowCount: shape.rowCount,
            by: b[copy % b.count],
            into: c[copy % c.count].baseAddress.assumingMemoryBound(to: Int32.self),
            rowStride: shape.columnCount,
            context: context
        )
    }
}

/// A product of bfloat16 with a packed right-hand side; the sums are stored as floats.
final class BFloatProductWork: BenchmarkedWork {
    private let shape: ProductShape
    private let context: KernelContext
    private let a: AlignedBuffer
    private let b: [PackedBFloatMatrix]
    private let c: [AlignedBuffer]

    init(_ shape: ProductShape, copyCount: Int, resultCount: Int, context: KernelContext) {
        self.shape = shape
        self.context = context
        let floats = BenchmarkMemory.floats(shape.rowCount * shape.depth)
        a = AlignedBuffer(byteCount: shape.rowCount * shape.depth * 2)
        // SAFETY: both hold M·K elements.
        unsafe context.table.narrowBFloat(
            floats.baseAddress.assumingMemoryBound(to: Float.self),
            a.baseAddress.assumingMemoryBound(to: UInt16.self),
            shape.rowCount * shape.depth
        )
        let plain = BenchmarkMemory.floats(shape.depth * shape.columnCount)
        b = (0..<copyCount).map { _ in
            // SAFETY: the buffer holds K·N floats.
            unsafe PackedBFloatMatrix(
                rowCount: shape.depth,
                columnCount: shape.columnCount,
                floats: plain.baseAddress.assumingMemoryBound(to: Float.self),
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
        unsafe BFloatGEMM.multiply(
            a.baseAddress.assumingMemoryBound(to: UInt16.self),
            rowStride: shape.depth,
            rowCount: shape.rowCount,
            by: b[copy % b.count],
            into: c[copy % c.count].baseAddress,
            rowStride: shape.columnCount,
            context: context
        )
    }
}

/// A product of floats with weights that are quantised in blocks of 32.
final class BlockProductWork: BenchmarkedWork {
    private let shape: ProductShape
    private let context: KernelContext
    private let a: AlignedBuffer
    private let b: [PackedBlockMatrix]
    private let c: [AlignedBuffer]
    private let scratch: AlignedBuffer

    init(
        _ shape: ProductShape,
        bitCount: Int,
        copyCount: Int,
        resultCount: Int,
        context: KernelContext
    ) {
        self.shape = shape
        self.context = context
        a = BenchmarkMemory.floats(shape.rowCount * shape.depth)
        let plain = BenchmarkMemory.floats(shape.depth * shape.columnCount)
        // SAFETY: the buffer holds K·N floats.
        let weights = unsafe BlockQuantizedWeights(
            quantizing: MatrixView(
                plain.baseAddress.assumingMemoryBound(to: Float.self),
                rowStride: shape.columnCount
            ),
            rowCount: shape.depth,
            columnCount: shape.columnCount,
            bitCount: bitCount,
            hasZeroPoints: false
        )
        b = (0..<copyCount).map { _ in PackedBlockMatrix(weights, table: context.table) }
        c = (0..<resultCount).map { _ in
            BenchmarkMemory.floats(shape.rowCount * shape.columnCount)
        }
        scratch = AlignedBuffer(
            byteCount: BlockQuantizedGEMM.scratchByteCount(
                rowCount: shape.rowCount,
                depth: shape.depth
            )
        )
    }

    func run(copy: Int) {
        // SAFETY: the buffers have the sizes of the shape.
        unsafe BlockQuantizedGEMM.multiply(
            a.baseAddress.assumingMemoryBound(to: Float.self),
            rowStride: shape.depth,
            rowCount: shape.rowCount,
            by: b[copy % b.count],
            into: c[copy % c.count].baseAddress.assumingMemoryBound(to: Float.self),
            rowStride: shape.columnCount,
            scratch: UnsafeMutableRawBufferPointer(
                start: scratch.baseAddress,
                count: scratch.byteCount
            ),
            context: context
        )
    }
}
