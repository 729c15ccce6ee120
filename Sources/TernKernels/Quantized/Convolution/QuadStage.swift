internal import TernMicrokernels

/// Stages bands of an image of bytes, with their padding, as a ``QuadGeometry`` says.
@safe internal struct QuadStage {
    private let geometry: QuadGeometry
    private let image: ByteImage
    private let table: KernelTable
    private let planeQuadCount: Int
    private let lineByteCount: Int
    private let channelCount: Int
    private let byteCount: Int
    private let flip: UInt8
    /// The zero point as a byte of the image, and four of them as they are multiplied.
    private let zero: UInt8
    private let zeros: Int32

    internal init(_ plan: QuadPlan, _ image: ByteImage, _ table: KernelTable) {
        geometry = plan.geometry
        self.image = image
        self.table = table
        planeQuadCount = plan.geometry.planeQuadCount(rows: plan.bandRowCount)
        lineByteCount = plan.lineByteCount
        channelCount = plan.convolution.inputChannelCount
        let size = plan.convolution.inputSize
        byteCount = plan.convolution.batchCount * channelCount * size.height * size.width
        flip = image.isSigned ? 0x80 : 0
        zero = UInt8(truncatingIfNeeded: image.zeroPoint)
        zeros = Int32(bitPattern: UInt32(zero ^ flip) &* 0x0101_0101)
    }

    /// Stages what a band of output rows of one group sees; `line` is memory for a row.
    @unsafe internal func run(
        image index: Int,
        group: Int,
        rows: Range<Int>,
        into quads: UnsafeMutablePointer<Int32>,
        line: UnsafeMutableRawPointer
    ) {
        let plane = geometry.inputSize.height * geometry.inputSize.width
        let first = (index * channelCount + group * geometry.channelCount) * plane
        switch geometry.axis {
        case .channels:
            for quad in 0..<geometry.quadCount {
                let planes = geometry.rowPhaseCount * geometry.columnPhaseCount * planeQuadCount
                unsafe stageChannels(
                    first + 4 * quad * plane,
                    count: Swift.min(4, geometry.channelCount - 4 * quad),
                    rows,
                    quads + quad * planes,
                    line.assumingMemoryBound(to: Int32.self)
                )
            }
        case .columns:
            let bytes = unsafe line.assumingMemoryBound(to: UInt8.self)
            unsafe bytes.update(repeating: zero ^ flip, count: lineByteCount)
            for channel in 0..<geometry.channelCount {
                let planes = geometry.quadCount * geometry.rowPhaseCount * planeQuadCount
                unsafe stageColumns(
                    first + channel * plane,
                    rows,
                    quads + channel * planes,
                    bytes
                )
            }
        }
    }

    /// The input row that a staged row holds.
    private func inputRow(_ row: Int, phase: Int) -> Int {
        let window = geometry.window
        return row * window.stride.height
            + phase * window.dilation.height % window.stride.height - window.leading.height
    }

    /// Stages four channels, or those that are left, from the byte at `first` on.
    @unsafe private func stageChannels(
        _ first: Int,
        count: Int,
        _ rows: Range<Int>,
        _ target: UnsafeMutablePointer<Int32>,
        _ line: UnsafeMutablePointer<Int32>
    ) {
        let size = geometry.inputSize
        let window = geometry.window
        let stride = window.stride.width
        let pitch = geometry.pitch
        let rowCount = geometry.rowCount(rows.count)
        if geometry.lineQuadCount == 0, window.stride.height == 1, window.leading.width == 0,
            pitch == size.width
        {
            // The rows of the image follow each other as the staged ones do.
            let top = rows.lowerBound - window.leading.height
            let lower = Swift.min(Swift.max(0, -top), rowCount)
            let upper = Swift.max(lower, Swift.min(rowCount, size.height - top))
            unsafe target.update(repeating: zeros, count: lower * pitch)
            if lower < upper {
                unsafe interleave(
                    first + (top + lower) * size.width,
                    channels: count,
                    (upper - lower) * pitch,
                    target + lower * pitch
                )
            }
            unsafe (target + upper * pitch).update(
                repeating: zeros,
                count: (rowCount - upper) * pitch
            )
            return
        }
        let lineLength = geometry.lineQuadCount
        let length = lineLength == 0 ? pitch : lineLength
        let leading = Swift.min(window.leading.width, length)
        let columns = Swift.min(size.width, length - leading)
        for phase in 0..<geometry.rowPhaseCount {
            let planes = unsafe target + phase * geometry.columnPhaseCount * planeQuadCount
            for row in 0..<rowCount {
                let y = inputRow(rows.lowerBound + row, phase: phase)
                let isInside = y >= 0 && y < size.height
                let whole = unsafe lineLength == 0 ? planes + row * pitch : line
                if isInside {
                    unsafe whole.update(repeating: zeros, count: leading)
                    unsafe interleave(
                        first + y * size.width,
                        channels: count,
                        columns,
                        whole + leading
                    )
                    unsafe (whole + leading + columns).update(
                        repeating: zeros,
                        count: length - leading - columns
                    )
                } else {
                    unsafe whole.update(repeating: zeros, count: length)
                }
                guard lineLength > 0 else { continue }
                if geometry.isSpread {
                    unsafe table.quads.pick(
                        line,
                        window.dilation.width,
                        stride,
                        pitch,
                        planes + row * pitch,
                        planeQuadCount,
                        geometry.columnPhaseCount
                    )
                    continue
                }
                for column in 0..<geometry.columnPhaseCount {
                    unsafe table.quads.pick(
                        line + column * window.dilation.width % stride,
                        0,
                        stride,
                        pitch,
                        planes + column * planeQuadCount + row * pitch,
                        planeQuadCount,
                        1
                    )
                }
            }
        }
    }

    @unsafe private func interleave(
        _ first: Int,
        channels: Int,
        _ count: Int,
        _ target: UnsafeMutablePointer<Int32>
    ) {
        let plane = geometry.inputSize.height * geometry.inputSize.width
        unsafe table.quads.interleave(
            image.elements.assumingMemoryBound(to: UInt8.self) + first,
            plane,
            channels,
            count,
            byteCount - first - (channels - 1) * plane,
            flip,
            zero,
            target
        )
    }

    /// Stages one channel, whose first byte is at `first`; `line` is filled with the zero point.
    @unsafe private func stageColumns(
        _ first: Int,
        _ rows: Range<Int>,
        _ target: UnsafeMutablePointer<Int32>,
        _ line: UnsafeMutablePointer<UInt8>
    ) {
        let size = geometry.inputSize
        let window = geometry.window
        let pitch = geometry.pitch
        let leading = Swift.min(window.leading.width, lineByteCount)
        let columns = Swift.min(size.width, lineByteCount - leading)
        let source = unsafe image.elements.assumingMemoryBound(to: UInt8.self) + first
        for phase in 0..<geometry.rowPhaseCount {
            for row in 0..<geometry.rowCount(rows.count) {
                let y = inputRow(rows.lowerBound + row, phase: phase)
                let isInside = y >= 0 && y < size.height
                if isInside {
                    unsafe table.quads.copy(
                        source + y * size.width,
                        columns,
                        flip,
                        line + leading
                    )
                }
                for quad in 0..<geometry.quadCount {
                    let place = quad * geometry.rowPhaseCount + phase
                    let to = unsafe target + place * planeQuadCount + row * pitch
                    guard isInside else {
                        unsafe to.update(repeating: zeros, count: pitch)
                        continue
                    }
                    unsafe table.quads.windows(
                        line + 4 * quad * window.dilation.width,
                        window.stride.width,
                        window.dilation.width,
                        pitch,
                        to
                    )
                }
            }
        }
    }
}
