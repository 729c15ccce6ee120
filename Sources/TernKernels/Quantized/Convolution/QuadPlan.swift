internal import TernMicrokernels

/// How a convolution of bytes is cut into pieces.
///
/// A piece is a band of output rows of one group of an image, and a part of the group's filters. It
/// stages what it reads in memory of its own.
internal struct QuadPlan {
    internal let convolution: Convolution
    internal let geometry: QuadGeometry
    /// The output rows of one band.
    internal let bandRowCount: Int
    internal let bandCount: Int
    /// The filters of one part.
    internal let partFilterCount: Int
    internal let filterPartCount: Int
    /// The filters of all groups, in whole blocks.
    internal let paddedCount: Int
    internal let stagedByteCount: Int
    internal let lineByteCount: Int
    private let termsByteCount: Int
    internal let partCount: Int

    /// What a band may take of the caches: a part of the second level's, or most of the first's if there is
    /// little to compute with each byte.
    private static let stagedByteLimit = 160 << 10
    private static let shallowByteLimit = 24 << 10
    /// Parts of filters are whole blocks.
    private static let filterStep = 12

    internal init(_ convolution: Convolution, _ context: KernelContext) {
        self.convolution = convolution
        let geometry = QuadGeometry(convolution)
        self.geometry = geometry
        let height = convolution.outputSize.height
        let rowByteCount = Swift.max(4 * geometry.planeCount * geometry.pitch, 1)
        let limit = geometry.axis == .columns ? Self.shallowByteLimit : Self.stagedByteLimit
        // Rows that two bands see are staged twice.
        let most = Swift.max(limit / rowByteCount - geometry.rowHalo, 4 * geometry.rowHalo, 1)
        bandRowCount = Self.bandRowCount(
            geometry,
            most: Swift.min(most, height),
            rowByteCount: rowByteCount,
            lanes: context.table.laneCount
        )
        bandCount = (height + bandRowCount - 1) / bandRowCount
        let pieces = convolution.batchCount * convolution.groupCount * bandCount
        let blocks = (geometry.filterCount + Self.filterStep - 1) / Self.filterStep
        var parts = 1
        if context.width > 1 {
            // Some pieces for each thread, so that an unequal start evens out.
            parts = Swift.min(blocks, Swift.max(1, 4 * context.width / pieces))
        }
        partFilterCount = (blocks + parts - 1) / parts * Self.filterStep
        filterPartCount = (geometry.filterCount + partFilterCount - 1) / partFilterCount
        paddedCount =
            convolution.groupCount
            * QuadPanels.paddedCount(geometry.filterCount, table: context.table)
        let quads = geometry.planeCount * geometry.planeQuadCount(rows: bandRowCount)
        // A register is read at the last position too.
        stagedByteCount = GEMM.alignedByteCount(floats: quads + 64)
        let window = convolution.window
        switch geometry.axis {
        case .channels:
            let count = geometry.lineQuadCount
            lineByteCount = count == 0 ? 0 : GEMM.alignedByteCount(floats: count + 64)
        case .columns:
            let bytes =
                (geometry.outputSize.width - 1) * window.stride.width
                + (4 * geometry.quadCount - 1) * window.dilation.width + 1
            lineByteCount = (bytes + 255) & ~63
        }
        termsByteCount = GEMM.alignedByteCount(floats: bandRowCount * geometry.pitch + 64)
        partCount = Swift.min(pieces * filterPartCount, context.scratchPartLimit)
    }

    /// The rows of a band, at most `most`, with which the fewest positions are computed in vain.
    private static func bandRowCount(
        _ geometry: QuadGeometry,
        most: Int,
        rowByteCount: Int,
        lanes: Int
    ) -> Int {
        let height = geometry.outputSize.height
        let blocks = (geometry.filterCount + filterStep - 1) / filterStep
        /// Cycles of a band's products for each step and block of filters.
        func products(_ rows: Int) -> Int {
            guard rows > 0 else { return 0 }
            let positions = (rows - 1) * geometry.pitch + geometry.outputSize.width
            let rest = positions % lanes
            return positions / lanes * filterStep
                + (rest == 0 ? 0 : rest <= filterStep / 3 ? rest : filterStep)
        }
        var (best, least) = (most, Double.infinity)
        for rows in (Swift.max(1, most - candidateCount)...most).reversed() {
            let (whole, rest) = height.quotientAndRemainder(dividingBy: rows)
            let computed = whole * products(rows) + products(rest)
            let bands = whole + (rest > 0 ? 1 : 0)
            let staged = Double((height + bands * geometry.rowHalo) * rowByteCount) * 0.1
            let cycles = Double(computed * blocks * geometry.stepCount) + staged
            if cycles < least { (best, least) = (rows, cycles) }
        }
        return best
    }

    /// How many heights of bands are considered.
    private static let candidateCount = 16

    internal var pieceCount: Int {
        convolution.batchCount * convolution.groupCount * bandCount * filterPartCount
    }

    internal var partByteCount: Int { stagedByteCount + lineByteCount + termsByteCount }

    internal var offsetByteCount: Int { GEMM.alignedByteCount(floats: 2 * geometry.stepCount) }

    internal var numberByteCount: Int { GEMM.alignedByteCount(floats: paddedCount + 16) }

    internal var byteCount: Int {
        offsetByteCount + 2 * numberByteCount + partCount * partByteCount
    }

    /// What the whole takes on one thread, roughly.
    internal func nanoseconds(_ context: KernelContext) -> Double {
        let pixels = Double(convolution.outputSize.height * convolution.outputSize.width)
        let outputs = pixels * Double(convolution.batchCount * convolution.outputChannelCount)
        let inputs = Double(
            convolution.batchCount * convolution.inputChannelCount
                * convolution.inputSize.height * convolution.inputSize.width
        )
        let multiplyAdds = outputs * Double(convolution.depth)
        return context.nanoseconds(multiplyAdds: multiplyAdds) / 4 + 0.05 * (inputs + outputs)
    }
}
