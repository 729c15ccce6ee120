internal import TernMicrokernels

/// A transposed convolution with known sizes: each element of X [N, C, H, W] lays a copy of its kernels,
/// W [C, M/g, kH, kW], scaled by it, into Y [N, M, oH, oW], to which B [M] is added.
///
/// One- and two-dimensional, any group, stride, dilation, padding and output size. Outputs that are a
/// stride apart make a phase; each phase is an ordinary convolution with stride 1 by the taps it sees, so
/// that no columns are written out, and nothing is multiplied by zeros between inputs. How a phase is
/// computed, and with it the order of additions, follows from the geometry of one image.
package struct TransposedConvolution: Sendable {
    /// One phase.
    internal struct Phase: Sendable {
        internal let rows: TransposedAxis
        internal let columns: TransposedAxis
        /// One image's; `nil` if no tap is seen.
        internal let convolution: Convolution?
    }

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
    /// The kernel and where it falls; its trailing padding follows from the output's size.
    package let window: Window
    internal let phases: [Phase]

    /// Describes a transposed convolution; `nil` if the sizes don't fit together.
    ///
    /// Not fitting are: channels that the groups don't divide, a stride, dilation, kernel or group below 1,
    /// negative padding or sizes.
    ///
    /// - Parameters:
    ///   - batchCount: N.
    ///   - inputChannelCount: C.
    ///   - outputChannelCount: M.
    ///   - groupCount: How many groups the channels are parted into.
    ///   - inputSize: H and W.
    ///   - outputSize: oH and oW; where no copy of the kernel falls, Y is the bias.
    ///   - window: The kernel, and how far apart its copies fall; leading padding moves them up and left.
    package init?(
        batchCount: Int,
        inputChannelCount: Int,
        outputChannelCount: Int,
        groupCount: Int,
        inputSize: Window.Extent,
        outputSize: Window.Extent,
        window: Window
    ) {
        guard batchCount >= 0, inputChannelCount >= 0, outputChannelCount >= 0, groupCount >= 1,
            inputChannelCount % groupCount == 0, outputChannelCount % groupCount == 0,
            window.isValid, inputSize.height >= 0, inputSize.width >= 0, outputSize.height >= 0,
            outputSize.width >= 0
        else { return nil }
        self.batchCount = batchCount
        self.inputChannelCount = inputChannelCount
        self.outputChannelCount = outputChannelCount
        self.groupCount = groupCount
        self.inputSize = inputSize
        self.outputSize = outputSize
        self.window = window
        var phases: [Phase] = []
        for row in 0..<Swift.min(window.stride.height, outputSize.height) {
            let rows = TransposedAxis(
                firstOutput: row,
                stride: window.stride.height,
                dilation: window.dilation.height,
                kernel: window.kernel.height,
                leading: window.leading.height,
                inputCount: inputSize.height,
                outputCount: outputSize.height
            )
            for column in 0..<Swift.min(window.stride.width, outputSize.width) {
                let columns = TransposedAxis(
                    firstOutput: column,
                    stride: window.stride.width,
                    dilation: window.dilation.width,
                    kernel: window.kernel.width,
                    leading: window.leading.width,
                    inputCount: inputSize.width,
                    outputCount: outputSize.width
                )
                var convolution: Convolution?
                if rows.tapCount > 0, columns.tapCount > 0 {
                    convolution = Convolution(
                        batchCount: 1,
                        inputChannelCount: inputChannelCount,
                        outputChannelCount: outputChannelCount,
                        groupCount: groupCount,
                        inputSize: inputSize,
                        window: Window(
                            kernel: .init(height: rows.tapCount, width: columns.tapCount),
                            dilation: .init(height: rows.dilation, width: columns.dilation),
                            leading: .init(height: rows.leading, width: columns.leading),
                            trailing: .init(height: rows.trailing, width: columns.trailing)
                        )
                    )
                    guard convolution != nil else { return nil }
                }
                phases.append(Phase(rows: rows, columns: columns, convolution: convolution))
            }
        }
        self.phases = phases
    }

    /// How much scratch memory a run needs, in bytes.
    ///
    /// - Parameters:
    ///   - context: Where it will run.
    ///   - filtersAreLoose: Whether the filters are an input of the call instead of packed.
    /// - Returns: The bytes.
    package func scratchByteCount(context: KernelContext, filtersAreLoose: Bool = false) -> Int {
        planeByteCount + (filtersAreLoose ? filterByteCount : 0)
            + (phases.map {
                $0.convolution?.scratchByteCount(
                    context: context,
                    filtersAreLoose: filtersAreLoose
                ) ?? 0
            }.max() ?? 0)
    }

    /// Whether the only phase computes Y where it belongs.
    private func isInPlace(_ phase: Phase) -> Bool {
        phases.count == 1 && phase.convolution?.outputSize == outputSize
            && phase.rows.skipCount == 0 && phase.columns.skipCount == 0
    }

    /// What one image's largest phase takes.
    private var planeByteCount: Int {
        let sizes = phases.map { phase in
            guard let size = phase.convolution?.outputSize, !isInPlace(phase) else { return 0 }
            return size.height * size.width
        }
        return GEMM.alignedByteCount(floats: (sizes.max() ?? 0) * outputChannelCount)
    }

    /// What the filters of the phase with the most taps take.
    private var filterByteCount: Int {
        GEMM.alignedByteCount(
            floats: (phases.map { $0.convolution?.depth ?? 0 }.max() ?? 0) * outputChannelCount
        )
    }

    /// Computes Y with filters that were packed when the model was loaded.
    ///
    /// - Parameters:
    ///   - input: X, dense.
    ///   - filter: W, packed for a transposed convolution with the same phases and methods.
    ///   - bias: B, if there is one.
    ///   - output: Y, dense; may not overlap X.
    ///   - scratch: 64-byte aligned memory of ``scratchByteCount(context:filtersAreLoose:)`` bytes.
    ///   - context: Where to run.
    @unsafe package func run(
        _ input: UnsafePointer<Float>,
        filter: PackedTransposedFilter,
        bias: UnsafePointer<Float>?,
        into output: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutableRawBufferPointer,
        context: KernelContext
    ) {
        precondition(
            filter.phases.count == phases.count,
            "the packed filters belong to another transposed convolution"
        )
        let needed = scratchByteCount(context: context)
        unsafe run(input, bias, output, scratch, needed, context) {
            index,
            convolution,
            image,
            end in
            guard let filter = filter.phases[index] else { return }
            unsafe convolution.run(
                image,
                filter: filter,
                into: end.target,
                epilogue: ConvolutionEpilogue(bias: bias),
                scratch: end.scratch,
                context: context
            )
        }
    }

    /// Computes Y with filters that are an input of the call: W [C, M/g, kH, kW], dense.
    @unsafe package func run(
        _ input: UnsafePointer<Float>,
        looseFilter: UnsafePointer<Float>,
        bias: UnsafePointer<Float>?,
        into output: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutableRawBufferPointer,
        context: KernelContext
    ) {
        let needed = scratchByteCount(context: context, filtersAreLoose: true)
        var memory = unsafe ScratchMemory(scratch, needed: needed)
        let filter = unsafe memory.floats(filterByteCount / 4)
        let rest = unsafe UnsafeMutableRawBufferPointer(
            rebasing: scratch[Swift.min(filterByteCount, scratch.count)...]
        )
        let own = needed - filterByteCount
        unsafe run(input, bias, output, rest, own, context) { index, convolution, image, end in
            unsafe writeFilter(phases[index], from: looseFilter, into: filter)
            unsafe convolution.run(
                image,
                looseFilter: filter,
                into: end.target,
                epilogue: ConvolutionEpilogue(bias: bias),
                scratch: end.scratch,
                context: context
            )
        }
    }

    /// Where a phase of an image goes, and what memory it has.
    @safe private struct Destination {
        let target: UnsafeMutablePointer<Float>
        let scratch: UnsafeMutableRawBufferPointer
    }

    /// Calls `convolve` for each phase of each image, and puts what it computes where it belongs.
    @unsafe private func run(
        _ input: UnsafePointer<Float>,
        _ bias: UnsafePointer<Float>?,
        _ output: UnsafeMutablePointer<Float>,
        _ scratch: UnsafeMutableRawBufferPointer,
        _ needed: Int,
        _ context: KernelContext,
        _ convolve: (Int, Convolution, UnsafePointer<Float>, Destination) -> Void
    ) {
        guard outputChannelCount > 0 else { return }
        var memory = unsafe ScratchMemory(scratch, needed: needed)
        let planes = unsafe memory.floats(planeByteCount / 4)
        let rest = unsafe UnsafeMutableRawBufferPointer(
            rebasing: scratch[Swift.min(planeByteCount, scratch.count)...]
        )
        let imageCount = inputChannelCount * inputSize.height * inputSize.width
        let resultCount = outputChannelCount * outputSize.height * outputSize.width
        for image in 0..<batchCount {
            let target = unsafe output + image * resultCount
            for (index, phase) in phases.enumerated() {
                let isInPlace = isInPlace(phase)
                if let convolution = phase.convolution {
                    let end = unsafe Destination(
                        target: isInPlace ? target : planes,
                        scratch: rest
                    )
                    unsafe convolve(index, convolution, input + image * imageCount, end)
                }
                guard !isInPlace else { continue }
                unsafe spread(phase, planes, bias, into: target, context)
            }
        }
    }

    /// Copies a phase to the outputs it belongs to; without taps they are the bias.
    @unsafe private func spread(
        _ phase: Phase,
        _ planes: UnsafePointer<Float>,
        _ bias: UnsafePointer<Float>?,
        into output: UnsafeMutablePointer<Float>,
        _ context: KernelContext
    ) {
        let (rows, columns) = (phase.rows, phase.columns)
        let nanoseconds = 0.5 * Double(rows.outputCount * columns.outputCount)
        let stride = window.stride.width
        context.forEach(
            outputChannelCount,
            grain: KernelContext.grain(nanosecondsPerPiece: nanoseconds),
            nanosecondsPerPiece: nanoseconds
        ) { channels in
            for channel in channels {
                let plane = unsafe output + channel * outputSize.height * outputSize.width
                for row in 0..<rows.outputCount {
                    let y = rows.firstOutput + row * window.stride.height
                    var to = unsafe plane + y * outputSize.width + columns.firstOutput
                    guard let size = phase.convolution?.outputSize else {
                        let value = unsafe bias.map { unsafe $0[channel] } ?? 0
                        for _ in 0..<columns.outputCount {
                            unsafe to.pointee = value
                            unsafe to += stride
                        }
                        continue
                    }
                    let line = (channel * size.height + row + rows.skipCount) * size.width
                    let from = unsafe planes + line + columns.skipCount
                    if stride == 1 {
                        unsafe to.update(from: from, count: columns.outputCount)
                        continue
                    }
                    for column in 0..<columns.outputCount {
                        unsafe to.pointee = from[column]
                        unsafe to += stride
                    }
                }
            }
        }
    }

    /// Writes the taps that a phase sees as the filters of a convolution, [M, C/g, taps], reversed.
    @unsafe internal func writeFilter(
        _ phase: Phase,
        from source: UnsafePointer<Float>,
        into target: UnsafeMutablePointer<Float>
    ) {
        let filters = outputChannelCount / groupCount
        let channels = inputChannelCount / groupCount
        let kernel = window.kernel
        var next = unsafe target
        for output in 0..<outputChannelCount {
            let (group, filter) = output.quotientAndRemainder(dividingBy: filters)
            for channel in 0..<channels {
                let place = (group * channels + channel) * filters + filter
                let taps = unsafe source + place * kernel.height * kernel.width
                for row in (0..<phase.rows.tapCount).reversed() {
                    let y = phase.rows.firstTap + row * phase.rows.tapStep
                    for column in (0..<phase.columns.tapCount).reversed() {
                        let x = phase.columns.firstTap + column * phase.columns.tapStep
                        unsafe next.pointee = taps[y * kernel.width + x]
                        unsafe next += 1
                    }
                }
            }
        }
    }
}
