import TernKernels
import TernTensor

/// A convolution of 32-bit floats with packed filters and a bias.
final class ConvolutionWork: BenchmarkedWork {
    private let convolution: Convolution
    private let context: KernelContext
    private let x: AlignedBuffer
    private let y: [AlignedBuffer]
    private let filter: PackedFilter
    private let bias: AlignedBuffer
    private let scratch: AlignedBuffer

    init(_ convolution: Convolution, resultCount: Int, context: KernelContext) {
        self.convolution = convolution
        self.context = context
        x = BenchmarkMemory.floats(convolution.inputElementCount)
        y = (0..<resultCount).map { _ in
            BenchmarkMemory.floats(convolution.outputElementCount)
        }
        let weights = BenchmarkMemory.floats(convolution.outputChannelCount * convolution.depth)
        // SAFETY: the buffer holds as many floats as the filters have.
        filter = unsafe PackedFilter(
            elements: weights.baseAddress.assumingMemoryBound(to: Float.self),
            for: convolution,
            table: context.table
        )
        bias = BenchmarkMemory.floats(convolution.outputChannelCount)
        scratch = AlignedBuffer(byteCount: convolution.scratchByteCount(context: context))
    }

    func run(copy: Int) {
        // SAFETY: the buffers have the sizes of the convolution.
        unsafe convolution.run(
            x.baseAddress.assumingMemoryBound(to: Float.self),
            filter: filter,
            into: y[copy % y.count].baseAddress.assumingMemoryBound(to: Float.self),
            epilogue: ConvolutionEpilogue(
                bias: bias.baseAddress.assumingMemoryBound(to: Float.self)
            ),
            scratch: UnsafeMutableRawBufferPointer(
                start: scratch.baseAddress,
                count: scratch.byteCount
            ),
            context: context
        )
    }
}
