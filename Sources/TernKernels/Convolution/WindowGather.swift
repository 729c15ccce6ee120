/// Gathers the windows of a convolution as panels of a matrix, without making the matrix as a whole.
///
/// Row k of the matrix is a tap (channel, row of the kernel, column of the kernel), column n an output
/// position; an element is the input under that tap, or 0 in the padding.
internal struct WindowGather {
    /// The channels of one group.
    internal let channelCount: Int
    /// H and W.
    internal let inputSize: Window.Extent
    /// oW.
    internal let outputWidth: Int
    /// The kernel and how it slides.
    internal let window: Window

    /// Fills one panel.
    ///
    /// - Parameters:
    ///   - source: The group's first channel.
    ///   - positions: The output positions (row · oW + column), at most `width`; the panel's other
    ///     columns become 0.
    ///   - width: The columns of a panel.
    ///   - target: channels · kH · kW rows of `width` floats.
    @unsafe internal func panel(
        _ source: UnsafePointer<Float>,
        positions: Range<Int>,
        width: Int,
        into target: UnsafeMutablePointer<Float>
    ) {
        let plane = inputSize.height * inputSize.width
        var line = unsafe target
        for channel in 0..<channelCount {
            let image = unsafe source + channel * plane
            for kernelRow in 0..<window.kernel.height {
                for kernelColumn in 0..<window.kernel.width {
                    unsafe fill(
                        line,
                        from: image,
                        positions: positions,
                        rowShift: kernelRow * window.dilation.height - window.leading.height,
                        columnShift: kernelColumn * window.dilation.width - window.leading.width
                    )
                    if positions.count < width {
                        unsafe (line + positions.count)
                            .update(repeating: 0, count: width - positions.count)
                    }
                    unsafe line += width
                }
            }
        }
    }

    /// Fills one row of a panel: the positions of one output row at a time.
    @unsafe private func fill(
        _ line: UnsafeMutablePointer<Float>,
        from image: UnsafePointer<Float>,
        positions: Range<Int>,
        rowShift: Int,
        columnShift: Int
    ) {
        var position = positions.lowerBound
        var target = unsafe line
        while position < positions.upperBound {
            let outputRow = position / outputWidth
            let outputColumn = position - outputRow * outputWidth
            let count = Swift.min(outputWidth - outputColumn, positions.upperBound - position)
            let row = outputRow * window.stride.height + rowShift
            if row < 0 || row >= inputSize.height {
                unsafe target.update(repeating: 0, count: count)
            } else {
                unsafe fill(
                    target,
                    from: image + row * inputSize.width,
                    firstColumn: outputColumn * window.stride.width + columnShift,
                    count: count
                )
            }
            position += count
            unsafe target += count
        }
    }

    /// Fills a part of a row from one row of the image.
    @unsafe private func fill(
        _ target: UnsafeMutablePointer<Float>,
        from row: UnsafePointer<Float>,
        firstColumn: Int,
        count: Int
    ) {
        let stride = window.stride.width
        // The first output whose tap is at or behind the image's left edge, and the first behind its
        // right one.
        let begin =
            firstColumn >= 0 ? 0 : Swift.min(count, (stride - 1 - firstColumn) / stride)
        let end = Swift.max(
            begin,
            Swift.min(count, (inputSize.width - firstColumn + stride - 1) / stride)
        )
        if begin > 0 { unsafe target.update(repeating: 0, count: begin) }
        if stride == 1 {
            if end > begin {
                unsafe (target + begin).update(from: row + firstColumn + begin, count: end - begin)
            }
        } else {
            for index in begin..<end { unsafe target[index] = row[firstColumn + index * stride] }
        }
        if end < count { unsafe (target + end).update(repeating: 0, count: count - end) }
    }
}
