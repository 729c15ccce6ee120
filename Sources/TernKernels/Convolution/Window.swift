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
}
