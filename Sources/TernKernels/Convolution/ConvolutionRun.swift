package import TernMicrokernels

/// What happens to each output after its sum, in this order: bias, residual, activation.
@safe package struct ConvolutionEpilogue {
    /// B [M].
    package var bias: UnsafePointer<Float>?
    /// As large as the output; read after the sums are written, so that it may not overlap the output.
    package var residual: UnsafePointer<Float>?
    /// What is applied last.
    package var activation: UnaryOperation

    /// Makes an epilogue; the default does nothing.
    @unsafe package init(
        bias: UnsafePointer<Float>? = nil,
        residual: UnsafePointer<Float>? = nil,
        activation: UnaryOperation = .identity
    ) {
        unsafe self.bias = unsafe bias
        unsafe self.residual = unsafe residual
        self.activation = activation
    }
}

/// One call of a convolution: its geometry, its operands, and where it runs.
@safe internal struct ConvolutionRun {
    internal let convolution: Convolution
    internal let input: UnsafePointer<Float>
    internal let output: UnsafeMutablePointer<Float>
    internal let epilogue: ConvolutionEpilogue
    internal let context: KernelContext
    /// Bounds that kernels apply to a sum and its bias.
    internal let lower: Float
    internal let upper: Float
    /// What is left to do after the bounds.
    private let rest: UnaryOperation

    @unsafe internal init(
        _ convolution: Convolution,
        _ input: UnsafePointer<Float>,
        _ output: UnsafeMutablePointer<Float>,
        _ epilogue: ConvolutionEpilogue,
        _ context: KernelContext
    ) {
        self.convolution = convolution
        unsafe self.input = unsafe input
        unsafe self.output = unsafe output
        self.epilogue = epilogue
        self.context = context
        var bounds: (lower: Float, upper: Float) = (-.infinity, .infinity)
        var rest = epilogue.activation
        if unsafe epilogue.residual == nil {
            switch rest.function {
            case .relu:
                bounds.lower = 0
                rest = .identity
            case .clamp:
                bounds = (rest.a, rest.b)
                rest = .identity
            default: break
            }
        }
        (lower, upper) = bounds
        self.rest = rest
    }

    internal var table: KernelTable { context.table }
    internal var channels: Int { convolution.inputChannelCount / convolution.groupCount }
    internal var filters: Int { convolution.outputChannelCount / convolution.groupCount }
    internal var inputPlane: Int { convolution.inputSize.height * convolution.inputSize.width }
    internal var outputPlane: Int { convolution.outputSize.height * convolution.outputSize.width }
    internal var tapCount: Int {
        convolution.window.kernel.height * convolution.window.kernel.width
    }

    /// The bias of output channel `channel` and those after it.
    @unsafe internal func bias(from channel: Int) -> UnsafePointer<Float>? {
        unsafe epilogue.bias.map { unsafe $0 + channel }
    }

    /// The first plane of an image's group.
    @unsafe internal func planes(image: Int, group: Int) -> UnsafePointer<Float> {
        unsafe input + (image * convolution.inputChannelCount + group * channels) * inputPlane
    }

    /// Where the first output plane of an image's group begins.
    internal func outputOffset(image: Int, group: Int) -> Int {
        (image * convolution.outputChannelCount + group * filters) * outputPlane
    }

    /// Does what kernels left undone to `count` outputs from `offset` on, in each of `rows` planes.
    internal func finish(offset: Int, count: Int, rows: Int) {
        guard unsafe epilogue.residual != nil || !rest.isIdentity else { return }
        for row in 0..<rows {
            let start = offset + row * outputPlane
            let target = unsafe output + start
            if let residual = unsafe epilogue.residual {
                let source = unsafe UnsafePointer(target)
                _ = unsafe table.binary(.add, .arrays, source, residual + start, target, count)
            }
            guard !rest.isIdentity else { continue }
            unsafe UnaryDriver.run(
                rest,
                UnsafePointer(target),
                into: target,
                count: count,
                table: table
            )
        }
    }

    /// Deals pieces out in parts, each with memory of its own.
    ///
    /// - Parameters:
    ///   - count: How many pieces there are.
    ///   - nanoseconds: What all of them take on one thread, roughly.
    ///   - memory: Parts of `partByteCount` each, ``Convolution/partLimit(_:)`` of them.
    ///   - partByteCount: A multiple of a cache line.
    ///   - body: Computes a range of pieces, in order, with the part's memory.
    @unsafe internal func forEach(
        _ count: Int,
        nanoseconds: Double,
        memory: UnsafeMutableRawPointer,
        partByteCount: Int,
        _ body: (Range<Int>, UnsafeMutableRawPointer) -> Void
    ) {
        let partCount = Swift.min(count, context.scratchPartLimit)
        guard partCount > 0 else { return }
        context.forEach(partCount, nanosecondsPerPiece: nanoseconds / Double(partCount)) { parts in
            for part in parts {
                let own = unsafe memory + part * partByteCount
                let pieces = part * count / partCount..<(part + 1) * count / partCount
                unsafe body(pieces, own)
            }
        }
    }
}
