import TernKernels
import TernTensor

/// A convolution of bytes with packed filters and a bias, rounded to bytes again.
///
/// Zero points and scales are as those of a quantised network: signed filters have the zero point 0,
/// unsigned ones another.
final class ByteConvolutionWork: BenchmarkedWork {
    private let convolution: ByteConvolution
    private let imageIsSigned: Bool
    private let context: KernelContext
    private let x: AlignedBuffer
    private let y: [AlignedBuffer]
    private let filter: PackedByteFilter
    private let bias: AlignedBuffer
    private let factors: AlignedBuffer
    private let scratch: AlignedBuffer

    init(
        _ sizes: Convolution,
        imageIsSigned: Bool,
        filtersAreSigned: Bool,
        resultCount: Int,
        context: KernelContext
    ) {
        convolution = ByteConvolution(sizes)
        self.imageIsSigned = imageIsSigned
        self.context = context
        x = BenchmarkMemory.bytes(sizes.inputElementCount)
        y = (0..<resultCount).map { _ in BenchmarkMemory.bytes(sizes.outputElementCount) }
        let weights = BenchmarkMemory.bytes(sizes.outputChannelCount * sizes.depth)
        // SAFETY: the buffer holds as many bytes as the filters have.
        filter = unsafe PackedByteFilter(
            ByteFilter(
                weights.baseAddress,
                isSigned: filtersAreSigned,
                zeroPoint: filtersAreSigned ? 0 : 130
            ),
            for: sizes,
            table: context.table
        )
        bias = AlignedBuffer(byteCount: 4 * sizes.outputChannelCount)
        factors = BenchmarkMemory.floats(sizes.outputChannelCount)
        scratch = AlignedBuffer(byteCount: convolution.scratchByteCount(context: context))
    }

    func run(copy: Int) {
        // SAFETY: the buffers have the sizes of the convolution.
        unsafe convolution.run(
            ByteImage(
                x.baseAddress,
                isSigned: imageIsSigned,
                zeroPoint: imageIsSigned ? 3 : 131
            ),
            filters: .packed(filter),
            bias: bias.baseAddress.assumingMemoryBound(to: Int32.self),
            into: .bytes(
                y[copy % y.count].baseAddress,
                ByteRequantization(
                    factors: factors.baseAddress.assumingMemoryBound(to: Float.self),
                    zeroPoint: imageIsSigned ? -3 : 120,
                    isSigned: imageIsSigned
                )
            ),
            scratch: UnsafeMutableRawBufferPointer(
                start: scratch.baseAddress,
                count: scratch.byteCount
            ),
            context: context
        )
    }
}
