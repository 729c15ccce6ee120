package import TernMicrokernels
package import TernTensor

/// Folds along axes. The order of additions depends on the shape alone.
package enum Reduction {
    /// Folds the middle axis of [outer, axis, inner]; the result is [outer, inner].
    ///
    /// FP32 vectorised; FP64, INT32, INT64, UINT32, UINT64, INT8, UINT8 plain (integers wrap, means
    /// truncate); FP16 and BF16 through FP32; BOOL for `maximum` and `minimum`.
    ///
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
    ) -> Bool { preconditionFailure() }

    /// Folds any set of axes of a dense tensor; `axes` has bit i set if axis i is folded.
    ///
    /// Neighbouring axes are merged; a set that remains in one piece costs one pass, otherwise each
    /// output walks its elements with strides.
    ///
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
    ) -> Bool { preconditionFailure() }

    /// The position of the largest (or smallest) along the middle axis; NaN counts as largest and
    /// smallest, as in numpy. An empty axis is not allowed.
    ///
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
    ) -> Bool { preconditionFailure() }
}
