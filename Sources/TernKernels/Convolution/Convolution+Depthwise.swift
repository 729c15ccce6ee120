internal import TernMicrokernels

extension Convolution {
    /// Convolves each channel with a filter of its own, straight from the image: there is nothing
    /// that a matrix product could share.
    @unsafe internal func runDepthwise(
        _ input: UnsafePointer<Float>,
        filter: UnsafePointer<Float>,
        bias: UnsafePointer<Float>?,
        into output: UnsafeMutablePointer<Float>,
        activation: UnaryOperation,
        context: KernelContext
    ) {
        let inputPlane = inputSize.height * inputSize.width
        context.forEach(
            batchCount * outputChannelCount,
            nanosecondsPerPiece: Double(outputPlaneCount) * Double(depth) * 0.5
        ) { planes in
            for plane in planes {
                let channel = plane % outputChannelCount
                let target = unsafe output + plane * outputPlaneCount
                for row in 0..<outputSize.height {
                    let line = unsafe target + row * outputSize.width
                    unsafe line.update(
                        repeating: bias?[channel] ?? 0,
                        count: outputSize.width
                    )
                    unsafe accumulate(
                        input + plane * inputPlane,
                        filter: filter + channel * depth,
                        outputRow: row,
                        into: line
                    )
                }
                guard !activation.isIdentity else { continue }
                unsafe UnaryDriver.run(
                    activation,
                    UnsafePointer(target),
                    into: target,
                    count: outputPlaneCount,
                    table: context.table
                )
            }
        }
    }

    /// Adds every tap that lies inside the image to one row of outputs, tap by tap.
    @unsafe private func accumulate(
        _ image: UnsafePointer<Float>,
        filter: UnsafePointer<Float>,
        outputRow: Int,
        into line: UnsafeMutablePointer<Float>
    ) {
        let stride = window.stride.width
        let rows = WindowTaps.down(window, output: outputRow, inputSize: inputSize)
        var kernelRow = rows.firstTap
        for row in rows {
            let source = unsafe image + row * inputSize.width
            for kernelColumn in 0..<window.kernel.width {
                let weight = unsafe filter[kernelRow * window.kernel.width + kernelColumn]
                let shift = kernelColumn * window.dilation.width - window.leading.width
                let begin = shift >= 0 ? 0 : (stride - 1 - shift) / stride
                let end = Swift.min(
                    outputSize.width,
                    (inputSize.width - shift + stride - 1) / stride
                )
                var column = begin
                while column < end {
                    unsafe line[column] += weight * source[column &* stride &+ shift]
                    column &+= 1
                }
            }
            kernelRow += 1
        }
    }
}
