package import TernMicrokernels
package import TernTensor

/// Functions of single elements. An output may be the same memory as an input of the same element
/// size that is not broadcast; other overlaps are not allowed.
///
/// Each function returns `false`, with nothing written, if it is not defined for the element type.
package enum Elementwise {
    /// y = f(x) for 32-bit floats.
    @unsafe package static func apply(
        _ operation: UnaryOperation,
        _ x: UnsafePointer<Float>,
        into y: UnsafeMutablePointer<Float>,
        count: Int,
        context: KernelContext
    ) { preconditionFailure() }

    /// y = f(x) for any type: FP64 in double precision, FP16 and BF16 through FP32 with one
    /// rounding, integers for `absolute`, `negative`, `sign`, `relu`, `clamp`, `square`,
    /// `identity` and the roundings.
    @discardableResult
    @unsafe package static func apply(
        _ operation: UnaryOperation,
        _ x: UnsafeRawPointer,
        into y: UnsafeMutableRawPointer,
        count: Int,
        elementType: ElementType,
        context: KernelContext
    ) -> Bool { preconditionFailure() }

    /// z = f(x, y), broadcast.
    @discardableResult
    @unsafe package static func apply(
        _ function: BinaryFunction,
        _ x: UnsafeRawPointer,
        _ y: UnsafeRawPointer,
        into z: UnsafeMutableRawPointer,
        broadcast: Broadcast,
        elementType: ElementType,
        context: KernelContext
    ) -> Bool { preconditionFailure() }

    /// z = x ? y, one byte each (BOOL), broadcast; BOOL itself for `equal` and `notEqual` only.
    @discardableResult
    @unsafe package static func compare(
        _ function: ComparisonFunction,
        _ x: UnsafeRawPointer,
        _ y: UnsafeRawPointer,
        into z: UnsafeMutablePointer<UInt8>,
        broadcast: Broadcast,
        elementType: ElementType,
        context: KernelContext
    ) -> Bool { preconditionFailure() }

    /// z = condition ? x : y, broadcast in the order (condition, x, y); any type of fixed size.
    @discardableResult
    @unsafe package static func select(
        _ condition: UnsafePointer<UInt8>,
        _ x: UnsafeRawPointer,
        _ y: UnsafeRawPointer,
        into z: UnsafeMutableRawPointer,
        broadcast: Broadcast,
        elementType: ElementType,
        context: KernelContext
    ) -> Bool { preconditionFailure() }

    /// y = 1 - x for BOOL.
    @unsafe package static func not(
        _ x: UnsafePointer<UInt8>,
        into y: UnsafeMutablePointer<UInt8>,
        count: Int
    ) { preconditionFailure() }

    /// Whether each float is NaN (`isNaN`), or infinite with an admitted sign (`isInfinite`).
    @discardableResult
    @unsafe package static func isNaN(
        _ x: UnsafeRawPointer,
        into y: UnsafeMutablePointer<UInt8>,
        count: Int,
        elementType: ElementType
    ) -> Bool { preconditionFailure() }

    /// Whether each float is +∞ (if `positive`) or -∞ (if `negative`).
    @discardableResult
    @unsafe package static func isInfinite(
        _ x: UnsafeRawPointer,
        into y: UnsafeMutablePointer<UInt8>,
        count: Int,
        elementType: ElementType,
        positive: Bool = true,
        negative: Bool = true
    ) -> Bool { preconditionFailure() }

    /// Converts between element types by ONNX Cast's rules.
    ///
    /// Floats to integers truncate towards zero, and saturate where C leaves the result undefined
    /// (NaN gives 0); integers to narrower integers keep the low bits; anything not zero is `true`;
    /// floats to narrower floats round to nearest, ties to even.
    @discardableResult
    @unsafe package static func cast(
        _ x: UnsafeRawPointer,
        of source: ElementType,
        into y: UnsafeMutableRawPointer,
        of target: ElementType,
        count: Int,
        context: KernelContext
    ) -> Bool { preconditionFailure() }
}
