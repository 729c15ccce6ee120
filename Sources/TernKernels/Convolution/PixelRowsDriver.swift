internal import TernMicrokernels

/// Convolution as a matrix product whose rows are pixels: Y [pixels, M] = patches [pixels, K] · W [K, M].
///
/// For images whose pixels would not fill panels, or whose patches would be slow to pack. They are staged
/// with their channels last, so that a patch is a few runs of channels; K is (tap, channel). A few
/// images are taken together. Where rows of the output are long, the patches are read where they are: those
/// of neighbouring pixels lie a stride apart.
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
        /// Whether patches are read in the staged image instead of being gathered.
        internal let readsInPlace: Bool
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
            readsInPlace = size.width >= PixelRowsDriver.longRowPixelCount
            input = ChannelsLast(
                rowCount: (size.height - 1) * window.stride.height + window.span.height,
                columnCount: (size.width - 1) * window.stride.width + window.span.width,
                channelCount: channels,
                pixelStep: readsInPlace ? window.stride.width : 0,
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
            // A block that is cut within a row would end in a few pixels; long rows are cut evenly.
            let unit = readsInPlace && size.width <= PixelRowsDriver.mostRows ? size.width : 1
            let most = PixelRowsDriver.mostRows / unit
            let units = all / unit
            let even = (units + most - 1) / most
            blockRowCount = (units + even - 1) / even * unit
            let blocks = (all + blockRowCount - 1) / blockRowCount
            blockCount = blocks
            let band = PixelRowsDriver.bandColumnCount
            bandCount = (filters + band - 1) / band
            let taps = window.kernel.height * window.kernel.width
            // Without padding between them, the channels of neighbouring pixels are one run.
            let isDense = input.pitch == channels && window.dilation.width == 1
            let gathered = Swift.min(taps, Swift.max(1, PixelRowsDriver.depthPart / channels))
            tapsPerPart = readsInPlace ? (isDense ? window.kernel.width : 1) : gathered
            let depth = tapsPerPart * channels
            patchPitch = depth.isMultiple(of: 64) ? depth + 16 : depth
            inputByteCount = GEMM.alignedByteCount(floats: imagesPerChunk * input.imageFloatCount)
            outputByteCount = GEMM.alignedByteCount(floats: imagesPerChunk * output.imageFloatCount)
            partByteCount =
                readsInPlace ? 0 : GEMM.alignedByteCount(floats: blockRowCount * patchPitch)
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
    /// The shortest rows of the output whose patches are read in place.
    private static let longRowPixelCount = 24

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
            unsafe tile.b = panels + tap * run.channels * width
            tile.depth = (end - tap) * run.channels
            tile.continues = tap > 0
            tile.finishes = end == run.tapCount
            if sizes.readsInPlace {
                unsafe runInPlace(pixels, tap, tile)
            } else {
                unsafe gather(pixels, tap..<end, memory)
                run.table.gemm(tile)
            }
            tap = end
        }
    }

    /// Multiplies what some taps from `tap` on see, one row of the output after the other.
    @unsafe private func runInPlace(_ pixels: Range<Int>, _ tap: Int, _ whole: GEMMTile) {
        let window = run.convolution.window
        let width = sizes.output.columnCount
        var tile = whole
        tile.aRowStride = window.stride.width * sizes.input.pitch
        var pixel = pixels.lowerBound
        while pixel < pixels.upperBound {
            let (line, column) = pixel.quotientAndRemainder(dividingBy: width)
            tile.rowCount = Swift.min(width - column, pixels.upperBound - pixel)
            unsafe tile.a = staged + place(line: line, column: column, tap: tap)
            run.table.gemm(tile)
            unsafe tile.c += tile.rowCount * sizes.output.pitch
            pixel += tile.rowCount
        }
    }

    /// Where in the staged images a tap of a pixel is; lines are counted through the images.
    private func place(line: Int, column: Int, tap: Int) -> Int {
        let window = run.convolution.window
        let input = sizes.input
        let (image, row) = line.quotientAndRemainder(dividingBy: sizes.output.rowCount)
        let (tapRow, tapColumn) = tap.quotientAndRemainder(dividingBy: window.kernel.width)
        let y = row * window.stride.height + tapRow * window.dilation.height
        let x = column * window.stride.width + tapColumn * window.dilation.width
        return ((image * input.rowCount + y) * input.columnCount + x) * input.pitch
    }

    /// Copies what the taps see from each pixel: one row of patches per pixel.
    @unsafe private func gather(
        _ pixels: Range<Int>,
        _ taps: Range<Int>,
        _ target: UnsafeMutablePointer<Float>
    ) {
        let width = sizes.output.columnCount
        let channels = run.channels
        for (index, pixel) in pixels.enumerated() {
            let (line, column) = pixel.quotientAndRemainder(dividingBy: width)
            var patch = unsafe target + index * sizes.patchPitch
            for tap in taps {
                let source = place(line: line, column: column, tap: tap)
                unsafe patch.update(from: staged + source, count: channels)
                unsafe patch += channels
            }
        }
    }
}
