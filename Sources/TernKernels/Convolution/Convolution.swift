internal import TernMicrokernels

/// A convolution with known sizes: Y [N, M, oH, oW] = W [M, C/g, kH, kW] ∗ X [N, C, H, W] + B [M].
///
/// One- and two-dimensional, any group, stride, dilation and padding. How it is computed, and with it
/// the order of additions, follows from the geometry of one image (``method(table:)``), so the bits of
/// an image don't depend on the batch or the threads. Padding is zeros (an infinite weight may make
/// NaN of them or not).
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
    /// Whether Winograd's methods may be chosen.
    package let usesWinograd: Bool

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
        window: Window,
        usesWinograd: Bool = ConvolutionMethod.allowsWinograd
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
        self.usesWinograd = usesWinograd
    }

    /// C / g · kH · kW, the length of the chain of each output.
    package var depth: Int {
        inputChannelCount / groupCount * window.kernel.height * window.kernel.width
    }

    /// How much scratch memory a run needs, in bytes.
    ///
    /// - Parameters:
    ///   - context: Where it will run.
    ///   - filtersAreLoose: Whether the filters are an input of the call instead of packed.
    /// - Returns: The bytes.
    package func scratchByteCount(context: KernelContext, filtersAreLoose: Bool = false) -> Int {
        guard isNotEmpty else { return 0 }
        let table = context.table
        switch filtersAreLoose ? methodOfLooseFilters(table: table) : method(table: table) {
        case .depthwise: return DepthwiseDriver.scratchByteCount(self, context)
        case .depthwiseChannels: return DepthwiseChannelsDriver.scratchByteCount(self, context)
        case .depthwisePlanes: return DepthwisePlanesDriver.scratchByteCount(context)
        case .depthwisePairs: return DepthwisePairsDriver.scratchByteCount(context)
        case .direct: return DirectDriver.scratchByteCount(self, context)
        case .pixelColumns: return PixelColumnsDriver.scratchByteCount(self, context)
        case .pixelRows: return PixelRowsDriver.Memory(self, context).byteCount
        case .winograd, .winogradRow:
            guard let geometry = WinogradGeometry(self, table: table) else { return 0 }
            return WinogradDriver.Memory(geometry, self, context).byteCount
        }
    }

    /// Whether each output channel reads one input channel.
    internal var isDepthwise: Bool { groupCount > 1 && inputChannelCount == groupCount }

    internal var isNotEmpty: Bool {
        batchCount > 0 && outputChannelCount > 0 && outputSize.height > 0 && outputSize.width > 0
    }

    /// Convolves with filters that were packed when the model was loaded.
    ///
    /// - Parameters:
    ///   - input: X, dense.
    ///   - filter: W, packed for a convolution with the same method.
    ///   - output: Y, dense; may not overlap X.
    ///   - epilogue: What happens to each sum.
    ///   - scratch: 64-byte aligned memory of ``scratchByteCount(context:filtersAreLoose:)`` bytes.
    ///   - context: Where to run.
    @unsafe package func run(
        _ input: UnsafePointer<Float>,
        filter: PackedFilter,
        into output: UnsafeMutablePointer<Float>,
        epilogue: ConvolutionEpilogue,
        scratch: UnsafeMutableRawBufferPointer,
        context: KernelContext
    ) {
        guard isNotEmpty else { return }
        let method = method(table: context.table)
        precondition(
            filter.outputChannelCount == outputChannelCount && filter.depth == depth
                && filter.method == method,
            "the packed filters belong to another convolution"
        )
        let run = unsafe ConvolutionRun(self, input, output, epilogue, context)
        switch method {
        case .depthwise: unsafe DepthwiseDriver.run(run, filter.rows, scratch)
        case .depthwiseChannels: unsafe DepthwiseChannelsDriver.run(run, filter, scratch)
        case .depthwisePlanes: unsafe DepthwisePlanesDriver.run(run, filter.rows, scratch)
        case .depthwisePairs: unsafe DepthwisePairsDriver.run(run, filter.rows, scratch)
        case .direct: unsafe DirectDriver.run(run, filter.rows, scratch)
        case .pixelColumns: unsafe PixelColumnsDriver.run(run, filter.rows, scratch)
        case .pixelRows: unsafe PixelRowsDriver.run(run, filter, scratch)
        case .winograd, .winogradRow: unsafe WinogradDriver.run(run, filter, scratch)
        }
    }

    /// Convolves with filters that are an input of the call: W [M, C/g, kH, kW], dense.
    @unsafe package func run(
        _ input: UnsafePointer<Float>,
        looseFilter: UnsafePointer<Float>,
        into output: UnsafeMutablePointer<Float>,
        epilogue: ConvolutionEpilogue,
        scratch: UnsafeMutableRawBufferPointer,
        context: KernelContext
    ) {
        guard isNotEmpty else { return }
        let run = unsafe ConvolutionRun(self, input, output, epilogue, context)
        let filter = unsafe FilterRows(elements: looseFilter, stride: depth)
        switch methodOfLooseFilters(table: context.table) {
        case .depthwise: unsafe DepthwiseDriver.run(run, filter, scratch)
        case .depthwisePlanes: unsafe DepthwisePlanesDriver.run(run, filter, scratch)
        case .depthwisePairs: unsafe DepthwisePairsDriver.run(run, filter, scratch)
        case .direct: unsafe DirectDriver.run(run, filter, scratch)
        default: unsafe PixelColumnsDriver.run(run, filter, scratch)
        }
    }
}
