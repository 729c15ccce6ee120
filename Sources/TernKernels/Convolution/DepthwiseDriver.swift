internal import TernMicrokernels

/// Convolution where each output channel reads one input channel.
///
/// A row of outputs is computed at a time, tap by tap; padding is skipped.
internal enum DepthwiseDriver {
    @unsafe internal static func run(
        _ convolution: Convolution,
        _ input: UnsafePointer<Float>,
        _ filter: UnsafePointer<Float>,
        _ bias: UnsafePointer<Float>?,
        _ output: UnsafeMutablePointer<Float>,
        _ activation: UnaryOperation,
        _ context: KernelContext
    ) {
        let window = convolution.window
        let taps = window.kernel.height * window.kernel.width
        let filters = convolution.outputChannelCount
        let perGroup = filters / convolution.groupCount
        let inPlane = convolution.inputSize.height * convolution.inputSize.width
        let outPlane = convolution.outputSize.height * convolution.outputSize.width
        let cost = Double(outPlane * taps) * 0.3 + Double(convolution.outputSize.height * taps) * 5
        context.forEach(
            convolution.batchCount * filters,
            grain: KernelContext.grain(nanosecondsPerPiece: cost),
            nanosecondsPerPiece: cost
        ) { planes in
            for plane in planes {
                let (image, channel) = plane.quotientAndRemainder(dividingBy: filters)
                let source = image * convolution.inputChannelCount + channel / perGroup
                unsafe run(
                    convolution,
                    input + source * inPlane,
                    filter + channel * taps,
                    bias?[channel] ?? 0,
                    output + plane * outPlane,
                    activation,
                    context.table
                )
            }
        }
    }

    @unsafe private static func run(
        _ convolution: Convolution,
        _ x: UnsafePointer<Float>,
        _ weights: UnsafePointer<Float>,
        _ bias: Float,
        _ y: UnsafeMutablePointer<Float>,
        _ activation: UnaryOperation,
        _ table: KernelTable
    ) {
        let window = convolution.window
        let size = convolution.inputSize
        let width = convolution.outputSize.width
        for row in 0..<convolution.outputSize.height {
            let target = unsafe y + row * width
            for i in 0..<width { unsafe target[i] = 0 }
            for tapRow in 0..<window.kernel.height {
                let line =
                    row * window.stride.height + tapRow * window.dilation.height
                    - window.leading.height
                guard line >= 0, line < size.height else { continue }
                for tapColumn in 0..<window.kernel.width {
                    let offset = tapColumn * window.dilation.width - window.leading.width
                    let reach = Window.reach(
                        offset: offset,
                        stride: window.stride.width,
                        size: size.width,
                        count: width
                    )
                    guard !reach.isEmpty else { continue }
                    let first =
                        line * size.width + reach.lowerBound * window.stride.width + offset
                    unsafe table.foldColumns(
                        .multiplyAdd,
                        x + first,
                        window.stride.width,
                        weights[tapRow * window.kernel.width + tapColumn],
                        target + reach.lowerBound,
                        reach.count
                    )
                }
            }
            let shift = UnaryOperation(.affine, a: 1, b: bias)
            unsafe UnaryDriver.run(
                shift,
                UnsafePointer(target),
                into: target,
                count: width,
                table: table
            )
            if !activation.isIdentity {
                unsafe UnaryDriver.run(
                    activation,
                    UnsafePointer(target),
                    into: target,
                    count: width,
                    table: table
                )
            }
        }
    }
}
