/// What one axis of a transposed convolution computes at the outputs of one phase, as an ordinary
/// convolution with stride 1.
///
/// An output o sees the inputs i with i·stride + tap·dilation = o + leading. Outputs that are a stride apart see the
/// same taps, a phase's; for them i runs along with the output, and falls with the tap, so that the
/// phase's taps in reverse are a filter that slides over the input.
internal struct TransposedAxis {
    /// The first output, and how many there are, a stride apart.
    internal let firstOutput: Int
    internal let outputCount: Int
    /// The first tap, the distance of taps, and how many there are; perhaps none.
    internal let firstTap: Int
    internal let tapStep: Int
    internal let tapCount: Int
    /// How the filter of these taps slides.
    internal let dilation: Int
    internal let leading: Int
    internal let trailing: Int
    /// The outputs of the convolution before the first that counts.
    internal let skipCount: Int

    /// Works out the phase of the outputs whose first is `firstOutput`.
    internal init(
        firstOutput: Int,
        stride: Int,
        dilation: Int,
        kernel: Int,
        leading: Int,
        inputCount: Int,
        outputCount: Int
    ) {
        self.firstOutput = firstOutput
        self.outputCount = (outputCount - firstOutput + stride - 1) / stride
        var (common, rest) = (stride, dilation)
        while rest != 0 { (common, rest) = (rest, common % rest) }
        tapStep = stride / common
        self.dilation = dilation / common
        let place = firstOutput + leading
        // Taps beyond one round meet the same remainders again.
        let first = (0..<Swift.min(kernel, tapStep)).first {
            ($0 * dilation - place).isMultiple(of: stride)
        }
        guard let first else {
            (firstTap, tapCount, skipCount) = (0, 0, 0)
            (self.leading, trailing) = (0, 0)
            return
        }
        firstTap = first
        tapCount = (kernel - first + tapStep - 1) / tapStep
        let reach = (tapCount - 1) * self.dilation
        // The input that the first output sees through the first tap, which the filter has last.
        let before = reach - (place - first * dilation) / stride
        self.leading = Swift.max(before, 0)
        skipCount = Swift.max(-before, 0)
        trailing = Swift.max(
            skipCount + self.outputCount + reach - inputCount - self.leading,
            0
        )
    }
}
