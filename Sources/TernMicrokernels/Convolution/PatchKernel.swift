/// One plane-of-pixels view of an image, as the right-hand side of a matrix product.
///
/// Row k = (channel, tap row, tap column) and column p = (output row, output column) of the matrix is
/// the pixel of `channel` that this tap sees from that output, or 0 in the padding.
@usableFromInline @safe package struct ImagePatches {
    /// The first plane of the group: [channels, height, width].
    @usableFromInline package var image: UnsafePointer<Float>
    @usableFromInline package var height: Int
    @usableFromInline package var width: Int
    @usableFromInline package var outputWidth: Int
    @usableFromInline package var kernelHeight: Int
    @usableFromInline package var kernelWidth: Int
    @usableFromInline package var strideHeight: Int
    @usableFromInline package var strideWidth: Int
    @usableFromInline package var dilationHeight: Int
    @usableFromInline package var dilationWidth: Int
    @usableFromInline package var paddingTop: Int
    @usableFromInline package var paddingLeft: Int

    @inlinable
    package init(
        image: UnsafePointer<Float>,
        height: Int,
        width: Int,
        outputWidth: Int,
        kernelHeight: Int,
        kernelWidth: Int,
        strideHeight: Int,
        strideWidth: Int,
        dilationHeight: Int,
        dilationWidth: Int,
        paddingTop: Int,
        paddingLeft: Int
    ) {
        unsafe self.image = image
        self.height = height
        self.width = width
        self.outputWidth = outputWidth
        self.kernelHeight = kernelHeight
        self.kernelWidth = kernelWidth
        self.strideHeight = strideHeight
        self.strideWidth = strideWidth
        self.dilationHeight = dilationHeight
        self.dilationWidth = dilationWidth
        self.paddingTop = paddingTop
        self.paddingLeft = paddingLeft
    }
}

/// Fills a panel of ``ImagePatches`` for GEMM.
///
/// Scalar twin: `ConvolutionTests`, through the product.
@usableFromInline
internal enum PatchKernel<I: ShuffleInstructionSet> {
    /// target[k, p] for `depth` rows from `firstRow` on and `count` ≤ panel width pixels from
    /// `firstPixel` on; the other columns of the panel become 0.
    @inlinable
    @inline(__always)
    internal static func panel(
        _ patches: borrowing ImagePatches,
        _ firstRow: Int,
        _ depth: Int,
        _ firstPixel: Int,
        _ count: Int,
        _ target: UnsafeMutablePointer<Float>
    ) {
        let panelWidth = 2 &* I.laneCount
        let taps = patches.kernelHeight &* patches.kernelWidth
        let zero = I.broadcast(Float(0))
        var channel = firstRow / taps
        var tapRow = firstRow % taps / patches.kernelWidth
        var tapColumn = firstRow % patches.kernelWidth
        let firstOutputRow = firstPixel / patches.outputWidth
        let firstOutputColumn = firstPixel % patches.outputWidth
        var row = unsafe target
        for _ in 0..<depth {
            let plane = unsafe patches.image + channel &* patches.height &* patches.width
            let shift = tapColumn &* patches.dilationWidth &- patches.paddingLeft
            var y =
                firstOutputRow &* patches.strideHeight &+ tapRow &* patches.dilationHeight
                &- patches.paddingTop
            var x = firstOutputColumn
            var done = 0
            let outputWidth = patches.outputWidth
            let isWhole = isInside(patches, x, y, shift, count)
            if count < panelWidth || x &+ count > outputWidth || !isWhole {
                unsafe I.store(zero, row)
                unsafe I.store(zero, row + I.laneCount)
            }
            while done < count {
                let run = Swift.min(count &- done, patches.outputWidth &- x)
                if y >= 0, y < patches.height {
                    let line = unsafe plane + y &* patches.width
                    unsafe copy(patches, line, shift, x, run, row + done)
                }
                done &+= run
                x = 0
                y &+= patches.strideHeight
            }
            unsafe row += panelWidth
            tapColumn &+= 1
            if tapColumn == patches.kernelWidth {
                tapColumn = 0
                tapRow &+= 1
                if tapRow == patches.kernelHeight {
                    tapRow = 0
                    channel &+= 1
                }
            }
        }
    }

    /// Whether no tap of `count` outputs from column `x` on is in the padding.
    @inlinable
    @inline(__always)
    internal static func isInside(
        _ patches: borrowing ImagePatches,
        _ x: Int,
        _ y: Int,
        _ shift: Int,
        _ count: Int
    ) -> Bool {
        let first = x &* patches.strideWidth &+ shift
        let last = first &+ (count &- 1) &* patches.strideWidth
        let (height, width) = (patches.height, patches.width)
        return y >= 0 && y < height && first >= 0 && last < width
    }

    /// target[i] = line[(x + i)·stride + shift] for those i < count that are inside the line.
    @inlinable
    @inline(__always)
    internal static func copy(
        _ patches: borrowing ImagePatches,
        _ line: UnsafePointer<Float>,
        _ shift: Int,
        _ x: Int,
        _ count: Int,
        _ target: UnsafeMutablePointer<Float>
    ) {
        // The first position inside the line, and the first one after it.
        let stride = patches.strideWidth
        let position = x &* stride &+ shift
        let start = position >= 0 ? 0 : (stride &- 1 &- position) / stride
        let room = patches.width &- position
        var end = count
        if (count &- 1) &* stride >= room {
            end = room <= 0 ? 0 : (room &+ stride &- 1) / stride
        }
        guard start < end else { return }
        unsafe StrideKernel<I>.run(
            line + (position &+ start &* stride),
            stride,
            end &- start,
            target + start
        )
    }
}
