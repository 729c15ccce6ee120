internal import TernMicrokernels

/// Quantisation of tensors by scales and zero points, and back.
///
/// Element i of a tensor `[outer, axis, inner]` has the scale and zero point of its position on the
/// axis. Allocates nothing.
@safe package struct LinearQuantization {
    /// The product of the axes before the one that has scales.
    package let outerCount: Int
    /// The length of that axis; 1 if the tensor has one scale.
    package let axisCount: Int
    /// The product of the axes after it.
    package let innerCount: Int

    /// Describes a tensor.
    package init(outerCount: Int, axisCount: Int, innerCount: Int) {
        precondition(
            outerCount >= 0 && axisCount >= 0 && innerCount >= 0,
            "a tensor cannot have a negative size"
        )
        self.outerCount = outerCount
        self.axisCount = axisCount
        self.innerCount = innerCount
    }

    /// y = saturate(roundToEven(x / scale) + zero); NaN becomes the least byte.
    ///
    /// - Parameters:
    ///   - x: Floats.
    ///   - scales: One per position on the axis.
    ///   - zeros: One per position on the axis.
    ///   - isSigned: Whether the bytes are signed.
    ///   - y: Bytes.
    ///   - context: Where to run.
    @unsafe package func quantize(
        _ x: UnsafePointer<Float>,
        scales: UnsafePointer<Float>,
        zeros: UnsafePointer<Int32>,
        isSigned: Bool,
        into y: UnsafeMutableRawPointer,
        context: KernelContext
    ) {
        let run = unsafe context.table.quantized.quantize
        let target = unsafe y.assumingMemoryBound(to: UInt8.self)
        forEachRun(context) { start, count, position, isUniform in
            unsafe run(
                x + start,
                count,
                scales + position,
                zeros + position,
                isUniform,
                isSigned,
                target + start
            )
        }
    }

    /// y = float(q - zero)·scale for bytes.
    ///
    /// - Parameters:
    ///   - q: Bytes.
    ///   - scales: One per position on the axis.
    ///   - zeros: One per position on the axis.
    ///   - isSigned: Whether the bytes are signed.
    ///   - y: Floats.
    ///   - context: Where to run.
    @unsafe package func dequantize(
        _ q: UnsafeRawPointer,
        scales: UnsafePointer<Float>,
        zeros: UnsafePointer<Int32>,
        isSigned: Bool,
        into y: UnsafeMutablePointer<Float>,
        context: KernelContext
    ) {
        let run = unsafe context.table.quantized.dequantize
        let source = unsafe q.assumingMemoryBound(to: UInt8.self)
        forEachRun(context) { start, count, position, isUniform in
            unsafe run(
                source + start,
                count,
                scales + position,
                zeros + position,
                isUniform,
                isSigned,
                y + start
            )
        }
    }

    /// y = float(q - zero)·scale for 32-bit integers.
    ///
    /// - Parameters:
    ///   - q: Integers.
    ///   - scales: One per position on the axis.
    ///   - zeros: One per position on the axis.
    ///   - y: Floats.
    ///   - context: Where to run.
    @unsafe package func dequantize(
        integers q: UnsafePointer<Int32>,
        scales: UnsafePointer<Float>,
        zeros: UnsafePointer<Int32>,
        into y: UnsafeMutablePointer<Float>,
        context: KernelContext
    ) {
        let run = unsafe context.table.quantized.dequantizeIntegers
        forEachRun(context) { start, count, position, isUniform in
            unsafe run(
                q + start,
                count,
                scales + position,
                zeros + position,
                isUniform,
                y + start
            )
        }
    }

    /// Calls `body` with runs of elements: (first element, count, first position on the axis, whether
    /// that position's scale stands for all).
    private func forEachRun(_ context: KernelContext, _ body: (Int, Int, Int, Bool) -> Void) {
        guard axisCount > 0, innerCount > 0 else { return }
        if axisCount == 1 {
            let part = 4096
            let count = outerCount * innerCount
            context.forEach(
                (count + part - 1) / part,
                nanosecondsPerPiece: Double(part) * 0.2
            ) { range in
                let first = range.lowerBound * part
                body(first, Swift.min(range.upperBound * part, count) - first, 0, true)
            }
            return
        }
        // Where the axis is the last, its scales lie as the elements do.
        let (runs, length) = innerCount == 1 ? (1, axisCount) : (axisCount, innerCount)
        let cost = Double(length) * 0.2
        context.forEach(
            outerCount * runs,
            grain: KernelContext.grain(nanosecondsPerPiece: cost),
            nanosecondsPerPiece: cost
        ) { range in
            for run in range {
                body(run * length, length, innerCount == 1 ? 0 : run % axisCount, innerCount != 1)
            }
        }
    }

    /// The scale and zero point that ONNX's DynamicQuantizeLinear gives a tensor for bytes 0...255.
    ///
    /// The range is that of the elements, widened to hold 0; NaN is passed over. A range that is empty
    /// gives the scale 1, so that all elements become the zero point.
    ///
    /// - Parameters:
    ///   - x: Floats.
    ///   - count: How many.
    ///   - context: Where to run.
    /// - Returns: The scale, and the byte that means zero.
    @unsafe package static func dynamicRange(
        _ x: UnsafePointer<Float>,
        count: Int,
        context: KernelContext
    ) -> (scale: Float, zeroPoint: UInt8) {
        var range: InlineArray<2, Float> = [0, 0]
        unsafe withUnsafeMutablePointer(to: &range) {
            unsafe context.table.quantized.extremes(
                x,
                count,
                UnsafeMutableRawPointer($0).assumingMemoryBound(to: Float.self)
            )
        }
        let scale = (range[1] - range[0]) / 255
        guard scale > 0 else { return (1, 0) }
        let zero = (0 - range[0] / scale).rounded(.toNearestOrEven)
        guard zero > 0 else { return (scale, 0) }
        return (scale, UInt8(Swift.min(zero, 255)))
    }
}
