internal import TernMicrokernels

/// A strip of some planes with its padding, cut into one part per phase of the stride.
///
/// Row r, column c of the padded strip is in part (r mod sH, c mod sW), at row r / sH, column c / sW
/// there: what one tap sees from neighbouring outputs lies next to each other whatever the stride is.
internal struct StagedPlanes {
    /// The outputs down that a strip serves.
    internal let stripRowCount: Int
    /// The padded rows of a strip.
    private let rowCount: Int
    /// The padded columns.
    private let columnCount: Int
    /// Floats from one part to the next.
    private let partStride: Int
    /// Floats from one row of a part to the next.
    internal let pitch: Int
    private let window: Window
    private let size: Window.Extent

    /// Cuts the output into strips whose `planeCount` planes take about `floatLimit` floats.
    internal init(_ convolution: Convolution, planeCount: Int, floatLimit: Int) {
        window = convolution.window
        size = convolution.inputSize
        let output = convolution.outputSize
        columnCount = (output.width - 1) * window.stride.width + window.span.width
        pitch = (columnCount + window.stride.width - 1) / window.stride.width
        let perRow = Swift.max(1, planeCount * pitch * window.stride.width)
        let fitting = (floatLimit / perRow - window.span.height) / window.stride.height + 1
        let most = Swift.min(output.height, Swift.max(fitting, 4))
        let strips = (output.height + most - 1) / most
        stripRowCount = (output.height + strips - 1) / strips
        rowCount = (stripRowCount - 1) * window.stride.height + window.span.height
        let partRowCount = (rowCount + window.stride.height - 1) / window.stride.height
        // Whole registers are written.
        partStride = partRowCount * pitch + 16
    }

    internal var stripCount: Int {
        (outputRowCount + stripRowCount - 1) / stripRowCount
    }

    private var outputRowCount: Int {
        (size.height + window.leading.height + window.trailing.height - window.span.height)
            / window.stride.height + 1
    }

    /// Floats from one plane's strip to the next.
    internal var planeStride: Int {
        window.stride.height * window.stride.width * partStride
    }

    /// Where the tap of output (0, 0) is in its plane.
    internal func offset(tapRow: Int, tapColumn: Int) -> Int {
        let row = tapRow * window.dilation.height
        let column = tapColumn * window.dilation.width
        let part =
            row % window.stride.height * window.stride.width + column % window.stride.width
        return part * partStride + row / window.stride.height * pitch
            + column / window.stride.width
    }

    /// Fills the strip that serves outputs from row `firstRow` on from some planes.
    ///
    /// Padding that an earlier call has written for the same strip need not be written again.
    @unsafe internal func stage(
        _ source: UnsafePointer<Float>,
        planeCount: Int,
        firstRow: Int,
        into target: UnsafeMutablePointer<Float>,
        writesPadding: Bool,
        table: KernelTable
    ) {
        let tile = unsafe StageTile(
            source: source,
            sourcePlaneStride: size.height * size.width,
            height: size.height,
            width: size.width,
            columnCount: columnCount,
            planeCount: planeCount,
            rowCount: rowCount,
            firstRow: firstRow * window.stride.height - window.leading.height,
            paddingLeft: window.leading.width,
            strideHeight: window.stride.height,
            strideWidth: window.stride.width,
            target: target,
            targetPlaneStride: planeStride,
            partStride: partStride,
            pitch: pitch,
            writesPadding: writesPadding
        )
        table.convolution.stage(tile)
    }
}
