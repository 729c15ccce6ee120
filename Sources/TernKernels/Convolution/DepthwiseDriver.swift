internal import TernMicrokernels

/// Convolution where each output channel reads one input channel: see ``TapTile``.
///
/// A piece of work is a strip of one output channel: its plane is staged in a first-level cache.
internal enum DepthwiseDriver {
    /// What a staged strip may take of a first-level cache.
    private static let stripFloatLimit = 4 << 10

    private static func planes(_ convolution: Convolution) -> StagedPlanes {
        StagedPlanes(convolution, planeCount: 1, floatLimit: stripFloatLimit)
    }

    /// How many planes are staged before they are read: what was just stored in pieces is slow to
    /// load as a whole.
    private static func planesPerPiece(_ convolution: Convolution, _ planes: StagedPlanes) -> Int {
        guard convolution.outputChannelCount == convolution.groupCount else { return 1 }
        return Swift.max(1, Swift.min(8, stripFloatLimit / Swift.max(planes.planeStride, 1)))
    }

    private static func partByteCount(
        _ convolution: Convolution,
        _ planes: StagedPlanes,
        _ table: KernelTable
    ) -> Int {
        // Whole registers are read.
        let floats = planes.planeStride * planesPerPiece(convolution, planes)
        return GEMM.alignedByteCount(floats: floats + 2 * table.panelWidth)
    }

    private static func pieceCount(_ convolution: Convolution, _ planes: StagedPlanes) -> Int {
        let count = planesPerPiece(convolution, planes)
        return planes.stripCount * convolution.batchCount
            * ((convolution.outputChannelCount + count - 1) / count)
    }

    private static func chainByteCount(_ convolution: Convolution) -> Int {
        (convolution.depth * MemoryLayout<TapChain>.stride + 63) & ~63
    }

    /// Orders the taps in chains whose staged rows follow each other, and counts the chains.
    @unsafe private static func fill(
        _ chains: UnsafeMutablePointer<TapChain>,
        _ window: Window,
        _ planes: StagedPlanes
    ) -> Int {
        let (stride, dilation) = (window.stride.height, window.dilation.height)
        // So many taps down is one row down in the staged part, if it is the same part.
        let step = stride.isMultiple(of: dilation) ? stride / dilation : window.kernel.height
        var count = 0
        for column in 0..<window.kernel.width {
            for phase in 0..<Swift.min(step, window.kernel.height) {
                var row = phase
                while row < window.kernel.height {
                    let rest = (window.kernel.height - row + step - 1) / step
                    let taps = Swift.min(3, rest)
                    unsafe chains[count] = TapChain(
                        offset: planes.offset(tapRow: row, tapColumn: column),
                        weight: row * window.kernel.width + column,
                        weightStep: step * window.kernel.width,
                        count: taps
                    )
                    count += 1
                    row += taps * step
                }
            }
        }
        return count
    }

    internal static func scratchByteCount(
        _ convolution: Convolution,
        _ context: KernelContext
    ) -> Int {
        let planes = planes(convolution)
        let parts = Swift.min(pieceCount(convolution, planes), context.scratchPartLimit)
        return chainByteCount(convolution)
            + parts * partByteCount(convolution, planes, context.table)
    }

    @unsafe internal static func run(
        _ run: ConvolutionRun,
        _ filter: FilterRows,
        _ scratch: UnsafeMutableRawBufferPointer
    ) {
        let convolution = run.convolution
        let planes = planes(convolution)
        let needed = scratchByteCount(convolution, run.context)
        var memory = unsafe ScratchMemory(scratch, needed: needed)
        let table = unsafe memory.bytes(chainByteCount(convolution))
        let chains = unsafe table.assumingMemoryBound(to: TapChain.self)
        let chainCount = unsafe Self.fill(chains, convolution.window, planes)
        let partByteCount = partByteCount(convolution, planes, run.table)
        let pieces = pieceCount(convolution, planes)
        let parts = Swift.min(pieces, run.context.scratchPartLimit)
        let outputs = convolution.batchCount * convolution.outputChannelCount * run.outputPlane
        let strip = unsafe DepthwiseStrip(
            run: run,
            filter: filter,
            planes: planes,
            chains: chains,
            chainCount: chainCount,
            channelsPerPiece: planesPerPiece(convolution, planes)
        )
        unsafe run.forEach(
            pieces,
            nanoseconds: Double(outputs) * (Double(run.tapCount) * 0.02 + 0.15),
            memory: memory.bytes(parts * partByteCount),
            partByteCount: partByteCount
        ) { pieces, memory in
            unsafe strip.run(pieces, memory.assumingMemoryBound(to: Float.self))
        }
    }
}

/// Strips of output channels; a strip's padding is written once for all of them.
@safe private struct DepthwiseStrip {
    let run: ConvolutionRun
    let filter: FilterRows
    let planes: StagedPlanes
    let chains: UnsafePointer<TapChain>
    let chainCount: Int
    let channelsPerPiece: Int

    @unsafe func run(_ pieces: Range<Int>, _ staged: UnsafeMutablePointer<Float>) {
        let channels = run.convolution.outputChannelCount
        let blocks = (channels + channelsPerPiece - 1) / channelsPerPiece
        var last = -1
        for piece in pieces {
            let (upper, block) = piece.quotientAndRemainder(dividingBy: blocks)
            let (strip, image) = upper.quotientAndRemainder(
                dividingBy: run.convolution.batchCount
            )
            let first = block * channelsPerPiece
            let range = first..<Swift.min(first + channelsPerPiece, channels)
            // The first piece of a strip may have fewer planes than the next.
            let isFull = range.count == channelsPerPiece
            unsafe planes.stage(
                run.planes(image: image, group: first / run.filters),
                planeCount: range.count,
                firstRow: strip * planes.stripRowCount,
                into: staged,
                writesPadding: strip != last,
                table: run.table
            )
            last = isFull ? strip : -1
            for channel in range {
                let plane = (channel - first) * planes.planeStride
                unsafe compute(image, channel, strip, staged + plane)
            }
        }
    }

    @unsafe private func compute(
        _ image: Int,
        _ channel: Int,
        _ strip: Int,
        _ staged: UnsafePointer<Float>
    ) {
        let size = run.convolution.outputSize
        let firstRow = strip * planes.stripRowCount
        let rows = Swift.min(planes.stripRowCount, size.height - firstRow)
        let offset =
            run.outputOffset(image: image, group: 0) + channel * run.outputPlane
            + firstRow * size.width
        var tile = unsafe TapTile(
            source: staged,
            sourceStride: planes.pitch,
            chains: chains,
            chainCount: chainCount,
            weights: filter.elements + channel * filter.stride,
            target: run.output + offset,
            rowCount: rows,
            columnCount: size.width,
            bias: run.bias(from: channel)?.pointee ?? 0
        )
        tile.lower = run.lower
        tile.upper = run.upper
        run.table.convolution.taps(tile)
        run.finish(offset: offset, count: rows * size.width, rows: 1)
    }
}
