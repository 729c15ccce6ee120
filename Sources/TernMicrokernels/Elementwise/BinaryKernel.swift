/// How a row of pairs is laid out: which side, if any, is one number for the whole row.
@frozen
@usableFromInline package enum BinaryOperands: UInt8, CaseIterable, Sendable {
    /// Both sides are arrays.
    case arrays
    /// The left side is one number.
    case leftScalar
    /// The right side is one number.
    case rightScalar
}

/// z[i] = f(x[i], y[i]) for the functions that have vector code; `z` may be `x` or `y`.
///
/// Scalar twin: `ScalarTwin.binary` in the tests.
@usableFromInline
internal enum BinaryKernel<I: InstructionSet> {
    @usableFromInline internal typealias Math = VectorMath<I>

    @inlinable
    @inline(__always)
    internal static func map(
        _ operands: BinaryOperands,
        _ x: UnsafePointer<Float>,
        _ y: UnsafePointer<Float>,
        _ z: UnsafeMutablePointer<Float>,
        _ count: Int,
        _ function: (I.Floats, I.Floats) -> I.Floats
    ) {
        let xScalar = unsafe I.broadcast(operands == .leftScalar ? x.pointee : 0)
        let yScalar = unsafe I.broadcast(operands == .rightScalar ? y.pointee : 0)
        var i = 0
        while count &- i >= I.laneCount {
            let left = unsafe operands == .leftScalar ? xScalar : I.load(x + i)
            let right = unsafe operands == .rightScalar ? yScalar : I.load(y + i)
            unsafe I.store(function(left, right), z + i)
            i &+= I.laneCount
        }
        if i < count {
            let rest = count &- i
            let left = unsafe operands == .leftScalar ? xScalar : I.load(x + i, count: rest)
            let right = unsafe operands == .rightScalar ? yScalar : I.load(y + i, count: rest)
            unsafe I.store(function(left, right), z + i, count: rest)
        }
    }

    /// Applies a function.
    ///
    /// - Returns: Whether the function has vector code; otherwise nothing was written.
    @inlinable
    @inline(__always)
    internal static func run(
        _ function: BinaryFunction,
        _ operands: BinaryOperands,
        _ x: UnsafePointer<Float>,
        _ y: UnsafePointer<Float>,
        _ z: UnsafeMutablePointer<Float>,
        _ count: Int
    ) -> Bool {
        switch function {
        case .add: unsafe map(operands, x, y, z, count) { I.add($0, $1) }
        case .subtract: unsafe map(operands, x, y, z, count) { I.subtract($0, $1) }
        case .multiply: unsafe map(operands, x, y, z, count) { I.multiply($0, $1) }
        case .divide: unsafe map(operands, x, y, z, count) { I.divide($0, $1) }
        case .minimum: unsafe map(operands, x, y, z, count) { Math.minimum($0, $1) }
        case .maximum: unsafe map(operands, x, y, z, count) { Math.maximum($0, $1) }
        case .prelu:
            let zero = I.broadcast(Float(0))
            unsafe map(operands, x, y, z, count) {
                I.select(I.less($0, zero), I.multiply($0, $1), $0)
            }
        case .power, .modulo, .remainder, .bitAnd, .bitOr, .bitXor, .shiftLeft, .shiftRight:
            return false
        }
        return true
    }
}
