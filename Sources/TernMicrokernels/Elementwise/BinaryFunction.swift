/// A function of two numbers that kernels apply to pairs of elements.
@usableFromInline package enum BinaryFunction: UInt8, CaseIterable, Sendable {
    /// x + y; integers wrap.
    case add
    /// x - y; integers wrap.
    case subtract
    /// x · y; integers wrap.
    case multiply
    /// x / y; integers truncate towards zero, and division by zero gives 0.
    case divide
    /// The smaller; NaN if either is NaN.
    case minimum
    /// The larger; NaN if either is NaN.
    case maximum
    /// x to the power y.
    case power
    /// The remainder with the sign of the divisor (Python's `%`); integer division by zero gives 0.
    case modulo
    /// The remainder with the sign of the dividend (C's `fmod`).
    case remainder
    /// x < 0 ? x·y : x, ONNX PRelu with the slope on the right.
    case prelu
    /// x & y; integers and BOOL only.
    case bitAnd
    /// x | y; integers and BOOL only.
    case bitOr
    /// x ^ y; integers and BOOL only.
    case bitXor
    /// x << y; unsigned integers only; 0 once y reaches the width.
    case shiftLeft
    /// x >> y; unsigned integers only; 0 once y reaches the width.
    case shiftRight
}

/// A comparison of two numbers; its result is one byte, 0 or 1.
///
/// Nothing but `notEqual` holds of NaN.
@usableFromInline package enum ComparisonFunction: UInt8, CaseIterable, Sendable {
    /// x == y
    case equal
    /// x != y
    case notEqual
    /// x < y
    case less
    /// x <= y
    case lessOrEqual
    /// x > y
    case greater
    /// x >= y
    case greaterOrEqual
}

/// A way to fold many numbers into one.
@usableFromInline package enum ReductionFunction: UInt8, CaseIterable, Sendable {
    /// Σx; 0 of nothing.
    case sum
    /// Σx / count; NaN of nothing.
    case mean
    /// The largest; NaN if any is NaN; the lowest value of the type (-∞) of nothing.
    case maximum
    /// The smallest; NaN if any is NaN; the highest value of the type (+∞) of nothing.
    case minimum
    /// Πx; 1 of nothing.
    case product
    /// Σ|x|
    case l1
    /// √Σx²
    case l2
    /// Σx²
    case sumOfSquares
    /// ln Σx
    case logSum
    /// ln Σeˣ, shifted by the maximum so that it does not overflow.
    case logSumExp
}
