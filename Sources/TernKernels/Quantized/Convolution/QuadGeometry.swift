internal import TernMicrokernels

/// How a convolution of bytes becomes steps over quads of a staged image.
///
/// A quad is four bytes that meet four bytes of a filter. They come from four channels, or, where
/// there are few channels to a filter, from four columns that a filter's row sees. Staged rows and
/// columns lie sorted by phase: what the windows of two neighbouring outputs see through one tap lies next to each
/// other, whatever the stride. An image's padding is staged with it.
internal struct QuadGeometry {
    /// Where the bytes of a quad come from.
    internal enum Axis {
        /// From four channels at the same place.
        case channels
        /// From four taps of one row of a filter.
        case columns
    }

    internal let axis: Axis
    /// Channels of the input and filters of one group.
    internal let channelCount: Int
    internal let filterCount: Int
    internal let window: Window
    internal let inputSize: Window.Extent
    internal let outputSize: Window.Extent
    /// The quads along ``axis`` that hold the channels, or the taps of one row of a filter.
    internal let quadCount: Int
    /// The phases of rows, and of columns, that any tap sees.
    internal let rowPhaseCount: Int
    internal let columnPhaseCount: Int
    /// Whether each tap's columns are staged by themselves, so that rows have no more than outputs.
    internal let isSpread: Bool
    /// Staged rows, and columns, beyond those of the outputs.
    internal let rowHalo: Int
    internal let columnHalo: Int

    internal init(_ convolution: Convolution) {
        let window = convolution.window
        self.window = window
        inputSize = convolution.inputSize
        outputSize = convolution.outputSize
        channelCount = convolution.inputChannelCount / convolution.groupCount
        filterCount = convolution.outputChannelCount / convolution.groupCount
        let kernel = window.kernel
        let byChannels = (channelCount + 3) / 4 * kernel.width
        let byColumns = channelCount * ((kernel.width + 3) / 4)
        axis = channelCount <= 3 && byColumns < byChannels ? .columns : .channels
        quadCount = axis == .channels ? (channelCount + 3) / 4 : (kernel.width + 3) / 4
        rowPhaseCount = Self.phaseCount(kernel.height, window.stride.height, window.dilation.height)
        rowHalo = (kernel.height - 1) * window.dilation.height / window.stride.height
        if axis == .channels {
            let halo = (kernel.width - 1) * window.dilation.width / window.stride.width
            // What is saved against what is staged more often; measured.
            let saved = filterCount * kernel.height * kernel.width * halo
            isSpread =
                kernel.width <= 5
                && saved > 5 * (kernel.width - 1) * (convolution.outputSize.width + halo)
            columnHalo = isSpread ? 0 : halo
            columnPhaseCount =
                isSpread
                ? kernel.width
                : Self.phaseCount(kernel.width, window.stride.width, window.dilation.width)
        } else {
            isSpread = false
            columnPhaseCount = 1
            columnHalo = 0
        }
    }

    /// How many remainders of tap·dilation by the stride there are; taps take them in turns.
    private static func phaseCount(_ taps: Int, _ stride: Int, _ dilation: Int) -> Int {
        var (a, b) = (stride, dilation)
        while b != 0 { (a, b) = (b, a % b) }
        return Swift.min(taps, stride / a)
    }

    /// The steps of each sum.
    internal var stepCount: Int {
        let taps = window.kernel.height
        return axis == .channels
            ? quadCount * taps * window.kernel.width : channelCount * taps * quadCount
    }

    /// The quads of a whole row with its padding, before they are sorted by phase; 0 if they need not be.
    internal var lineQuadCount: Int {
        let stride = window.stride.width
        guard axis == .channels, isSpread || stride > 1 else { return 0 }
        let reach = (window.kernel.width - 1) * window.dilation.width
        return isSpread ? (outputSize.width - 1) * stride + reach + 1 : pitch * stride
    }

    /// Quads from one staged row to the next.
    internal var pitch: Int { outputSize.width + columnHalo }

    /// The quads of each phase of a plane, for a band of output rows, in whole cache lines.
    internal func planeQuadCount(rows: Int) -> Int {
        let lines = (rowCount(rows) * pitch + 15) / 16
        // Planes a multiple of 4096 bytes apart would share few lines of a first-level cache.
        return (lines.isMultiple(of: 2) ? lines + 1 : lines) * 16
    }

    /// The staged rows of each phase, for a band of output rows.
    internal func rowCount(_ rows: Int) -> Int { rows + rowHalo }

    /// How many such planes a band has.
    internal var planeCount: Int {
        axis == .channels
            ? quadCount * rowPhaseCount * columnPhaseCount
            : channelCount * quadCount * rowPhaseCount
    }

    /// Writes the bytes from the first quad of a band to the first that each step reads.
    @unsafe internal func writeOffsets(rows: Int, into offsets: UnsafeMutablePointer<Int>) {
        let plane = planeQuadCount(rows: rows)
        var step = 0
        let outer = axis == .channels ? quadCount : channelCount
        let inner = axis == .channels ? window.kernel.width : quadCount
        for first in 0..<outer {
            for tapRow in 0..<window.kernel.height {
                let row = tapRow * window.dilation.height / window.stride.height
                let rowPhase = tapRow % rowPhaseCount
                for second in 0..<inner {
                    let index: Int
                    if axis == .channels {
                        let column =
                            isSpread ? 0 : second * window.dilation.width / window.stride.width
                        let phase =
                            (first * rowPhaseCount + rowPhase) * columnPhaseCount
                            + second % columnPhaseCount
                        index = phase * plane + row * pitch + column
                    } else {
                        let phase = (first * quadCount + second) * rowPhaseCount + rowPhase
                        index = phase * plane + row * pitch
                    }
                    unsafe offsets[step] = 4 * index
                    step += 1
                }
            }
        }
    }

    /// Calls `body` with the step and the place in its quad of every tap of a filter, as W lists them.
    internal func forEachTap(_ body: (_ tap: Int, _ step: Int, _ byte: Int) -> Void) {
        let kernel = window.kernel
        var tap = 0
        for channel in 0..<channelCount {
            for row in 0..<kernel.height {
                for column in 0..<kernel.width {
                    if axis == .channels {
                        let step = (channel / 4 * kernel.height + row) * kernel.width + column
                        body(tap, step, channel % 4)
                    } else {
                        let step = (channel * kernel.height + row) * quadCount + column / 4
                        body(tap, step, column % 4)
                    }
                    tap += 1
                }
            }
        }
    }
}
