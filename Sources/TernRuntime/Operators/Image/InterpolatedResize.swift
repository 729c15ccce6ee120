import TernGraph
import TernKernels
import TernTensor

/// Resizing by weighing neighbours, axis after axis.
struct InterpolatedResize<Real: RealElement>: Sendable {
    private let passes: [Pass]
    private let inputCount: Int
    private let outputCount: Int
    private let extrapolationValue: Real
    /// Two pieces of memory that the passes use in turn.
    private let offsets: [Int]
    private let innerCount: Int
    private let layout: ScratchLayout

    /// One axis, as [outer, axis, inner].
    private struct Pass: Sendable {
        let axis: ResizedAxis
        let outer: Int
        let inner: Int
        let weights: [Real]
    }

    init(
        _ axes: [ResizedAxis],
        _ input: Shape,
        _ attributes: ResizeAttributes,
        _ layout: ScratchLayout
    ) throws(OperatorError) {
        var layout = layout
        var shape = input
        var largest = 0
        var passes: [Pass] = []
        for (index, axis) in axes.enumerated() where !axis.isIdentity {
            passes.append(
                Pass(
                    axis: axis,
                    outer: shape.prefix(index).reduce(1, *),
                    inner: shape.dropFirst(index + 1).reduce(1, *),
                    weights: axis.weights.map { Real($0) }
                )
            )
            shape[index] = axis.outputSize
            guard shape.isBounded else {
                throw OperatorError("an image of \(shape) on the way is too large")
            }
            largest = max(largest, shape.elementCount)
        }
        self.passes = passes
        inputCount = input.elementCount
        outputCount = shape.elementCount
        innerCount = passes.count > 1 ? largest : 0
        offsets = [
            try layout.reserve(innerCount, of: Real.self),
            try layout.reserve(passes.count > 2 ? innerCount : 0, of: Real.self),
        ]
        extrapolationValue = Real(attributes.extrapolationValue)
        self.layout = layout
    }

    var scratchByteCount: Int { layout.byteCount }

    /// Runs all passes.
    func run(
        _ frame: borrowing KernelFrame,
        from source: Span<Real>,
        into target: inout MutableSpan<Real>
    ) {
        guard let last = passes.last else {
            for index in target.indices { target[index] = source[index] }
            return
        }
        for (number, pass) in passes.enumerated().dropLast() {
            var next = frame.scratchElements(
                at: offsets[number % 2],
                count: innerCount,
                as: Real.self
            )
            if number == 0 {
                apply(pass, from: source, into: &next)
            } else {
                let previous = frame.scratchElements(
                    at: offsets[(number + 1) % 2],
                    count: innerCount,
                    as: Real.self
                )
                apply(pass, from: previous.span, into: &next)
            }
        }
        guard passes.count > 1 else {
            apply(last, from: source, into: &target)
            return
        }
        let previous = frame.scratchElements(
            at: offsets[passes.count % 2],
            count: innerCount,
            as: Real.self
        )
        apply(last, from: previous.span, into: &target)
    }

    private func apply(
        _ pass: Pass,
        from source: Span<Real>,
        into target: inout MutableSpan<Real>
    ) {
        let (axis, inner) = (pass.axis, pass.inner)
        for block in 0..<pass.outer {
            let start = block * axis.size * inner
            for place in 0..<axis.outputSize {
                let row = (block * axis.outputSize + place) * inner
                if !axis.isOutside.isEmpty, axis.isOutside[place] {
                    for column in 0..<inner { target[row + column] = extrapolationValue }
                    continue
                }
                for column in 0..<inner { target[row + column] = 0 }
                for tap in 0..<axis.tapCount {
                    let index = place * axis.tapCount + tap
                    let weight = pass.weights[index]
                    let from = start + axis.places[index] * inner
                    // A weight of nothing must not spread an infinity.
                    guard weight != 0 else { continue }
                    for column in 0..<inner {
                        target[row + column] += weight * source[from + column]
                    }
                }
            }
        }
    }
}

extension InterpolatedResize<Float> {
    /// The kernel for any type of numbers: doubles are weighed as they are, all others as floats.
    static func kernel(
        _ context: NodeContext,
        _ axes: [ResizedAxis],
        _ attributes: ResizeAttributes
    ) throws(OperatorError) -> Kernel {
        let (input, output) = (try context.input(0), try context.output())
        switch input.elementType {
        case .fp64:
            let resize = try InterpolatedResize<Double>(
                axes,
                input.shape,
                attributes,
                ScratchLayout()
            )
            return Kernel(scratchByteCount: resize.scratchByteCount) {
                (frame) throws(OperatorError) in
                var target = frame.mutableElements(ofOutput: 0, as: Double.self)
                resize.run(
                    frame,
                    from: frame.elements(ofInput: 0, as: Double.self),
                    into: &target
                )
            }
        case .fp32:
            let resize = try InterpolatedResize(axes, input.shape, attributes, ScratchLayout())
            return Kernel(scratchByteCount: resize.scratchByteCount) {
                (frame) throws(OperatorError) in
                var target = frame.mutableElements(ofOutput: 0, as: Float.self)
                resize.run(
                    frame,
                    from: frame.elements(ofInput: 0, as: Float.self),
                    into: &target
                )
            }
        default: return try converting(input, output, axes, attributes)
        }
    }

    /// Widens the input into scratch memory, and converts the result back.
    private static func converting(
        _ input: Operand,
        _ output: Operand,
        _ axes: [ResizedAxis],
        _ attributes: ResizeAttributes
    ) throws(OperatorError) -> Kernel {
        var layout = ScratchLayout()
        let (inputCount, outputCount) = (input.elementCount, output.elementCount)
        let source = try layout.reserve(inputCount, of: Float.self)
        let target = try layout.reserve(outputCount, of: Float.self)
        let resize = try InterpolatedResize(axes, input.shape, attributes, layout)
        let type = input.elementType
        return Kernel(scratchByteCount: resize.scratchByteCount) {
            (frame) throws(OperatorError) in
            guard let scratch = unsafe frame.scratch.baseAddress else { return }
            // SAFETY: both pieces are as long as their tensors.
            unsafe Elementwise.cast(
                frame.rawInput(0),
                of: type,
                into: scratch + source,
                of: .fp32,
                count: inputCount,
                context: frame.context
            )
            let wide = frame.scratchElements(at: source, count: inputCount, as: Float.self)
            var result = frame.scratchElements(at: target, count: outputCount, as: Float.self)
            resize.run(frame, from: wide.span, into: &result)
            unsafe Elementwise.cast(
                UnsafeRawPointer(scratch + target),
                of: .fp32,
                into: frame.rawOutput(0),
                of: type,
                count: outputCount,
                context: frame.context
            )
        }
    }
}
