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

        /// With the axes exchanged.
        package var transposed: Extent { Extent(height: width, width: height) }
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

    /// With the axes exchanged.
    package var transposed: Window {
        Window(
            kernel: kernel.transposed,
            stride: stride.transposed,
            dilation: dilation.transposed,
            leading: leading.transposed,
            trailing: trailing.transposed
        )
    }

    /// Whether it reaches over one column only, and no padding stands beside it.
    package var isColumn: Bool { kernel.width == 1 && leading.width == 0 && trailing.width == 0 }

    /// The kernel's size with its gaps.
    internal var span: Extent {
        Extent(
            height: (kernel.height - 1) * dilation.height + 1,
            width: (kernel.width - 1) * dilation.width + 1
        )
    }

    /// Whether every number is one that a window can have.
    internal var isValid: Bool {
        kernel.height >= 1 && kernel.width >= 1 && stride.height >= 1 && stride.width >= 1
            && dilation.height >= 1 && dilation.width >= 1 && leading.height >= 0
            && leading.width >= 0 && trailing.height >= 0 && trailing.width >= 0
            && kernel.height <= Self.limit && kernel.width <= Self.limit
            && stride.height <= Self.limit && stride.width <= Self.limit
            && dilation.height <= Self.limit && dilation.width <= Self.limit
            && leading.height <= Self.limit && leading.width <= Self.limit
            && trailing.height <= Self.limit && trailing.width <= Self.limit
    }

    /// Products of two numbers within it don't overflow.
    private static let limit = 1 << 30

    /// How many windows fit along each axis; `nil` if the window is larger than the padded input.
    ///
    /// - Parameters:
    ///   - input: The size of the image.
    ///   - roundsUp: Whether a last window that hangs over the edge counts.
    /// - Returns: The number of windows, down and across.
    internal func outputSize(input: Extent, roundsUp: Bool = false) -> Extent? {
        guard
            let height = Self.count(
                input.height,
                span.height,
                stride.height,
                leading.height,
                trailing.height,
                roundsUp
            ),
            let width = Self.count(
                input.width,
                span.width,
                stride.width,
                leading.width,
                trailing.width,
                roundsUp
            )
        else { return nil }
        return Extent(height: height, width: width)
    }

    private static func count(
        _ input: Int,
        _ span: Int,
        _ stride: Int,
        _ leading: Int,
        _ trailing: Int,
        _ roundsUp: Bool
    ) -> Int? {
        let room = input + leading + trailing - span
        guard room >= 0 else { return nil }
        guard roundsUp else { return room / stride + 1 }
        let count = (room + stride - 1) / stride + 1
        // A window that would start in the trailing padding doesn't count.
        return (count - 1) * stride >= input + leading ? count - 1 : count
    }

    /// The outputs, of `count` along one axis, whose tap at `offset` is inside an input of `size`.
    ///
    /// - Parameters:
    ///   - offset: Where the tap of output 0 is; may be negative.
    ///   - stride: How far the tap moves per output.
    ///   - size: The length of the input.
    ///   - count: The number of outputs.
    /// - Returns: A range within `0..<count`, perhaps empty.
    internal static func reach(offset: Int, stride: Int, size: Int, count: Int) -> Range<Int> {
        let first = offset >= 0 ? 0 : (stride - 1 - offset) / stride
        let end = size <= offset ? 0 : (size - offset + stride - 1) / stride
        let lower = Swift.min(first, count)
        return lower..<Swift.max(lower, Swift.min(end, count))
    }
}
