internal import TernMicrokernels

/// Convolution where each output channel reads one input channel, in place: see ``PlaneTile``.
///
/// A piece of work is a strip of one output channel.
internal enum DepthwisePlanesDriver {
    /// A multiple of the rows that kernels take at once.
    private static let stripRowCount = 56

    /// Whether kernels can read the image as it is, and find enough rows in it to share loads.
    ///
    /// The edges need loads of some lanes, which are instructions from AVX2 on; without them a staged copy
    /// is several times faster.
    internal static func suits(_ convolution: Convolution, _ table: KernelTable) -> Bool {
        let window = convolution.window
        guard table.laneCount >= 8, convolution.isDepthwise, window.dilation.height == 1,
            window.kernel.height > 1, convolution.outputSize.height > 1
        else { return false }
        if window.stride == Window.Extent(height: 1, width: 1) { return true }
        return window.stride == Window.Extent(height: 2, width: 2)
            && window.kernel == Window.Extent(height: 3, width: 3)
            && window.dilation.width == 1 && window.leading.width == 1
    }

    internal static func scratchByteCount(_ context: KernelContext) -> Int {
        GEMM.alignedByteCount(floats: context.table.panelWidth)
    }

    @unsafe internal static func run(
        _ run: ConvolutionRun,
        _ filter: FilterRows,
        _ scratch: UnsafeMutableRawBufferPointer
    ) {
        var memory = unsafe ScratchMemory(scratch, needed: scratchByteCount(run.context))
        let zeros = unsafe memory.floats(run.table.panelWidth)
        unsafe zeros.update(repeating: 0, count: run.table.panelWidth)
        let convolution = run.convolution
        let size = convolution.outputSize
        let strips = (size.height + stripRowCount - 1) / stripRowCount
        let outputs = Double(Swift.min(size.height, stripRowCount) * size.width)
        let nanoseconds = outputs * (Double(run.tapCount) * 0.025 + 0.05)
        run.context.forEach(
            convolution.batchCount * convolution.outputChannelCount * strips,
            grain: KernelContext.grain(nanosecondsPerPiece: nanoseconds),
            nanosecondsPerPiece: nanoseconds
        ) { pieces in
            for piece in pieces {
                let (plane, strip) = piece.quotientAndRemainder(dividingBy: strips)
                let first = strip * stripRowCount
                let rows = first..<Swift.min(first + stripRowCount, size.height)
                unsafe Self.run(run, filter, zeros, plane: plane, rows: rows)
            }
        }
    }

    /// Some rows of one output plane.
    @unsafe private static func run(
        _ run: ConvolutionRun,
        _ filter: FilterRows,
        _ zeros: UnsafePointer<Float>,
        plane: Int,
        rows: Range<Int>
    ) {
        let convolution = run.convolution
        let window = convolution.window
        let width = convolution.outputSize.width
        let (image, channel) = plane.quotientAndRemainder(
            dividingBy: convolution.outputChannelCount
        )
        let offset = plane * run.outputPlane + rows.lowerBound * width
        var tile = unsafe PlaneTile(
            source: run.planes(image: image, group: channel / run.filters),
            height: convolution.inputSize.height,
            width: convolution.inputSize.width,
            top: rows.lowerBound * window.stride.height - window.leading.height,
            left: -window.leading.width,
            weights: filter.elements + channel * filter.stride,
            kernelHeight: window.kernel.height,
            kernelWidth: window.kernel.width,
            columnDistance: window.dilation.width,
            zeros: zeros,
            target: run.output + offset,
            rowCount: rows.count,
            columnCount: width,
            bias: run.bias(from: channel)?.pointee ?? 0
        )
        tile.lower = run.lower
        tile.upper = run.upper
        if window.stride.width == 1 {
            run.table.convolution.plane(tile)
        } else {
            run.table.convolution.planeStride(tile)
        }
        run.finish(offset: offset, count: rows.count * width, rows: 1)
    }
}
