package import TernMicrokernels
internal import TernTensor

/// The filters of a convolution, kept in the layout its kernels read.
///
/// Made once, when a model is loaded; immutable and shared by any number of threads.
@safe package final class PackedFilter: Sendable {
    /// M, the output channels.
    package let outputChannelCount: Int
    /// C / group · kH · kW.
    package let depth: Int
    internal let storage: AlignedBuffer

    /// Packs filters.
    ///
    /// - Parameters:
    ///   - elements: W [M, C/group, kH, kW], dense.
    ///   - outputChannelCount: M.
    ///   - depth: C / group · kH · kW.
    ///   - table: The kernels that will read it.
    @unsafe package init(
        elements: UnsafePointer<Float>,
        outputChannelCount: Int,
        depth: Int,
        table: KernelTable = .current
    ) {
        self.outputChannelCount = outputChannelCount
        self.depth = depth
        storage = AlignedBuffer(byteCount: 0)
        preconditionFailure()
    }
}

/// A convolution with known sizes: Y [N, M, oH, oW] = W [M, C/g, kH, kW] ∗ X [N, C, H, W] + B [M].
///
/// One- and two-dimensional, any group, stride, dilation and padding. Each output is one chain of
/// additions over (channel, row, column) of its window, so the bits of an image don't depend on the
/// batch or the threads. A tap in the padding multiplies by 0.
package struct Convolution: Sendable {
    /// N.
    package let batchCount: Int
    /// C.
    package let inputChannelCount: Int
    /// M.
    package let outputChannelCount: Int
    /// The number of groups.
    package let groupCount: Int
    /// H and W.
    package let inputSize: Window.Extent
    /// oH and oW.
    package let outputSize: Window.Extent
    /// The kernel and how it slides.
    package let window: Window

    /// Describes a convolution; `nil` if the sizes don't fit together.
    ///
    /// Not fitting are: channels that the groups don't divide, a stride, dilation, kernel or group
    /// below 1, negative padding, or a dilated kernel larger than the padded image.
    package init?(
        batchCount: Int,
        inputChannelCount: Int,
        outputChannelCount: Int,
        groupCount: Int,
        inputSize: Window.Extent,
        window: Window
    ) { preconditionFailure() }

    /// How much scratch memory a run needs, in bytes.
    package func scratchByteCount(context: KernelContext) -> Int { preconditionFailure() }

    /// Convolves with filters that were packed when the model was loaded.
    ///
    /// - Parameters:
    ///   - input: X, dense.
    ///   - filter: W.
    ///   - bias: B, or nothing.
    ///   - output: Y, dense; may not overlap X.
    ///   - activation: Applied to each output.
    ///   - scratch: 64-byte aligned memory of ``scratchByteCount(context:)`` bytes.
    ///   - context: Where to run.
    @unsafe package func run(
        _ input: UnsafePointer<Float>,
        filter: PackedFilter,
        bias: UnsafePointer<Float>?,
        into output: UnsafeMutablePointer<Float>,
        activation: UnaryOperation = .identity,
        scratch: UnsafeMutableRawBufferPointer,
        context: KernelContext
    ) { preconditionFailure() }

    /// Convolves with filters that are an input of the call: W [M, C/g, kH, kW], dense.
    @unsafe package func run(
        _ input: UnsafePointer<Float>,
        filter: UnsafePointer<Float>,
        bias: UnsafePointer<Float>?,
        into output: UnsafeMutablePointer<Float>,
        activation: UnaryOperation = .identity,
        scratch: UnsafeMutableRawBufferPointer,
        context: KernelContext
    ) { preconditionFailure() }
}
