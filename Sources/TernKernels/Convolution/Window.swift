/// The window that slides over an image in convolution and pooling, with up to two spatial axes.
///
/// One-dimensional operators use height 1 with stride 1, dilation 1 and no padding.
package struct Window: Hashable, Sendable {
    /// One number per spatial axis.
    package struct Extent: Hashable, Sendable {
        /// Along the rows' direction (down).
        package var height: Int
        /// Along a row.
        package var width: Int

        /// Pairs the two.
        package init(height: Int, width: Int) {
            self.height = height
            self.width = width
        }
    }

    /// The kernel's size.
    package var kernel: Extent
    /// The distance between windows.
    package var stride = Extent(height: 1, width: 1)
    /// The distance between taps.
    package var dilation = Extent(height: 1, width: 1)
    /// Padding above and to the left; not negative.
    package var leading = Extent(height: 0, width: 0)
    /// Padding below and to the right; not negative.
    package var trailing = Extent(height: 0, width: 0)

    /// Makes a window; everything but the kernel has ONNX's default.
    package init(
        kernel: Extent,
        stride: Extent = Extent(height: 1, width: 1),
        dilation: Extent = Extent(height: 1, width: 1),
        leading: Extent = Extent(height: 0, width: 0),
        trailing: Extent = Extent(height: 0, width: 0)
    ) {
        self.kernel = kernel
        self.stride = stride
        self.dilation = dilation
        self.leading = leading
        self.trailing = trailing
    }

    /// How many windows fit along each axis.
    ///
    /// - Parameters:
    ///   - inputSize: The image.
    ///   - roundsUp: ONNX `ceil_mode`: a last window that hangs over the edge counts, if it starts
    ///     inside the image or its leading padding.
    /// - Returns: The output's size, or `nil` if a size is out of its range, or the dilated kernel is
    ///   larger than the padded image.
    internal func outputSize(of inputSize: Extent, roundsUp: Bool = false) -> Extent? {
        guard
            let height = Self.outputCount(
                inputSize.height,
                kernel: kernel.height,
                stride: stride.height,
                dilation: dilation.height,
                leading: leading.height,
                trailing: trailing.height,
                roundsUp: roundsUp
            ),
            let width = Self.outputCount(
                inputSize.width,
                kernel: kernel.width,
                stride: stride.width,
                dilation: dilation.width,
                leading: leading.width,
                trailing: trailing.width,
                roundsUp: roundsUp
            )
        else { return nil }
        return Extent(height: height, width: width)
    }

    /// Far more than any image has, and small enough that sums and products of two don't overflow.
    private static let largestSize = 1 << 30

    private static func outputCount(
        _ input: Int,
        kernel: Int,
        stride: Int,
        dilation: Int,
        leading: Int,
        trailing: Int,
        roundsUp: Bool
    ) -> Int? {
        guard (0...largestSize).contains(input), (1...largestSize).contains(kernel),
            (1...largestSize).contains(stride), (1...largestSize).contains(dilation),
            (0...largestSize).contains(leading), (0...largestSize).contains(trailing)
        else { return nil }
        let rest = input + leading + trailing - ((kernel - 1) * dilation + 1)
        guard rest >= 0 else { return nil }
        let count = (roundsUp ? rest + stride - 1 : rest) / stride + 1
        let startsOutside = roundsUp && (count - 1) * stride >= input + leading
        return startsOutside ? count - 1 : count
    }
}
