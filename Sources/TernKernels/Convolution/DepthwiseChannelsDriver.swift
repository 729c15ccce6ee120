internal import TernMicrokernels

/// Depthwise convolution of images too narrow to fill registers with pixels: see ``ChannelTapTile``.
///
/// A piece of work is one register of an image's channels: their planes are transposed, padded,
/// convolved, and transposed back, all in a first-level cache or little more.
internal enum DepthwiseChannelsDriver {
    /// The padded image of one register of channels.
    private struct Staging {
        let rowCount: Int
        let columnCount: Int
        let lanes: Int
        let inputCount: Int
        let outputCount: Int

        init(_ convolution: Convolution, _ table: KernelTable) {
            let window = convolution.window
            let size = convolution.outputSize
            rowCount = (size.height - 1) * window.stride.height + window.span.height
            columnCount = (size.width - 1) * window.stride.width + window.span.width
            lanes = table.laneCount
            inputCount = convolution.inputSize.height * convolution.inputSize.width
            outputCount = size.height * size.width
        }

        var denseCount: Int { Swift.max(inputCount, outputCount) * lanes }
        var paddedCount: Int { rowCount * columnCount * lanes }
        var partByteCount: Int {
            GEMM.alignedByteCount(floats: lanes + denseCount + paddedCount)
        }
    }

    /// Whether an image leaves much of a register empty, and its planes fit a cache.
    internal static func suits(_ convolution: Convolution, _ table: KernelTable) -> Bool {
        convolution.outputChannelCount == convolution.groupCount
            && convolution.groupCount >= table.laneCount
            && convolution.outputSize.width * 4 <= table.laneCount * 3
            && convolution.inputSize.height * convolution.inputSize.width <= pixelLimit
            && Staging(convolution, table).paddedCount <= pixelLimit * 2 * table.laneCount
    }

    private static let pixelLimit = 512

    private static func blockCount(_ convolution: Convolution, _ table: KernelTable) -> Int {
        (convolution.outputChannelCount + table.laneCount - 1) / table.laneCount
    }

    internal static func scratchByteCount(
        _ convolution: Convolution,
        _ context: KernelContext
    )
        -> Int
    {
        let pieces = convolution.batchCount * blockCount(convolution, context.table)
        return ((convolution.depth * 8 + 63) & ~63)
            + Swift.min(pieces, context.scratchPartLimit)
            * Staging(convolution, context.table).partByteCount
    }

    @unsafe internal static func run(
        _ run: ConvolutionRun,
        _ filter: PackedFilter,
        _ scratch: UnsafeMutableRawBufferPointer
    ) {
        let convolution = run.convolution
        let staging = Staging(convolution, run.table)
        let needed = scratchByteCount(convolution, run.context)
        var memory = unsafe ScratchMemory(scratch, needed: needed)
        let table = unsafe memory.bytes(convolution.depth * 8)
        let offsets = unsafe table.assumingMemoryBound(to: Int.self)
        let window = convolution.window
        for tap in 0..<run.tapCount {
            let row = tap / window.kernel.width * window.dilation.height
            let column = tap % window.kernel.width * window.dilation.width
            unsafe offsets[tap] = (row * staging.columnCount + column) * staging.lanes
        }
        let blocks = blockCount(convolution, run.table)
        let pieces = convolution.batchCount * blocks
        let parts = Swift.min(pieces, run.context.scratchPartLimit)
        let outputs = pieces * staging.outputCount
        let weights = unsafe filter.channelBlocks
        unsafe run.forEach(
            pieces,
            nanoseconds: Double(outputs) * (Double(run.tapCount) * 0.3 + 5),
            memory: memory.bytes(parts * staging.partByteCount),
            partByteCount: staging.partByteCount
        ) { pieces, memory in
            let bias = unsafe memory.assumingMemoryBound(to: Float.self)
            let dense = unsafe bias + staging.lanes
            let padded = unsafe dense + staging.denseCount
            unsafe padded.update(repeating: 0, count: staging.paddedCount)
            unsafe dense.update(repeating: 0, count: staging.denseCount)
            for piece in pieces {
                let (image, block) = piece.quotientAndRemainder(dividingBy: blocks)
                let first = block * staging.lanes
                let channels = Swift.min(staging.lanes, convolution.outputChannelCount - first)
                unsafe bias.update(repeating: 0, count: staging.lanes)
                if let source = unsafe run.bias(from: first) {
                    unsafe bias.update(from: source, count: channels)
                }
                unsafe stage(
                    run,
                    staging,
                    run.planes(image: image, group: first),
                    channels,
                    dense,
                    padded
                )
                let tile = unsafe ChannelTapTile(
                    source: padded,
                    rowStep: window.stride.height * staging.columnCount * staging.lanes,
                    columnStep: window.stride.width * staging.lanes,
                    offsets: offsets,
                    weights: weights + block * run.tapCount * staging.lanes,
                    tapCount: run.tapCount,
                    bias: bias,
                    target: dense,
                    rowCount: convolution.outputSize.height,
                    columnCount: convolution.outputSize.width,
                    lower: run.lower,
                    upper: run.upper
                )
                run.table.convolution.channelTaps(tile)
                let offset = run.outputOffset(image: image, group: 0) + first * staging.outputCount
                unsafe run.table.rows.transpose(
                    dense,
                    staging.lanes,
                    staging.outputCount,
                    channels,
                    run.output + offset,
                    staging.outputCount
                )
                run.finish(offset: offset, count: channels * staging.outputCount, rows: 1)
            }
        }
    }

    /// Transposes whole planes, and copies their rows between the padding, which stays zero.
    @unsafe private static func stage(
        _ run: ConvolutionRun,
        _ staging: Staging,
        _ planes: UnsafePointer<Float>,
        _ channels: Int,
        _ dense: UnsafeMutablePointer<Float>,
        _ padded: UnsafeMutablePointer<Float>
    ) {
        let size = run.convolution.inputSize
        let leading = run.convolution.window.leading
        unsafe run.table.rows.transpose(
            planes,
            staging.inputCount,
            channels,
            staging.inputCount,
            dense,
            staging.lanes
        )
        let columns = Swift.min(size.width, staging.columnCount - leading.width)
        guard columns > 0 else { return }
        for row in 0..<size.height where row + leading.height < staging.rowCount {
            let place = (row + leading.height) * staging.columnCount + leading.width
            unsafe (padded + place * staging.lanes).update(
                from: dense + row * size.width * staging.lanes,
                count: columns * staging.lanes
            )
        }
    }
}
