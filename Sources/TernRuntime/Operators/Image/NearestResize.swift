import TernGraph
import TernTensor

/// Resizing by copying the nearest element, for every element type.
struct NearestResize: Sendable {
    private let axes: [ResizedAxis]
    private let strides: [Int]
    private let outputShape: Shape
    private let width: Int
    /// The bytes of what stands for elements outside the input.
    private let outside: [UInt8]

    init(
        _ axes: [ResizedAxis],
        _ input: Operand,
        _ output: Operand,
        _ attributes: ResizeAttributes
    ) throws(OperatorError) {
        self.axes = axes
        strides = input.shape.strides
        outputShape = output.shape
        width = input.elementType.width
        guard axes.contains(where: { !$0.isOutside.isEmpty }) else {
            outside = []
            return
        }
        outside = try CastOperators.bytes(
            of: attributes.extrapolationValue,
            as: input.elementType
        )
    }

    func kernel() -> Kernel {
        let resize = self
        return Kernel { (frame) throws(OperatorError) in
            _ = unsafe resize.copy(
                frame.rawInput(0),
                into: frame.rawOutput(0),
                axis: 0,
                isOutside: false
            )
        }
    }

    /// Writes one axis and gives the end of what it wrote.
    @unsafe private func copy(
        _ source: UnsafeRawPointer,
        into start: UnsafeMutableRawPointer,
        axis: Int,
        isOutside: Bool
    ) -> UnsafeMutableRawPointer {
        guard axis < axes.count else {
            // SAFETY: every place was clamped to its axis.
            unsafe isOutside
                ? outside.withUnsafeBytes {
                    unsafe start.copyMemory(from: $0.baseAddress!, byteCount: width)
                }
                : start.copyMemory(from: source, byteCount: width)
            return unsafe start + width
        }
        let resized = axes[axis]
        var target = unsafe start
        let step = strides[axis] * width
        let isLast = axis == axes.count - 1
        if isLast, resized.isOutside.isEmpty, !isOutside, width == 4 {
            let from = unsafe source.assumingMemoryBound(to: UInt32.self)
            let to = unsafe target.assumingMemoryBound(to: UInt32.self)
            if resized.isIdentity {
                unsafe to.update(from: from, count: resized.outputSize)
            } else {
                for index in 0..<resized.outputSize {
                    unsafe to[index] = from[resized.places[index]]
                }
            }
            return unsafe target + 4 * resized.outputSize
        }
        for index in 0..<resized.outputSize {
            let place = resized.isIdentity ? index : resized.places[index]
            let isBeyond = isOutside || (!resized.isOutside.isEmpty && resized.isOutside[index])
            if index > 0, !isLast, !isBeyond, !resized.isIdentity,
                resized.isOutside.isEmpty, place == resized.places[index - 1]
            {
                // The same rows once more.
                let byteCount = outputShape.dropFirst(axis + 1).reduce(width, *)
                unsafe target.copyMemory(from: target - byteCount, byteCount: byteCount)
                unsafe target += byteCount
                continue
            }
            unsafe target = copy(
                source + place * step,
                into: target,
                axis: axis + 1,
                isOutside: isBeyond
            )
        }
        return unsafe target
    }
}
