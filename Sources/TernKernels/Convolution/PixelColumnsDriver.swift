internal import TernMicrokernels

/// Convolution as a matrix product whose columns are pixels: per image and group, Y [M, pixels] =
/// W [M, K] · patches [K, pixels].
///
/// Patches are packed straight from the image, a few panels of pixels and a part of K at a time, so
/// that they stay in a second-level cache while a band of filters after the other reads them. The
/// sums wait in Y, as in ``GEMMDriver``.
internal enum PixelColumnsDriver {
    /// The part of K that is packed at a time.
    private static let depthPart = 512
    /// What packed panels may take of a second-level cache.
    private static let groupByteCount = 256 << 10
    /// The most filters that are multiplied at a time.
    private static let bandRowCount = 48

    /// How the pixels are cut.
    private struct Cut {
        let panelCount: Int
        let panelsPerPiece: Int
        let partByteCount: Int

        init(_ convolution: Convolution, _ context: KernelContext) {
            let width = context.table.panelWidth
            let pixels = convolution.outputSize.height * convolution.outputSize.width
            panelCount = Panels.count(columnCount: pixels, table: context.table)
            let depth = Swift.max(1, Swift.min(convolution.depth, depthPart))
            let fitting = Swift.max(1, groupByteCount / (depth * width * 4))
            // Enough pieces for all threads.
            let blocks = convolution.batchCount * convolution.groupCount
            let wanted = context.width == 1 ? 1 : 4 * context.width
            let shared = Swift.max(1, panelCount * Swift.max(blocks, 1) / wanted)
            let most = Swift.min(fitting, shared, panelCount)
            let pieces = (panelCount + most - 1) / Swift.max(most, 1)
            panelsPerPiece = pieces == 0 ? 1 : (panelCount + pieces - 1) / pieces
            partByteCount = GEMM.alignedByteCount(floats: depth * width * panelsPerPiece)
        }

        var piecesPerBlock: Int { (panelCount + panelsPerPiece - 1) / panelsPerPiece }

        func pieceCount(_ convolution: Convolution) -> Int {
            convolution.batchCount * convolution.groupCount * piecesPerBlock
        }
    }

    internal static func scratchByteCount(
        _ convolution: Convolution,
        _ context: KernelContext
    ) -> Int {
        let cut = Cut(convolution, context)
        return cut.partByteCount
            * Swift.min(cut.pieceCount(convolution), context.scratchPartLimit)
    }

    @unsafe internal static func run(
        _ run: ConvolutionRun,
        _ filter: FilterRows,
        _ scratch: UnsafeMutableRawBufferPointer
    ) {
        let convolution = run.convolution
        let cut = Cut(convolution, run.context)
        let needed = scratchByteCount(convolution, run.context)
        var memory = unsafe ScratchMemory(scratch, needed: needed)
        let multiplyAdds =
            Double(run.outputPlane * convolution.batchCount * convolution.depth)
            * Double(convolution.outputChannelCount)
        unsafe run.forEach(
            cut.pieceCount(convolution),
            nanoseconds: run.context.nanoseconds(multiplyAdds: multiplyAdds),
            memory: memory.bytes(needed),
            partByteCount: cut.partByteCount
        ) { pieces, memory in
            for piece in pieces {
                let (block, part) = piece.quotientAndRemainder(dividingBy: cut.piecesPerBlock)
                let (image, group) = block.quotientAndRemainder(dividingBy: convolution.groupCount)
                let first = part * cut.panelsPerPiece
                unsafe Self.run(
                    run,
                    filter,
                    image: image,
                    group: group,
                    panels: first..<Swift.min(first + cut.panelsPerPiece, cut.panelCount),
                    memory.assumingMemoryBound(to: Float.self)
                )
            }
        }
    }

    /// All output channels of one group for some panels of pixels.
    @unsafe private static func run(
        _ run: ConvolutionRun,
        _ filter: FilterRows,
        image: Int,
        group: Int,
        panels: Range<Int>,
        _ memory: UnsafeMutablePointer<Float>
    ) {
        let width = run.table.panelWidth
        let first = panels.lowerBound * width
        let count = Swift.min(panels.count * width, run.outputPlane - first)
        let offset = run.outputOffset(image: image, group: group) + first
        let planes = unsafe run.planes(image: image, group: group)
        let patches = unsafe patches(run, planes)
        let isPointwise = isPointwise(run.convolution)
        let isInPlace = isPointwise && Self.readsInPlace(run)
        let weights = unsafe filter.elements + group * run.filters * filter.stride
        let bias = unsafe run.bias(from: group * run.filters)
        let depth = run.convolution.depth
        var k = 0
        repeat {
            let part = Swift.min(depthPart, depth - k)
            for panel in 0..<(isInPlace ? 0 : panels.count) {
                let pixel = panel * width
                let columns = Swift.min(width, count - pixel)
                if isPointwise {
                    let source = unsafe planes + (k * run.inputPlane + first + pixel)
                    unsafe run.table.pack(
                        source,
                        run.inputPlane,
                        1,
                        part,
                        columns,
                        1,
                        memory + pixel * part
                    )
                } else {
                    unsafe run.table.convolution.packPatches(
                        patches,
                        k,
                        part,
                        first + pixel,
                        columns,
                        memory + pixel * part
                    )
                }
            }
            var row = 0
            while row < run.filters {
                let rows = Swift.min(bandRowCount, run.filters - row)
                var tile = unsafe GEMMTile(
                    a: weights + (row * filter.stride + k),
                    aRowStride: filter.stride,
                    b: UnsafePointer(memory),
                    bRowStride: width,
                    bPanelStride: width * part,
                    c: run.output + (offset + row * run.outputPlane),
                    cRowStride: run.outputPlane,
                    rowCount: rows,
                    columnCount: count,
                    depth: part
                )
                if isInPlace {
                    unsafe tile.b = planes + first
                    tile.bRowStride = run.inputPlane
                    tile.bPanelStride = width
                }
                if let bias = unsafe bias { unsafe tile.rowBias = bias + row }
                tile.lower = run.lower
                tile.upper = run.upper
                tile.continues = k > 0
                tile.fetchesC = k == 0
                tile.finishes = k + part == depth
                run.table.gemm(tile)
                row += rows
            }
            k += part
        } while k < depth
        run.finish(offset: offset, count: count, rows: run.filters)
    }

    /// Whether the patches are the image itself.
    private static func isPointwise(_ convolution: Convolution) -> Bool {
        let one = Window.Extent(height: 1, width: 1)
        return convolution.window.kernel == one && convolution.window.stride == one
            && convolution.outputSize == convolution.inputSize
    }

    /// Whether a pointwise product reads the planes as they are: whole panels, one part of K, and lines of a
    /// panel that find room in a first-level cache of 64 sets and at least eight places each.
    private static func readsInPlace(_ run: ConvolutionRun) -> Bool {
        let lineFloatCount = 16
        guard run.inputPlane.isMultiple(of: run.table.panelWidth),
            run.inputPlane.isMultiple(of: lineFloatCount)
        else { return false }
        let step = run.inputPlane / lineFloatCount
        let shared = 1 << Swift.min(6, step.trailingZeroBitCount)
        return run.channels <= Swift.min(128, 6 * 64 / shared)
    }

    @unsafe private static func patches(
        _ run: ConvolutionRun,
        _ planes: UnsafePointer<Float>
    ) -> ImagePatches {
        let size = run.convolution.inputSize
        let window = run.convolution.window
        return unsafe ImagePatches(
            image: planes,
            height: size.height,
            width: size.width,
            outputWidth: run.convolution.outputSize.width,
            kernelHeight: window.kernel.height,
            kernelWidth: window.kernel.width,
            strideHeight: window.stride.height,
            strideWidth: window.stride.width,
            dilationHeight: window.dilation.height,
            dilationWidth: window.dilation.width,
            paddingTop: window.leading.height,
            paddingLeft: window.leading.width
        )
    }
}
