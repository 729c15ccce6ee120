internal import TernMicrokernels

/// Convolution that reads the staged image in place: see ``DirectTile``.
///
/// A piece of work is a strip of an image's group: its planes are staged, then all output channels of
/// each row are computed.
internal enum DirectDriver {
    /// What the staged strips may take of a second-level cache.
    private static let stripFloatLimit = 48 << 10

    internal static func planes(_ convolution: Convolution) -> StagedPlanes {
        StagedPlanes(
            convolution,
            planeCount: convolution.inputChannelCount / convolution.groupCount,
            floatLimit: stripFloatLimit
        )
    }

    private static func partByteCount(_ convolution: Convolution, _ table: KernelTable) -> Int {
        let planes = planes(convolution)
        let channels = convolution.inputChannelCount / convolution.groupCount
        // Whole registers are read.
        return GEMM.alignedByteCount(
            floats: channels * planes.planeStride + 2 * table.panelWidth
        )
    }

    private static func pieceCount(_ convolution: Convolution) -> Int {
        convolution.batchCount * convolution.groupCount * planes(convolution).stripCount
    }

    internal static func scratchByteCount(
        _ convolution: Convolution,
        _ context: KernelContext
    ) -> Int {
        let parts = Swift.min(pieceCount(convolution), context.scratchPartLimit)
        return (convolution.depth * 8 + 63) & ~63
            + parts * partByteCount(convolution, context.table)
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
        let table = unsafe memory.bytes(convolution.depth * 8)
        let offsets = unsafe table.assumingMemoryBound(to: Int.self)
        let kernel = convolution.window.kernel
        for k in 0..<convolution.depth {
            let (channel, tap) = k.quotientAndRemainder(dividingBy: run.tapCount)
            unsafe offsets[k] =
                channel * planes.planeStride
                + planes.offset(tapRow: tap / kernel.width, tapColumn: tap % kernel.width)
        }
        let partByteCount = partByteCount(convolution, run.table)
        let pieces = pieceCount(convolution)
        let parts = Swift.min(pieces, run.context.scratchPartLimit)
        let multiplyAdds =
            Double(run.outputPlane * convolution.batchCount * convolution.depth)
            * Double(convolution.outputChannelCount)
        unsafe run.forEach(
            pieces,
            nanoseconds: run.context.nanoseconds(multiplyAdds: multiplyAdds),
            memory: memory.bytes(parts * partByteCount),
            partByteCount: partByteCount
        ) { pieces, memory in
            for piece in pieces {
                let (block, strip) = piece.quotientAndRemainder(dividingBy: planes.stripCount)
                let (image, group) = block.quotientAndRemainder(dividingBy: convolution.groupCount)
                unsafe Self.strip(
                    run,
                    filter,
                    planes,
                    image: image,
                    group: group,
                    firstRow: strip * planes.stripRowCount,
                    UnsafePointer(offsets),
                    memory.assumingMemoryBound(to: Float.self)
                )
            }
        }
    }

    @unsafe private static func strip(
        _ run: ConvolutionRun,
        _ filter: FilterRows,
        _ planes: StagedPlanes,
        image: Int,
        group: Int,
        firstRow: Int,
        _ offsets: UnsafePointer<Int>,
        _ staged: UnsafeMutablePointer<Float>
    ) {
        let size = run.convolution.outputSize
        let source = unsafe run.planes(image: image, group: group)
        unsafe planes.stage(
            source,
            planeCount: run.channels,
            firstRow: firstRow,
            into: staged,
            writesPadding: true,
            table: run.table
        )
        let rows = Swift.min(planes.stripRowCount, size.height - firstRow)
        for row in 0..<rows {
            let offset =
                run.outputOffset(image: image, group: group) + (firstRow + row) * size.width
            var tile = unsafe DirectTile(
                weights: filter.elements + group * run.filters * filter.stride,
                weightStride: filter.stride,
                source: staged + row * planes.pitch,
                offsets: offsets,
                depth: run.convolution.depth,
                target: run.output + offset,
                targetStride: run.outputPlane,
                rowCount: run.filters,
                columnCount: size.width,
                bias: run.bias(from: group * run.filters)
            )
            tile.lower = run.lower
            tile.upper = run.upper
            run.table.convolution.direct(tile)
            run.finish(offset: offset, count: size.width, rows: run.filters)
        }
    }
}
