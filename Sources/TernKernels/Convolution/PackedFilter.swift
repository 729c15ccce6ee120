package import TernMicrokernels
package import TernTensor

/// The filters of a convolution, kept in the layout its method reads.
///
/// Made once, when a model is loaded; immutable and shared by any number of threads. Filters packed
/// for one image size serve every other for which the convolution has the same method.
@safe package final class PackedFilter: PackedWeights {
    package static let kind = "filter"

    /// M, the output channels.
    package let outputChannelCount: Int
    /// C / group · kH · kW.
    package let depth: Int
    /// Whose layout it is.
    package let method: ConvolutionMethod
    private let storage: AlignedBuffer
    /// Floats from one group to the next, or, by rows, from one filter to the next.
    private let stride: Int

    /// Packs filters.
    ///
    /// - Parameters:
    ///   - elements: W [M, C/group, kH, kW], dense.
    ///   - convolution: What they are filters of.
    ///   - table: The kernels that will read it.
    ///   - memory: Where the filters go, or lie already.
    @unsafe package init(
        elements: UnsafePointer<Float>,
        for convolution: Convolution,
        table: KernelTable = .current,
        memory: PanelMemory = PanelMemory()
    ) {
        outputChannelCount = convolution.outputChannelCount
        depth = convolution.depth
        method = convolution.method(table: table)
        let groups = convolution.groupCount
        let filters = outputChannelCount / groups
        let channels = convolution.inputChannelCount / groups
        let taps = convolution.window.kernel.height * convolution.window.kernel.width
        let columns = Panels.count(columnCount: filters, table: table) * table.panelWidth
        let isPacked: Bool
        switch method {
        case .depthwise, .depthwisePlanes, .depthwisePairs, .direct, .pixelColumns:
            stride = method.readsFilterRows ? depth : Self.rowStride(depth: depth)
            (storage, isPacked) = memory.next(byteCount: outputChannelCount * stride * 4)
            if isPacked { return }
            for row in 0..<outputChannelCount {
                // SAFETY: both sides have as many floats.
                unsafe (storage.floats + row * stride).update(
                    from: elements + row * depth,
                    count: depth
                )
            }
        case .depthwiseChannels:
            let lanes = table.laneCount
            stride = taps * lanes
            (storage, isPacked) = memory.next(
                byteCount: (groups + lanes - 1) / lanes * stride * 4
            )
            if isPacked { return }
            for channel in 0..<groups {
                let block = unsafe storage.floats + channel / lanes * stride
                for tap in 0..<taps {
                    unsafe block[tap * lanes + channel % lanes] = elements[channel * taps + tap]
                }
            }
        case .pixelRows:
            stride = columns * depth
            (storage, isPacked) = memory.next(byteCount: groups * stride * 4)
            if isPacked { return }
            var rows = [Float](repeating: 0, count: filters * depth)
            for group in 0..<groups {
                for filter in 0..<filters {
                    let source = unsafe elements + (group * filters + filter) * depth
                    for channel in 0..<channels {
                        for tap in 0..<taps {
                            rows[filter * depth + tap * channels + channel] =
                                unsafe source[channel * taps + tap]
                        }
                    }
                }
                unsafe Self.pack(rows, depth, filters, storage.floats + group * stride, table)
            }
        case .winograd, .winogradRow:
            let points = method == .winograd ? 36 : 6
            stride = points * columns * channels
            (storage, isPacked) = memory.next(byteCount: groups * stride * 4)
            if isPacked { return }
            var rows = [Float](repeating: 0, count: points * filters * channels)
            for group in 0..<groups {
                for row in 0..<filters * channels {
                    let source = unsafe elements + (group * filters * channels + row) * taps
                    let transformed = unsafe WinogradFilter.transform(source, points: points)
                    for point in 0..<points {
                        rows[point * filters * channels + row] = transformed[point]
                    }
                }
                for point in 0..<points {
                    let matrix = Array(
                        rows[point * filters * channels..<(point + 1) * filters * channels]
                    )
                    unsafe Self.pack(
                        matrix,
                        channels,
                        filters,
                        storage.floats + (group * stride + point * columns * channels),
                        table
                    )
                }
            }
        }
    }

    /// The filters, as they can be lent.
    package var panelMemory: [AlignedBuffer] { [storage] }

    /// Rows a multiple of 256 bytes apart would share few lines of a first-level cache.
    private static func rowStride(depth: Int) -> Int {
        depth.isMultiple(of: 64) ? depth + 16 : depth
    }

    /// Packs the transpose of `rows` [filters, depth] as panels.
    @unsafe private static func pack(
        _ rows: [Float],
        _ depth: Int,
        _ filters: Int,
        _ target: UnsafeMutablePointer<Float>,
        _ table: KernelTable
    ) {
        unsafe rows.withUnsafeBufferPointer { rows in
            guard let base = rows.baseAddress, depth > 0 else { return }
            unsafe Panels.pack(
                MatrixView(base, rowStride: depth, isTransposed: true),
                panels: 0..<Panels.count(columnCount: filters, table: table),
                depth: depth,
                columnCount: filters,
                scale: 1,
                into: target,
                table: table
            )
        }
    }

    /// One row of ``depth`` floats per output channel.
    internal var rows: FilterRows {
        precondition(
            method.readsFilterRows || method == .direct || method == .pixelColumns,
            "the filters are not rows"
        )
        return unsafe FilterRows(elements: UnsafePointer(storage.floats), stride: stride)
    }

    /// A register of channels after the other: for each tap, a weight for each channel.
    @unsafe internal var channelBlocks: UnsafePointer<Float> {
        precondition(method == .depthwiseChannels, "the filters are not in blocks of channels")
        return unsafe UnsafePointer(storage.floats)
    }

    /// A group's panels: row (tap, channel), column filter.
    @unsafe internal func panels(group: Int) -> UnsafePointer<Float> {
        precondition(method == .pixelRows, "the filters are not panels")
        return unsafe UnsafePointer(storage.floats + group * stride)
    }

    /// A group's transformed filters: a matrix of panels per point, row channel, column filter.
    @unsafe internal func transformed(group: Int) -> UnsafePointer<Float> {
        precondition(method.isWinograd, "the filters are not transformed")
        return unsafe UnsafePointer(storage.floats + group * stride)
    }
}

/// Filters one after the other: row m is output channel m's, as (channel, tap row, tap column).
@safe internal struct FilterRows {
    internal let elements: UnsafePointer<Float>
    internal let stride: Int
}

extension AlignedBuffer {
    fileprivate var floats: UnsafeMutablePointer<Float> {
        unsafe baseAddress.assumingMemoryBound(to: Float.self)
    }
}
