package import TernMicrokernels
package import TernTensor

/// Folds along axes; the order of additions depends on the shape alone.
package enum Reduction {
    /// Folds the middle axis of [outer, axis, inner]; the result is [outer, inner].
    ///
    /// - Parameters:
    ///   - function: How.
    ///   - x: Dense input.
    ///   - y: Dense output.
    ///   - outer: The product of the axes before.
    ///   - axis: The length of the axis; 0 gives what ``ReductionFunction`` says of nothing.
    ///   - inner: The product of the axes after.
    ///   - elementType: The type of both.
    ///   - context: Where to run.
    /// - Returns: `false`, with nothing written, if the fold is not defined for the type.
    @discardableResult
    @unsafe package static func apply(
        _ function: ReductionFunction,
        _ x: UnsafeRawPointer,
        into y: UnsafeMutableRawPointer,
        outer: Int,
        axis: Int,
        inner: Int,
        elementType: ElementType,
        context: KernelContext
    ) -> Bool {
        // Appended: a literal would be an array first, on the heap.
        var shape = Shape()
        shape.append(outer)
        shape.append(axis)
        shape.append(inner)
        return unsafe apply(
            function,
            x,
            into: y,
            shape: shape,
            axes: 0b010,
            elementType: elementType,
            context: context
        )
    }

    /// Folds any set of axes of a dense tensor.
    ///
    /// FP32 vectorised; FP64, integers plain (sums and products wrap, means and logarithms truncate
    /// towards zero); FP16 and BF16 through FP32; BOOL for `maximum` and `minimum`. Neighbouring axes
    /// are merged first. Works without scratch memory whatever the axes.
    ///
    /// - Parameters:
    ///   - function: How.
    ///   - x: Dense input.
    ///   - y: Dense output, its axes the ones that are kept.
    ///   - shape: The shape of the input.
    ///   - axes: Bit i is set if axis i is folded; no bit folds single elements.
    ///   - elementType: The type of both.
    ///   - context: Where to run.
    /// - Returns: `false`, with nothing written, if the fold is not defined for the type.
    @discardableResult
    @unsafe package static func apply(
        _ function: ReductionFunction,
        _ x: UnsafeRawPointer,
        into y: UnsafeMutableRawPointer,
        shape: Shape,
        axes: UInt8,
        elementType: ElementType,
        context: KernelContext
    ) -> Bool {
        let geometry = FoldGeometry(shape: shape, axes: axes)
        switch elementType {
        case .fp32:
            unsafe FloatReduction.run(
                function,
                x.assumingMemoryBound(to: Float.self),
                y.assumingMemoryBound(to: Float.self),
                geometry,
                context
            )
        case .fp64:
            unsafe PlainReduction.floats(function, geometry, x, y, context) { (v: Double) in
                v
            } to: {
                $0
            }
        case .fp16:
            unsafe PlainReduction.floats(function, geometry, x, y, context) { (v: HalfBits) in
                v.float
            } to: {
                HalfBits(Double($0))
            }
        case .bf16:
            unsafe PlainReduction.floats(function, geometry, x, y, context) { (v: BFloatBits) in
                v.float
            } to: {
                BFloatBits($0)
            }
        case .int8: unsafe PlainReduction.integers(function, geometry, x, y, context, Int8.self)
        case .int16: unsafe PlainReduction.integers(function, geometry, x, y, context, Int16.self)
        case .int32: unsafe PlainReduction.integers(function, geometry, x, y, context, Int32.self)
        case .int64: unsafe PlainReduction.integers(function, geometry, x, y, context, Int64.self)
        case .uint8: unsafe PlainReduction.integers(function, geometry, x, y, context, UInt8.self)
        case .uint16:
            unsafe PlainReduction.integers(function, geometry, x, y, context, UInt16.self)
        case .uint32:
            unsafe PlainReduction.integers(function, geometry, x, y, context, UInt32.self)
        case .uint64:
            unsafe PlainReduction.integers(function, geometry, x, y, context, UInt64.self)
        case .bool:
            guard function == .maximum || function == .minimum else { return false }
            unsafe PlainReduction.integers(function, geometry, x, y, context, UInt8.self)
        case .bytes: return false
        }
        return true
    }

    /// The position of the largest (or smallest) along the middle axis.
    ///
    /// NaN counts as largest and as smallest, as in numpy.
    ///
    /// - Parameters:
    ///   - isMaximum: Whether the largest is wanted.
    ///   - x: [outer, axis, inner].
    ///   - y: [outer, inner].
    ///   - outer: The product of the axes before.
    ///   - axis: The length of the axis, at least 1 unless there is nothing to write.
    ///   - inner: The product of the axes after.
    ///   - takesLast: Whether the last of equals is taken instead of the first.
    ///   - elementType: The type of `x`.
    ///   - context: Where to run.
    /// - Returns: `false`, with nothing written, if the type has no order here.
    @discardableResult
    @unsafe package static func position(
        ofMaximum isMaximum: Bool,
        _ x: UnsafeRawPointer,
        into y: UnsafeMutablePointer<Int64>,
        outer: Int,
        axis: Int,
        inner: Int,
        takesLast: Bool = false,
        elementType: ElementType,
        context: KernelContext
    ) -> Bool {
        precondition(
            axis > 0 || outer == 0 || inner == 0,
            "an empty axis has no largest element"
        )
        let search = PositionSearch(
            isMaximum: isMaximum,
            takesLast: takesLast,
            outer: outer,
            axis: axis,
            inner: inner
        )
        switch elementType {
        case .fp32: unsafe search.run(x, y, context, isNaN: { $0.isNaN }) { (v: Float) in v }
        case .fp64: unsafe search.run(x, y, context, isNaN: { $0.isNaN }) { (v: Double) in v }
        case .fp16:
            unsafe search.run(x, y, context, isNaN: { $0.isNaN }) { (v: HalfBits) in v.float }
        case .bf16:
            unsafe search.run(x, y, context, isNaN: { $0.isNaN }) { (v: BFloatBits) in v.float }
        case .int8: unsafe search.run(x, y, context, isNaN: { _ in false }) { (v: Int8) in v }
        case .int16: unsafe search.run(x, y, context, isNaN: { _ in false }) { (v: Int16) in v }
        case .int32: unsafe search.run(x, y, context, isNaN: { _ in false }) { (v: Int32) in v }
        case .int64: unsafe search.run(x, y, context, isNaN: { _ in false }) { (v: Int64) in v }
        case .uint8: unsafe search.run(x, y, context, isNaN: { _ in false }) { (v: UInt8) in v }
        case .uint16: unsafe search.run(x, y, context, isNaN: { _ in false }) { (v: UInt16) in v }
        case .uint32: unsafe search.run(x, y, context, isNaN: { _ in false }) { (v: UInt32) in v }
        case .uint64: unsafe search.run(x, y, context, isNaN: { _ in false }) { (v: UInt64) in v }
        case .bool, .bytes: return false
        }
        return true
    }
}

/// The search behind ``Reduction/position(ofMaximum:_:into:outer:axis:inner:takesLast:elementType:context:)``.
private struct PositionSearch {
    let isMaximum: Bool
    let takesLast: Bool
    let outer: Int
    let axis: Int
    let inner: Int

    @unsafe func run<Element: BitwiseCopyable, Key: Comparable>(
        _ x: UnsafeRawPointer,
        _ y: UnsafeMutablePointer<Int64>,
        _ context: KernelContext,
        isNaN: (Key) -> Bool,
        key: (Element) -> Key
    ) {
        let source = unsafe x.assumingMemoryBound(to: Element.self)
        let cost = Double(axis) * 1.5 + 5
        context.forEach(
            outer * inner,
            grain: KernelContext.grain(nanosecondsPerPiece: cost),
            nanosecondsPerPiece: cost
        ) { range in
            for index in range {
                let start = index / inner * axis * inner + index % inner
                var best = unsafe key(source[start])
                var found = 0
                for i in 1..<Swift.max(axis, 1) {
                    let candidate = unsafe key(source[start + i * inner])
                    let wins: Bool
                    if isNaN(best) {
                        wins = takesLast && isNaN(candidate)
                    } else if isNaN(candidate) {
                        wins = true
                    } else if candidate == best {
                        wins = takesLast
                    } else {
                        wins = isMaximum ? candidate > best : candidate < best
                    }
                    if wins {
                        best = candidate
                        found = i
                    }
                }
                unsafe y[index] = Int64(found)
            }
        }
    }
}
