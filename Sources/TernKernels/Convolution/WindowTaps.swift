/// The taps of one window along one axis that lie inside the image, from the first to the last.
internal struct WindowTaps: Sequence, IteratorProtocol {
    private var position: Int
    private let step: Int
    private var rest: Int

    /// The taps inside the image.
    internal let count: Int
    /// The taps inside the padded image.
    internal let paddedCount: Int
    /// The position of the first tap of the kernel that is inside, counted from 0.
    internal let firstTap: Int

    /// The taps of the window at `output`.
    internal init(
        output: Int,
        inputCount: Int,
        kernel: Int,
        stride: Int,
        dilation: Int,
        leading: Int,
        trailing: Int
    ) {
        let start = output * stride - leading
        func tapsBefore(_ end: Int) -> Int {
            Swift.max(0, Swift.min(kernel, (end - start + dilation - 1) / dilation))
        }
        firstTap = start >= 0 ? 0 : Swift.min(kernel, (dilation - 1 - start) / dilation)
        count = Swift.max(0, tapsBefore(inputCount) - firstTap)
        paddedCount = tapsBefore(inputCount + trailing)
        position = start + firstTap * dilation
        step = dilation
        rest = count
    }

    /// The taps down the rows.
    internal static func down(
        _ window: Window,
        output: Int,
        inputSize: Window.Extent
    ) -> WindowTaps {
        WindowTaps(
            output: output,
            inputCount: inputSize.height,
            kernel: window.kernel.height,
            stride: window.stride.height,
            dilation: window.dilation.height,
            leading: window.leading.height,
            trailing: window.trailing.height
        )
    }

    /// The taps across a row.
    internal static func across(
        _ window: Window,
        output: Int,
        inputSize: Window.Extent
    ) -> WindowTaps {
        WindowTaps(
            output: output,
            inputCount: inputSize.width,
            kernel: window.kernel.width,
            stride: window.stride.width,
            dilation: window.dilation.width,
            leading: window.leading.width,
            trailing: window.trailing.width
        )
    }

    internal mutating func next() -> Int? {
        guard rest > 0 else { return nil }
        rest -= 1
        defer { position += step }
        return position
    }
}
