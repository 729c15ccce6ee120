internal import TernMicrokernels

/// How a convolution of bytes with one filter for each channel is cut into pieces.
///
/// A piece is a band of output rows of as many channels of an image as a register has lanes. It is
/// moved to memory of its own with the channels of a pixel side by side, and what it computes is moved
/// back.
internal struct QuadLanePlan {
    internal let convolution: Convolution
    internal let lanes: Int
    /// The quads of one row of a filter.
    internal let quadCount: Int
    /// The output rows of one band.
    internal let bandRowCount: Int
    internal let bandCount: Int
    internal let blockCount: Int
    internal let pixelByteCount: Int
    internal let stagedByteCount: Int
    internal let resultByteCount: Int
    internal let partCount: Int

    /// What a piece may take of a second-level cache.
    private static let pieceByteLimit = 128 << 10

    /// Whether a convolution is computed so; depends on the channels and the filters alone.
    internal static func suits(_ convolution: Convolution, _ table: KernelTable) -> Bool {
        convolution.isDepthwise
            && convolution.outputChannelCount == convolution.inputChannelCount
            && convolution.inputChannelCount >= table.laneCount / 2
            && (convolution.window.dilation.width == 1 || convolution.window.kernel.width == 1)
    }

    internal init(_ convolution: Convolution, _ context: KernelContext) {
        self.convolution = convolution
        lanes = context.table.laneCount
        let window = convolution.window
        let (size, inputSize) = (convolution.outputSize, convolution.inputSize)
        quadCount = (window.kernel.width + 3) / 4
        // Bytes for each input row, and for each output row.
        let perInput = lanes * (inputSize.width + 4 * quadCount * size.width)
        let perOutput = 4 * lanes * size.width
        let halo = (window.kernel.height - 1) * window.dilation.height
        let room = Self.pieceByteLimit - halo * perInput
        let fitting = room / Swift.max(window.stride.height * perInput + perOutput, 1)
        let most = Swift.max(fitting, 2 * halo / window.stride.height, 1)
        bandCount = (size.height + most - 1) / most
        bandRowCount = (size.height + bandCount - 1) / bandCount
        blockCount = (convolution.inputChannelCount + lanes - 1) / lanes
        let rows = (bandRowCount - 1) * window.stride.height + halo + 1
        let held = Swift.min(rows, inputSize.height)
        // Whole groups of registers, and one register before and behind.
        let registers = (held * inputSize.width + 4 * lanes - 1) / (4 * lanes) * lanes + 2
        pixelByteCount = GEMM.alignedByteCount(floats: registers * lanes)
        stagedByteCount = GEMM.alignedByteCount(floats: rows * quadCount * size.width * lanes)
        resultByteCount = GEMM.alignedByteCount(
            floats: bandRowCount * size.width * lanes + lanes * lanes
        )
        partCount = Swift.min(
            convolution.batchCount * blockCount * bandCount,
            context.scratchPartLimit
        )
    }

    internal var pieceCount: Int { convolution.batchCount * blockCount * bandCount }

    internal var stepCount: Int { convolution.window.kernel.height * quadCount }

    internal var partByteCount: Int { pixelByteCount + stagedByteCount + resultByteCount }

    internal var offsetByteCount: Int { GEMM.alignedByteCount(floats: 2 * stepCount) }

    internal var numberByteCount: Int {
        GEMM.alignedByteCount(floats: convolution.outputChannelCount)
    }

    internal var byteCount: Int {
        offsetByteCount + 2 * numberByteCount + partCount * partByteCount
    }

    /// What the whole takes on one thread, roughly.
    internal var nanoseconds: Double {
        let size = convolution.outputSize
        let outputs = convolution.batchCount * blockCount * lanes * size.height * size.width
        return Double(outputs) * (0.2 + 0.02 * Double(stepCount)) * 16 / Double(lanes)
    }
}
