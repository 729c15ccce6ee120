internal import TernMicrokernels

/// How an output is cut into Winograd's tiles of four rows and columns, or of four columns.
///
/// With dilation the outputs whose windows see the same pixels form an image of their own, a phase; the
/// tiles of all phases have the same number of rows and columns, and some reach outside.
internal struct WinogradGeometry {
    /// Whether tiles are one row high.
    internal let isRow: Bool
    internal let tileRowCount: Int
    internal let tileColumnCount: Int
    internal let dilation: Window.Extent
    /// The padded input and the output, with channels last.
    internal let input: ChannelsLast
    internal let output: ChannelsLast

    /// `nil` if the kernel isn't 3×3 or 1×3, or takes larger steps than one.
    internal init?(_ convolution: Convolution, table: KernelTable) {
        let window = convolution.window
        let size = convolution.outputSize
        guard convolution.usesWinograd, window.stride == Window.Extent(height: 1, width: 1),
            window.kernel.width == 3, size.height > 0, size.width > 0
        else { return nil }
        let isFlat = window.leading.height == 0 && window.trailing.height == 0
        guard window.kernel.height == 3 || window.kernel.height == 1 && isFlat else { return nil }
        isRow = window.kernel.height == 1
        dilation = Window.Extent(
            height: isRow ? 1 : window.dilation.height,
            width: window.dilation.width
        )
        func tiles(_ size: Int, _ dilation: Int) -> Int {
            ((size + dilation - 1) / dilation + 3) / 4
        }
        tileRowCount = isRow ? size.height : tiles(size.height, dilation.height)
        tileColumnCount = tiles(size.width, dilation.width)
        input = ChannelsLast(
            rowCount: isRow ? size.height : dilation.height * (4 * tileRowCount + 2),
            columnCount: dilation.width * (4 * tileColumnCount + 2),
            channelCount: convolution.inputChannelCount / convolution.groupCount,
            table: table
        )
        output = ChannelsLast(
            rowCount: size.height,
            columnCount: size.width,
            channelCount: convolution.outputChannelCount / convolution.groupCount,
            table: table
        )
    }

    internal var pointCount: Int { isRow ? 6 : 36 }
    internal var tileCount: Int {
        dilation.height * dilation.width * tileRowCount * tileColumnCount
    }

    /// Whether the products that are saved outweigh the transforms.
    ///
    /// Estimates in cycles of a machine that does one multiplication and addition of a register per
    /// cycle; the transforms' share was measured.
    internal func pays(_ convolution: Convolution, table: KernelTable) -> Bool {
        let filters = convolution.outputChannelCount / convolution.groupCount
        let channels = convolution.inputChannelCount / convolution.groupCount
        guard filters >= 8, channels >= 8,
            pointCount * filters * channels * 4 <= Self.filterByteLimit
        else { return false }
        let lanes = Double(table.laneCount)
        let products = Double(filters * channels) / lanes
        let pixels = Double(convolution.outputSize.height * convolution.outputSize.width)
        let plain = pixels * products * (isRow ? 3 : 9)
        let registers = Double(filters + channels) / lanes
        let perTile = Double(pointCount) * products + registers * (isRow ? 70 : 230)
        return Double(tileCount) * perTile * 1.15 < plain
    }

    /// Larger filters would be read from memory again and again.
    private static let filterByteLimit = 16 << 20
}

/// Where one tile is.
internal struct WinogradTile {
    internal let image: Int
    /// The first output pixel, and the first pixel of the padded input.
    internal let row: Int
    internal let column: Int

    internal init(_ index: Int, _ geometry: WinogradGeometry) {
        let (rest, tileColumn) = index.quotientAndRemainder(
            dividingBy: geometry.tileColumnCount
        )
        let (upper, phaseColumn) = rest.quotientAndRemainder(dividingBy: geometry.dilation.width)
        let (above, tileRow) = upper.quotientAndRemainder(dividingBy: geometry.tileRowCount)
        let (image, phaseRow) = above.quotientAndRemainder(dividingBy: geometry.dilation.height)
        self.image = image
        let height = geometry.isRow ? 1 : 4
        row = phaseRow + tileRow * height * geometry.dilation.height
        column = phaseColumn + tileColumn * 4 * geometry.dilation.width
    }
}
