package import TernMicrokernels

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
    ) {
        guard batchCount >= 0, inputChannelCount >= 0, outputChannelCount >= 0, groupCount >= 1,
            inputChannelCount % groupCount == 0, outputChannelCount % groupCount == 0,
            let outputSize = window.outputSize(of: inputSize)
        else { return nil }
        self.batchCount = batchCount
        self.inputChannelCount = inputChannelCount
        self.outputChannelCount = outputChannelCount
        self.groupCount = groupCount
        self.inputSize = inputSize
        self.outputSize = outputSize
        self.window = window
    }

    /// How much scratch memory a run needs, in bytes.
    package func scratchByteCount(context: KernelContext) -> Int {
        isDepthwise ? 0 : partCount(context) * partByteCount(context)
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
            "the filters are those of another convolution"
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
        guard outputPlaneCount > 0, outputChannelCount > 0, batchCount > 0 else { return }
        if isDepthwise {
            unsafe runDepthwise(
                input,
                filter: filter,
                bias: bias,
                into: output,
                activation: activation,
                context: context
            )
            return
        }
        let parts = partCount(context)
        let partByteCount = partByteCount(context)
        var memory = unsafe ScratchMemory(scratch, needed: parts * partByteCount)
        let panels = unsafe memory.bytes(parts * partByteCount)
        let blockCount = blockCount(context)
        let itemCount = batchCount * groupCount * blockCount
        let perItem = context.nanoseconds(multiplyAdds: multiplyAdds) / Double(itemCount)
        context.forEach(
            parts,
            nanosecondsPerPiece: perItem * Double(itemCount) / Double(parts)
        ) { range in
            for part in range {
                let mine = unsafe (panels + part * partByteCount)
                    .assumingMemoryBound(to: Float.self)
                for item in itemCount * part / parts..<itemCount * (part + 1) / parts {
                    unsafe runBlock(
                        item % blockCount,
                        group: item / blockCount % groupCount,
                        image: item / blockCount / groupCount,
                        input,
                        filter,
                        bias,
                        output,
                        activation,
                        panels: mine,
                        context: context.inline
                    )
                }
            }
        }
    }

    /// Computes a block of output positions of one group of one image: gathers their windows as the
    /// panels of a matrix, and multiplies the filters by it.
    @unsafe private func runBlock(
        _ block: Int,
        group: Int,
        image: Int,
        _ input: UnsafePointer<Float>,
        _ filter: UnsafePointer<Float>,
        _ bias: UnsafePointer<Float>?,
        _ output: UnsafeMutablePointer<Float>,
        _ activation: UnaryOperation,
        panels: UnsafeMutablePointer<Float>,
        context: KernelContext
    ) {
        let width = context.table.panelWidth
        let first = block * blockColumnCount(context)
        let columnCount = Swift.min(blockColumnCount(context), outputPlaneCount - first)
        let inputPlane = inputSize.height * inputSize.width
        let channels = inputChannelCount / groupCount
        let filters = outputChannelCount / groupCount
        let source = unsafe input + (image * inputChannelCount + group * channels) * inputPlane
        let gather = WindowGather(
            channelCount: channels,
            inputSize: inputSize,
            outputWidth: outputSize.width,
            window: window
        )
        var column = 0
        while column < columnCount {
            unsafe gather.panel(
                source,
                positions: first + column..<first + Swift.min(column + width, columnCount),
                width: width,
                into: panels + column * depth
            )
            column += width
        }
        let firstOutput = image * outputChannelCount + group * filters
        let tile = unsafe GEMMTile(
            a: filter + group * filters * depth,
            aRowStride: depth,
            b: UnsafePointer(panels),
            bRowStride: width,
            bPanelStride: depth * width,
            c: output + firstOutput * outputPlaneCount + first,
            cRowStride: outputPlaneCount,
            rowCount: filters,
            columnCount: columnCount,
            depth: depth
        )
        let rowBias = unsafe bias.map { unsafe Epilogue.Bias.perRow($0 + group * filters) }
        GEMMDriver.run(
            tile,
            epilogue: Epilogue(bias: rowBias ?? .none, activation: activation),
            context: context
        )
    }

    // MARK: - Sizes

    /// The length of one window: C / group · kH · kW.
    internal var depth: Int {
        inputChannelCount / groupCount * window.kernel.height * window.kernel.width
    }

    /// The outputs of one channel of one image.
    internal var outputPlaneCount: Int { outputSize.height * outputSize.width }

    /// Whether each group has a single input channel and a single filter.
    internal var isDepthwise: Bool {
        groupCount == inputChannelCount && groupCount == outputChannelCount
    }

    internal var multiplyAdds: Double {
        Double(batchCount) * Double(outputChannelCount) * Double(outputPlaneCount) * Double(depth)
    }

    /// How many output positions are gathered at a time: whole panels, about half of a usual L2 cache.
    private func blockColumnCount(_ context: KernelContext) -> Int {
        let width = context.table.panelWidth
        let panelByteCount = Swift.max(depth, 1) * width * MemoryLayout<Float>.stride
        let panelCount = (outputPlaneCount + width - 1) / width
        return Swift.max(1, Swift.min((256 << 10) / panelByteCount, panelCount)) * width
    }

    private func blockCount(_ context: KernelContext) -> Int {
        let columns = blockColumnCount(context)
        return (outputPlaneCount + columns - 1) / columns
    }

    /// How many parts, each with scratch memory of its own, the work is cut into.
    private func partCount(_ context: KernelContext) -> Int {
        guard outputPlaneCount > 0 else { return 0 }
        return Swift.min(
            context.scratchPartLimit,
            batchCount * groupCount * blockCount(context)
        )
    }

    private func partByteCount(_ context: KernelContext) -> Int {
        GEMM.alignedByteCount(floats: blockColumnCount(context) * depth)
    }
}
