internal import Glibc
package import TernMicrokernels

/// The ways in which a convolution can be computed.
///
/// Which one a convolution takes depends on its geometry and the instruction set, never on the batch
/// or the number of threads: an image's bits are the same alone and in company.
package enum ConvolutionMethod: String, Sendable, CaseIterable {
    /// One input channel for each output channel: taps over a staged plane.
    case depthwise
    /// The same for narrow images: a register holds one pixel of many channels.
    case depthwiseChannels
    /// The same, and the plane is read in place.
    case depthwisePlanes
    /// The same for tiny images: a register holds two rows.
    case depthwisePairs
    /// Few inputs for each output: the staged image is read in place, nothing is packed.
    case direct
    /// A matrix product whose columns are pixels; patches are packed a few panels at a time.
    case pixelColumns
    /// A matrix product whose rows are pixels, for images too small to fill panels.
    case pixelRows
    /// F(4×4, 3×3): 36 products for 16 outputs instead of 144.
    case winograd
    /// F(4, 3) along rows: 6 products for 4 outputs instead of 12.
    case winogradRow

    /// Whether it is one of Winograd's, whose rounding errors are larger than the other methods'.
    package var isWinograd: Bool { self == .winograd || self == .winogradRow }

    /// Whether it reads the filters as rows that follow each other.
    internal var readsFilterRows: Bool {
        self == .depthwise || self == .depthwisePlanes || self == .depthwisePairs
    }

    /// Whether this process may use Winograd's methods: unless the environment variable
    /// `TERN_WINOGRAD` is `0`.
    package static let allowsWinograd: Bool = {
        guard let variable = unsafe getenv("TERN_WINOGRAD") else { return true }
        return unsafe String(cString: variable) != "0"
    }()
}

extension Convolution {
    /// How the convolution is computed with filters packed for it.
    package func method(table: KernelTable = .current) -> ConvolutionMethod {
        if isDepthwise {
            if DepthwisePairsDriver.suits(self, table) { return .depthwisePairs }
            if DepthwiseChannelsDriver.suits(self, table) { return .depthwiseChannels }
            return DepthwisePlanesDriver.suits(self, table) ? .depthwisePlanes : .depthwise
        }
        let pixels = outputSize.height * outputSize.width
        let filters = outputChannelCount / groupCount
        let channels = inputChannelCount / groupCount
        if let winograd = WinogradGeometry(self, table: table),
            winograd.pays(self, table: table)
        {
            return winograd.isRow ? .winogradRow : .winograd
        }
        if suitsDirect(table) { return .direct }
        let half = table.laneCount
        guard depth >= 2 * table.panelWidth, channels >= half,
            filters >= table.panelWidth || filters == half
        else { return .pixelColumns }
        // Cycles of a machine that does one multiplication and addition of a register per cycle:
        // columns that are no pixels, and packing patches that are strided and of short rows or for
        // few filters, against two transpositions.
        let columns = (pixels + half - 1) / half * half
        let staged = inputSize.height * inputSize.width * channels + pixels * filters
        let waste = Double((columns - pixels) * filters * depth) / Double(half)
        let isStrided = window.stride.width > 1 && window.kernel.width > 1
        let isShort = outputSize.width < table.panelWidth
        let perNumber =
            isStrided ? (isShort ? 1.2 : 0.8) : filters == half && depth > channels ? 0.3 : 0
        let packing = Double(pixels * depth) * perNumber
        if waste + packing > Double(staged) * 0.4 { return .pixelRows }
        return .pixelColumns
    }

    /// How it is computed with filters that are known only when it runs.
    internal func methodOfLooseFilters(table: KernelTable) -> ConvolutionMethod {
        if isDepthwise {
            if DepthwisePairsDriver.suits(self, table) { return .depthwisePairs }
            return DepthwisePlanesDriver.suits(self, table) ? .depthwisePlanes : .depthwise
        }
        return suitsDirect(table) ? .direct : .pixelColumns
    }

    private func suitsDirect(_ table: KernelTable) -> Bool {
        let half = table.laneCount
        let rowColumns = (outputSize.width + half - 1) / half * half
        let taps = window.kernel.height * window.kernel.width
        let filters = outputChannelCount / groupCount
        let limit = filters < table.laneCount ? Self.directDepthLimit * 4 : Self.directDepthLimit
        return taps > 1 && depth <= limit && outputSize.width * 8 >= rowColumns * 7
    }

    /// A longer chain reads from too many places at once; for few filters packing patches takes longer
    /// still.
    private static let directDepthLimit = 256
}
