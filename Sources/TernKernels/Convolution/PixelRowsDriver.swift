internal import TernMicrokernels

/// Convolution as a matrix product whose rows are pixels: Y [pixels, M] = patches [pixels, K] · W [K, M].
///
/// For images whose pixels would not fill panels. They are staged with their channels last, so that a
/// patch is a few runs of channels; K is (tap, channel). A few images are taken together.
internal enum PixelRowsDriver {
    internal struct Memory {
        internal let input: ChannelsLast
        internal let output: ChannelsLast
        internal let imagesPerChunk: Int
        internal let blockRowCount: Int
        internal let blockCount: Int
        internal let bandCount: Int
        /// The taps whose channels one product covers.
        internal let tapsPerPart: Int
        internal let patchPitch: Int
        internal let inputByteCount: Int
        internal let outputByteCount: Int
        internal let partByteCount: Int
        internal let partCount: Int

        internal init(_ convolution: Convolution, _ context: KernelContext) {
            let window = convolution.window
            let size = convolution.outputSize
            let channels = convolution.inputChannelCount / convolution.groupCount
            let filters = convolution.outputChannelCount / convolution.groupCount
            input = ChannelsLast(
                rowCount: (size.height - 1) * window.stride.height + window.span.height,
                columnCount: (size.width - 1) * window.stride.width + window.span.width,
                channelCount: channels,
                table: context.table
            )
            output = ChannelsLast(
                rowCount: size.height,
                columnCount: size.width,
                channelCount: filters,
                table: context.table
            )
            let pixels = size.height * size.width
            imagesPerChunk = Swift.min(
                Swift.max(convolution.batchCount, 1),
                Swift.max(1, PixelRowsDriver.pixelsPerChunk / pixels)
            )
            let all = imagesPerChunk * pixels
            let blocks = (all + PixelRowsDriver.mostRows - 1) / PixelRowsDriver.mostRows
            blockRowCount = (all + blocks - 1) / blocks
            blockCount = blocks
            let band = PixelRowsDriver.bandColumnCount
            bandCount = (filters + band - 1) / band
            let taps = window.kernel.height * window.kernel.width
            tapsPerPart = Swift.min(taps, Swift.max(1, PixelRowsDriver.depthPart / channels))
            let depth = tapsPerPart * channels
            patchPitch = depth.isMultiple(of: 64) ? depth + 16 : depth
            inputByteCount = GEMM.alignedByteCount(floats: imagesPerChunk * input.imageFloatCount)
            outputByteCount = GEMM.alignedByteCount(floats: imagesPerChunk * output.imageFloatCount)
            partByteCount = GEMM.alignedByteCount(floats: blockRowCount * patchPitch)
            partCount = Swift.min(blocks * bandCount, context.scratchPartLimit)
        }

        internal var byteCount: Int { inputByteCount + outputByteCount + partCount * partByteCount }
    }

    private static let pixelsPerChunk = 192
    /// The most pixels of one block.
    private static let mostRows = 96
    /// The output channels of one piece of work.
    fileprivate static let bandColumnCount = 256
    private static let depthPart = 512

    @unsafe internal static func run(
        _ run: ConvolutionRun,
        _ filter: PackedFilter,
        _ scratch: UnsafeMutableRawBufferPointer
    ) {
        let convolution = run.convolution
        let sizes = Memory(convolution, run.context)
        var memory = unsafe ScratchMemory(scratch, needed: sizes.byteCount)
        let staged = unsafe memory.floats(sizes.inputByteCount / 4)
        let finished = unsafe memory.floats(sizes.outputByteCount / 4)
        let parts = unsafe memory.bytes(sizes.partCount * sizes.partByteCount)
        for group in 0..<convolution.groupCount {
            var image = 0
            while image < convolution.batchCount {
                let end = Swift.min(image + sizes.imagesPerChunk, convolution.batchCount)
                let images = image..<end
                unsafe sizes.input.stage(run, images: images, group: group, into: staged)
                let rows = images.count * run.outputPlane
                let blocks = (rows + sizes.blockRowCount - 1) / sizes.blockRowCount
                let multiplyAdds = Double(rows * convolution.depth) * Double(run.filters)
                let product = unsafe PixelRowsProduct(
                    run: run,
                    sizes: sizes,
                    filter: filter.panels(group: group),
                    group: group,
                    staged: staged,
                    finished: finished
                )
                unsafe run.forEach(
                    blocks * sizes.bandCount,
                    nanoseconds: run.context.nanoseconds(multiplyAdds: multiplyAdds),
                    memory: parts,
                    partByteCount: sizes.partByteCount
                ) { pieces, memory in
                    for piece in pieces {
                        let first = piece / sizes.bandCount * sizes.blockRowCount
                        unsafe product.run(
                            first..<Swift.min(first + sizes.blockRowCount, rows),
                            band: piece % sizes.bandCount,
                            memory.assumingMemoryBound(to: Float.self)
                        )
                    }
                }
                unsafe sizes.output.unstage(finished, run, images: images, group: group)
                image = end
            }
        }
    }
}

/// Some pixels of a chunk of images, for a band of output channels.
@safe private struct PixelRowsProduct {
    let run: ConvolutionRun
    let sizes: PixelRowsDriver.Memory
    let filter: UnsafePointer<Float>
    let group: Int
    let staged: UnsafePointer<Float>
    let finished: UnsafeMutablePointer<Float>

    @unsafe func run(_ pixels: Range<Int>, band: Int, _ memory: UnsafeMutablePointer<Float>) {
        let width = run.table.panelWidth
        let depth = run.convolution.depth
        let column = band * PixelRowsDriver.bandColumnCount
        var tile = unsafe GEMMTile(
            a: memory,
            aRowStride: sizes.patchPitch,
            b: filter,
            bRowStride: width,
            bPanelStride: width * depth,
            c: finished + (pixels.lowerBound * sizes.output.pitch + column),
            cRowStride: sizes.output.pitch,
            rowCount: pixels.count,
            columnCount: Swift.min(PixelRowsDriver.bandColumnCount, run.filters - column),
            depth: 0
        )
        if let bias = unsafe run.bias(from: group * run.filters) {
            unsafe tile.columnBias = bias + column
        }
        tile.lower = run.lower
        tile.upper = run.upper
        let panels = unsafe filter + column * depth
        var tap = 0
        while tap < run.tapCount {
            let end = Swift.min(tap + sizes.tapsPerPart, run.tapCount)
            unsafe gather(pixels, tap..<end, memory)
            unsafe tile.b = panels + tap * run.channels * width
            tile.depth = (end - tap) * run.channels
            tile.continues = tap > 0
            tile.finishes = end == run.tapCount
            run.table.gemm(tile)
            tap = end
        }
    }

    /// Copies what the taps see from each pixel: one row of patches per pixel.
    @unsafe private func gather(
        _ pixels: Range<Int>,
        _ taps: Range<Int>,
        _ target: UnsafeMutablePointer<Float>
    ) {
        let window = run.convolution.window
        let input = sizes.input
        let width = sizes.output.columnCount
        let channels = run.channels
        for (index, pixel) in pixels.enumerated() {
            let (line, column) = pixel.quotientAndRemainder(dividingBy: width)
            let (image, row) = line.quotientAndRemainder(dividingBy: sizes.output.rowCount)
            var patch = unsafe target + index * sizes.patchPitch
            for tap in taps {
                let (tapRow, tapColumn) = tap.quotientAndRemainder(
                    dividingBy: window.kernel.width
                )
                let y = row * window.stride.height + tapRow * window.dilation.height
                let x = column * window.stride.width + tapColumn * window.dilation.width
                let source = ((image * input.rowCount + y) * input.columnCount + x) * input.pitch
                unsafe patch.update(from: staged + source, count: channels)
                unsafe patch += channels
            }
        }
    }
}
