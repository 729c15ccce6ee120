internal import TernMicrokernels

/// Convolution by Winograd's minimal filtering; see ``WinogradKernel``.
///
/// Per group and a few images at a time: the images are staged with their channels last; blocks of
/// tiles are transformed, multiplied point by point with the transformed filters, [tiles, C] · [C, M],
/// and transformed back; then the outputs return to their planes.
///
/// **Error.** To first order |ŷ − y| ≤ (C + 24)·2⁻²⁴·|Aᵀ|(Σ|GgGᵀ| ⊙ |Bᵀ||d||B|)|A|, the sum over the C
/// channels: each transformed filter is rounded once, each transformed pixel passes through at most 8
/// roundings, a sum of products through C, and an output through at most 10. On random data the root
/// mean square is about twice that of the plain methods, never four times; the bound and the factor
/// are tested. A model that can't bear it is run with `TERN_WINOGRAD=0`, or a convolution is made
/// with `usesWinograd: false`.
///
/// **NaN and infinity.** A tile's outputs all depend on all of its inputs: a NaN or an infinity in the
/// image makes NaN of every output of the tiles that read it, up to 4×4 (in a row, 4) at a time, in
/// all output channels; one in a filter makes NaN of its whole output channel. Neighbouring tiles
/// and other images keep their values.
internal enum WinogradDriver {
    /// What one run needs: the staged images, the bias, then the parts.
    internal struct Memory {
        internal let imagesPerChunk: Int
        internal let tilesPerBlock: Int
        internal let inputByteCount: Int
        internal let outputByteCount: Int
        internal let biasByteCount: Int
        internal let partByteCount: Int
        internal let partCount: Int
        /// Floats between rows of the transformed input and of the products.
        internal let inputPitch: Int
        internal let outputPitch: Int

        internal init(
            _ geometry: WinogradGeometry,
            _ convolution: Convolution,
            _ context: KernelContext
        ) {
            inputPitch = Self.spread(geometry.input.pitch)
            outputPitch = Self.spread(geometry.output.pitch)
            let tiles = geometry.tileCount
            imagesPerChunk = Swift.min(
                Swift.max(convolution.batchCount, 1),
                Swift.max(1, WinogradDriver.tilesPerChunk / tiles)
            )
            let all = tiles * imagesPerChunk
            let floatsPerTile = geometry.pointCount * (inputPitch + outputPitch)
            let fitting = WinogradDriver.blockByteCount / (4 * floatsPerTile) / 12 * 12
            let most = Swift.min(Swift.max(fitting, 24), 96)
            let blocks = (all + most - 1) / most
            tilesPerBlock = (all + blocks - 1) / blocks
            inputByteCount = GEMM.alignedByteCount(
                floats: imagesPerChunk * geometry.input.imageFloatCount
            )
            outputByteCount = GEMM.alignedByteCount(
                floats: imagesPerChunk * geometry.output.imageFloatCount
            )
            biasByteCount = GEMM.alignedByteCount(floats: geometry.output.pitch)
            partByteCount = GEMM.alignedByteCount(floats: tilesPerBlock * floatsPerTile)
            partCount = Swift.min(blocks, context.scratchPartLimit)
        }

        internal var byteCount: Int {
            inputByteCount + outputByteCount + biasByteCount + partCount * partByteCount
        }

        /// Rows a multiple of 512 bytes apart would share few lines of a first-level cache.
        private static func spread(_ pitch: Int) -> Int {
            pitch.isMultiple(of: 128) ? pitch + 16 : pitch
        }
    }

    /// Small images are taken together until there are this many tiles.
    private static let tilesPerChunk = 192
    /// What a block's transformed inputs and products may take of a second-level cache.
    private static let blockByteCount = 640 << 10

    @unsafe internal static func run(
        _ run: ConvolutionRun,
        _ filter: PackedFilter,
        _ scratch: UnsafeMutableRawBufferPointer
    ) {
        let convolution = run.convolution
        guard let geometry = WinogradGeometry(convolution, table: run.table) else {
            preconditionFailure("filters were transformed for a convolution that isn't Winograd's")
        }
        let sizes = Memory(geometry, convolution, run.context)
        var memory = unsafe ScratchMemory(scratch, needed: sizes.byteCount)
        let staged = unsafe memory.floats(sizes.inputByteCount / 4)
        let finished = unsafe memory.floats(sizes.outputByteCount / 4)
        let bias = unsafe memory.floats(sizes.biasByteCount / 4)
        let parts = unsafe memory.bytes(sizes.partCount * sizes.partByteCount)
        for group in 0..<convolution.groupCount {
            unsafe bias.update(repeating: 0, count: geometry.output.pitch)
            if let source = unsafe run.bias(from: group * run.filters) {
                unsafe bias.update(from: source, count: run.filters)
            }
            var image = 0
            while image < convolution.batchCount {
                let end = Swift.min(image + sizes.imagesPerChunk, convolution.batchCount)
                let images = image..<end
                unsafe geometry.input.stage(run, images: images, group: group, into: staged)
                let tiles = images.count * geometry.tileCount
                let blocks = (tiles + sizes.tilesPerBlock - 1) / sizes.tilesPerBlock
                let multiplyAdds =
                    Double(tiles * geometry.pointCount) * Double(run.channels * run.filters)
                let block = unsafe WinogradBlock(
                    run: run,
                    geometry: geometry,
                    sizes: sizes,
                    filter: filter.transformed(group: group),
                    staged: staged,
                    finished: finished,
                    bias: bias
                )
                unsafe run.forEach(
                    blocks,
                    nanoseconds: run.context.nanoseconds(multiplyAdds: multiplyAdds) * 1.3,
                    memory: parts,
                    partByteCount: sizes.partByteCount
                ) { pieces, memory in
                    for piece in pieces {
                        let first = piece * sizes.tilesPerBlock
                        let tiles = first..<Swift.min(first + sizes.tilesPerBlock, tiles)
                        unsafe block.run(tiles, memory.assumingMemoryBound(to: Float.self))
                    }
                }
                unsafe geometry.output.unstage(finished, run, images: images, group: group)
                image = end
            }
        }
    }
}

/// Some tiles of a chunk of images: transformed, multiplied, transformed back.
@safe private struct WinogradBlock {
    let run: ConvolutionRun
    let geometry: WinogradGeometry
    let sizes: WinogradDriver.Memory
    let filter: UnsafePointer<Float>
    let staged: UnsafePointer<Float>
    let finished: UnsafeMutablePointer<Float>
    let bias: UnsafePointer<Float>

    @unsafe func run(_ tiles: Range<Int>, _ memory: UnsafeMutablePointer<Float>) {
        let inputStride = tiles.count * sizes.inputPitch
        let outputStride = tiles.count * sizes.outputPitch
        let products = unsafe memory + geometry.pointCount * inputStride
        for (index, tile) in tiles.enumerated() {
            let place = WinogradTile(tile, geometry)
            unsafe transform(place, memory + index * sizes.inputPitch, inputStride)
        }
        let width = run.table.panelWidth
        let panels = Panels.count(columnCount: run.filters, table: run.table)
        let matrix = panels * width * run.channels
        for point in 0..<geometry.pointCount {
            let product = unsafe GEMMTile(
                a: memory + point * inputStride,
                aRowStride: sizes.inputPitch,
                b: filter + point * matrix,
                bRowStride: width,
                bPanelStride: width * run.channels,
                c: products + point * outputStride,
                cRowStride: sizes.outputPitch,
                rowCount: tiles.count,
                columnCount: run.filters,
                depth: run.channels
            )
            run.table.gemm(product)
        }
        for (index, tile) in tiles.enumerated() {
            let place = WinogradTile(tile, geometry)
            unsafe finish(place, products + index * sizes.outputPitch, outputStride)
        }
    }

    @unsafe private func transform(
        _ tile: WinogradTile,
        _ target: UnsafeMutablePointer<Float>,
        _ pointStride: Int
    ) {
        let input = geometry.input
        let row = (tile.image * input.rowCount + tile.row) * input.columnCount
        let source = unsafe staged + (row + tile.column) * input.pitch
        let columnStep = geometry.dilation.width * input.pitch
        if geometry.isRow {
            unsafe run.table.convolution.winogradInputRow(
                source,
                columnStep,
                input.pitch,
                target,
                pointStride
            )
        } else {
            unsafe run.table.convolution.winogradInput(
                source,
                geometry.dilation.height * input.columnCount * input.pitch,
                columnStep,
                input.pitch,
                target,
                pointStride
            )
        }
    }

    @unsafe private func finish(
        _ tile: WinogradTile,
        _ source: UnsafePointer<Float>,
        _ pointStride: Int
    ) {
        let output = geometry.output
        let dilation = geometry.dilation
        let rows = (output.rowCount - tile.row + dilation.height - 1) / dilation.height
        let columns = (output.columnCount - tile.column + dilation.width - 1) / dilation.width
        guard rows > 0, columns > 0 else { return }
        let pixel = (tile.image * output.rowCount + tile.row) * output.columnCount + tile.column
        let target = unsafe WinogradOutput(
            target: finished + pixel * output.pitch,
            rowStep: dilation.height * output.columnCount * output.pitch,
            columnStep: dilation.width * output.pitch,
            rowCount: rows,
            columnCount: columns,
            bias: bias,
            lower: run.lower,
            upper: run.upper
        )
        if geometry.isRow {
            unsafe run.table.convolution.winogradOutputRow(
                source,
                pointStride,
                output.pitch,
                target
            )
        } else {
            unsafe run.table.convolution.winogradOutput(source, pointStride, output.pitch, target)
        }
    }
}
