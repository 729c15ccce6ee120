internal import TernMicrokernels

/// Depthwise convolution of images so small that two of their rows share a register: see
/// ``RowPairTile``.
///
/// A piece of work is some planes.
internal enum DepthwisePairsDriver {
    private static let planesPerPiece = 16
    private static let laneTableCount = 4

    /// Whether the kernel is 3×3 with one pixel of padding, the image small, and a register long enough.
    internal static func suits(_ convolution: Convolution, _ table: KernelTable) -> Bool {
        let one = Window.Extent(height: 1, width: 1)
        let size = convolution.inputSize
        let taps = Window.Extent(height: 3, width: 3)
        return table.laneCount == 16 && convolution.isDepthwise
            && convolution.outputChannelCount == convolution.groupCount
            && convolution.window
                == Window(kernel: taps, leading: one, trailing: one)
            && 1...7 ~= size.height && 4...7 ~= size.width
    }

    internal static func scratchByteCount(_ context: KernelContext) -> Int {
        GEMM.alignedByteCount(floats: laneTableCount * context.table.laneCount)
    }

    /// The permutations of ``RowPairKernel``: rows of `width` lanes that follow each other, to rows of
    /// eight that begin a lane later, there, or a lane earlier, and from rows of eight back.
    @unsafe private static func fill(_ lanes: UnsafeMutablePointer<Float>, width: Int) {
        // Lane 15 is zero before the first three.
        for table in 0..<3 {
            for lane in 0..<16 {
                let column = lane % 8 + table - 1
                let isInside = column >= 0 && column < width
                let source = isInside ? lane / 8 * width + column : 15
                unsafe lanes[16 * table + lane] = Float(bitPattern: UInt32(source))
            }
        }
        for lane in 0..<16 {
            let source = lane < 2 * width ? lane / width * 8 + lane % width : 15
            unsafe lanes[48 + lane] = Float(bitPattern: UInt32(source))
        }
    }

    @unsafe internal static func run(
        _ run: ConvolutionRun,
        _ filter: FilterRows,
        _ scratch: UnsafeMutableRawBufferPointer
    ) {
        let convolution = run.convolution
        let needed = scratchByteCount(run.context)
        var memory = unsafe ScratchMemory(scratch, needed: needed)
        let lanes = unsafe memory.floats(laneTableCount * run.table.laneCount)
        unsafe fill(lanes, width: convolution.inputSize.width)
        let channels = convolution.outputChannelCount
        let blocks = (channels + planesPerPiece - 1) / planesPerPiece
        let nanoseconds = 16.0 * Double(planesPerPiece)
        run.context.forEach(
            convolution.batchCount * blocks,
            grain: KernelContext.grain(nanosecondsPerPiece: nanoseconds),
            nanosecondsPerPiece: nanoseconds
        ) { pieces in
            for piece in pieces {
                let (image, block) = piece.quotientAndRemainder(dividingBy: blocks)
                let first = block * planesPerPiece
                let count = Swift.min(planesPerPiece, channels - first)
                let offset = run.outputOffset(image: image, group: first)
                let tile = unsafe RowPairTile(
                    source: run.planes(image: image, group: first),
                    planeCount: count,
                    height: convolution.inputSize.height,
                    width: convolution.inputSize.width,
                    weights: filter.elements + first * filter.stride,
                    bias: run.bias(from: first),
                    lanes: lanes,
                    target: run.output + offset,
                    lower: run.lower,
                    upper: run.upper
                )
                run.table.convolution.rowPairs(tile)
                run.finish(offset: offset, count: count * run.outputPlane, rows: 1)
            }
        }
    }
}
