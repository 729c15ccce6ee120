package import TernMicrokernels

/// A convolution with known sizes: Y [N, M, oH, oW] = W [M, C/g, kH, kW] ∗ X [N, C, H, W] + B [M].
///
/// One- and two-dimensional, any group, stride, dilation and padding. Each output is one chain of
/// additions over (channel, row, column) of its window, so the bits of an image don't depend on the
/// batch or the threads. Padding is zeros (an infinite weight may make NaN of them or not).
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
    ) {
        guard batchCount >= 0, inputChannelCount >= 0, outputChannelCount >= 0, groupCount >= 1,
            inputChannelCount % groupCount == 0, outputChannelCount % groupCount == 0,
            window.isValid, inputSize.height >= 0, inputSize.width >= 0,
            let outputSize = window.outputSize(input: inputSize)
        else { return nil }
        self.batchCount = batchCount
        self.inputChannelCount = inputChannelCount
        self.outputChannelCount = outputChannelCount
        self.groupCount = groupCount
        self.inputSize = inputSize
        self.outputSize = outputSize
        self.window = window
    }

    /// C / g · kH · kW, the length of the chain of each output.
    package var depth: Int {
        inputChannelCount / groupCount * window.kernel.height * window.kernel.width
    }

    /// How much scratch memory a run needs, in bytes.
    package func scratchByteCount(context: KernelContext) -> Int {
        isDepthwise ? 0 : ConvolutionDriver.partByteCount(self, context) * partCount(context)
    }

    /// Whether each output channel reads one input channel.
    internal var isDepthwise: Bool { groupCount > 1 && inputChannelCount == groupCount }

    /// How many panels of pixels there are, over all images and groups.
    internal func panelCount(_ context: KernelContext) -> Int {
        let pixels = outputSize.height * outputSize.width
        let panels = Panels.count(columnCount: pixels, table: context.table)
        return batchCount * groupCount * panels
    }

    /// How many parts the panels are dealt out in, each with scratch memory of its own.
    internal func partCount(_ context: KernelContext) -> Int {
        Swift.min(panelCount(context), context.scratchPartLimit)
    }

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
    ) {
        precondition(
            filter.outputChannelCount == outputChannelCount && filter.depth == depth,
            "the packed filters belong to another convolution"
        )
        unsafe run(
            input,
            filter: filter.rows,
            bias: bias,
            into: output,
            activation: activation,
            scratch: scratch,
            context: context
        )
    }

    /// Convolves with filters that are an input of the call: W [M, C/g, kH, kW], dense.
    @unsafe package func run(
        _ input: UnsafePointer<Float>,
        filter: UnsafePointer<Float>,
        bias: UnsafePointer<Float>?,
        into output: UnsafeMutablePointer<Float>,
        activation: UnaryOperation = .identity,
        scratch: UnsafeMutableRawBufferPointer,
        context: KernelContext
    ) {
        guard batchCount > 0, outputChannelCount > 0, outputSize.height > 0, outputSize.width > 0
        else { return }
        if isDepthwise {
            unsafe DepthwiseDriver.run(
                self,
                input,
                filter,
                bias,
                output,
                activation,
                context
            )
        } else {
            unsafe ConvolutionDriver.run(
                self,
                input,
                filter,
                bias,
                output,
                activation,
                scratch,
                context
            )
        }
    }
}
