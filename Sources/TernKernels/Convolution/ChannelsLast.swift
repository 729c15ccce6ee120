internal import TernMicrokernels

/// Images of one group with the channels of a pixel next to each other, in scratch memory.
///
/// Layout: [images, rows, columns, pitch], where `pitch` is the channels rounded up to whole registers;
/// what fills it up is anything. Going there and back costs a transposition of each operand, which is
/// small beside a product over many channels.
internal struct ChannelsLast {
    internal let rowCount: Int
    internal let columnCount: Int
    /// Floats per pixel.
    internal let pitch: Int

    /// Lays out images whose pixels are read `pixelStep` apart: 0 if channel by channel.
    internal init(
        rowCount: Int,
        columnCount: Int,
        channelCount: Int,
        pixelStep: Int = 0,
        table: KernelTable
    ) {
        self.rowCount = rowCount
        self.columnCount = columnCount
        let whole = (channelCount + table.laneCount - 1) / table.laneCount * table.laneCount
        // Pixels a multiple of 512 bytes apart would share few lines of a first-level cache; a dozen of
        // them find room if they are not a multiple of 2048 apart.
        let sharesLines =
            pixelStep > 0
            ? (whole * pixelStep).isMultiple(of: 512) : whole.isMultiple(of: 128)
        pitch = sharesLines ? whole + 16 : whole
    }

    internal var imageFloatCount: Int { rowCount * columnCount * pitch }

    /// Nanoseconds to transpose one float, roughly.
    internal static let cost = 0.15

    /// Fills `target` with images and their padding; what lies beyond is zero.
    @unsafe internal func stage(
        _ run: ConvolutionRun,
        images: Range<Int>,
        group: Int,
        into target: UnsafeMutablePointer<Float>
    ) {
        let size = run.convolution.inputSize
        let leading = run.convolution.window.leading
        let rowFloats = columnCount * pitch
        // Without padding all rows of an image are one.
        let isWhole =
            leading.height == 0 && rowCount == size.height
            && leading.width == 0 && columnCount == size.width
        let pieces = images.count * rowCount
        run.context.forEach(
            pieces,
            grain: KernelContext.grain(nanosecondsPerPiece: Double(rowFloats) * Self.cost),
            nanosecondsPerPiece: Double(rowFloats) * Self.cost
        ) { range in
            unsafe isWhole
                ? stageWhole(run, images.lowerBound, group, range, target)
                : stagePadded(run, images.lowerBound, group, range, target)
        }
    }

    /// Some rows of images without padding: as many as follow each other in one image at a time.
    @unsafe private func stageWhole(
        _ run: ConvolutionRun,
        _ firstImage: Int,
        _ group: Int,
        _ pieces: Range<Int>,
        _ target: UnsafeMutablePointer<Float>
    ) {
        var piece = pieces.lowerBound
        while piece < pieces.upperBound {
            let (image, row) = piece.quotientAndRemainder(dividingBy: rowCount)
            let planes = unsafe run.planes(image: firstImage + image, group: group)
            let rows = Swift.min(pieces.upperBound - piece, rowCount - row)
            unsafe run.table.rows.transpose(
                planes + row * columnCount,
                run.inputPlane,
                run.channels,
                rows * columnCount,
                target + piece * columnCount * pitch,
                pitch
            )
            piece += rows
        }
    }

    /// Some rows with their padding: a few planes at a time, so that each is read in long runs.
    @unsafe private func stagePadded(
        _ run: ConvolutionRun,
        _ firstImage: Int,
        _ group: Int,
        _ pieces: Range<Int>,
        _ target: UnsafeMutablePointer<Float>
    ) {
        let size = run.convolution.inputSize
        let leading = run.convolution.window.leading
        let rowFloats = columnCount * pitch
        let columns = Swift.max(0, Swift.min(size.width, columnCount - leading.width))
        let first = Swift.min(leading.width * pitch, rowFloats)
        let end = first + columns * pitch
        for piece in pieces {
            let y = piece % rowCount - leading.height
            let line = unsafe target + piece * rowFloats
            let isInside = y >= 0 && y < size.height && columns > 0
            unsafe line.update(repeating: 0, count: isInside ? first : rowFloats)
            guard isInside else { continue }
            unsafe (line + end).update(repeating: 0, count: rowFloats - end)
        }
        guard columns > 0 else { return }
        var channel = 0
        while channel < run.channels {
            let count = Swift.min(run.table.laneCount, run.channels - channel)
            for piece in pieces {
                let (image, row) = piece.quotientAndRemainder(dividingBy: rowCount)
                let y = row - leading.height
                guard y >= 0, y < size.height else { continue }
                let planes = unsafe run.planes(image: firstImage + image, group: group)
                unsafe run.table.rows.transpose(
                    planes + (channel * run.inputPlane + y * size.width),
                    run.inputPlane,
                    count,
                    columns,
                    target + (piece * rowFloats + first + channel),
                    pitch
                )
            }
            channel += count
        }
    }

    /// Moves finished images to the output's planes, and does what is left of the epilogue.
    @unsafe internal func unstage(
        _ source: UnsafePointer<Float>,
        _ run: ConvolutionRun,
        images: Range<Int>,
        group: Int
    ) {
        let pixels = rowCount * columnCount
        let blocks = (pixels + Self.unstagedPixelCount - 1) / Self.unstagedPixelCount
        let cost = Double(Swift.min(pixels, Self.unstagedPixelCount) * run.filters) * Self.cost
        run.context.forEach(
            images.count * blocks,
            grain: KernelContext.grain(nanosecondsPerPiece: cost),
            nanosecondsPerPiece: cost
        ) { range in
            for piece in range {
                let (image, block) = piece.quotientAndRemainder(dividingBy: blocks)
                let first = block * Self.unstagedPixelCount
                let count = Swift.min(Self.unstagedPixelCount, pixels - first)
                let offset =
                    run.outputOffset(image: images.lowerBound + image, group: group) + first
                let from = unsafe source + (image * pixels + first) * pitch
                // A few planes at a time, so that each is written in long runs.
                var channel = 0
                while channel < run.filters {
                    let channels = Swift.min(run.table.laneCount, run.filters - channel)
                    unsafe run.table.rows.transpose(
                        from + channel,
                        pitch,
                        count,
                        channels,
                        run.output + (offset + channel * pixels),
                        pixels
                    )
                    channel += channels
                }
                run.finish(offset: offset, count: count, rows: run.filters)
            }
        }
    }

    private static let unstagedPixelCount = 128
}
