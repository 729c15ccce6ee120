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
        let lanes = I.laneCount
        var i = 0
        // As in ``UnaryKernel``: four registers are computed before one is written.
        while count &- i >= 4 &* lanes {
            var results = InlineArray<4, I.Floats>(repeating: xScalar)
            for r in 0..<4 {
                let place = i &+ r &* lanes
                let left = unsafe operands == .leftScalar ? xScalar : I.load(x + place)
                let right = unsafe operands == .rightScalar ? yScalar : I.load(y + place)
                unsafe results[unchecked: r] = function(left, right)
            }
            for r in 0..<4 { unsafe I.store(results[unchecked: r], z + i + r &* lanes) }
            i &+= 4 &* lanes
        }
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
        case .power:
            guard operands == .rightScalar else { return false }
            return unsafe power(x, y.pointee, z, count)
        case .modulo, .remainder, .bitAnd, .bitOr, .bitXor, .shiftLeft, .shiftRight:
            return false
        }
        return true
    }

    /// z = x to the power of one exponent that needs no logarithm: 2, 3 or ½, at most 1.5 ULP.
    ///
    /// - Returns: Whether it is one of them; otherwise nothing was written.
    @inlinable
    @inline(__always)
    internal static func power(
        _ x: UnsafePointer<Float>,
        _ exponent: Float,
        _ z: UnsafeMutablePointer<Float>,
        _ count: Int
    ) -> Bool {
        switch exponent {
        case 2: unsafe UnaryKernel<I>.stream(x, z, count) { I.multiply($0, $0) }
        case 3: unsafe UnaryKernel<I>.stream(x, z, count) { I.multiply(I.multiply($0, $0), $0) }
        case 0.5:
            let infinity = I.broadcast(Float.infinity)
            let zero = I.broadcast(Float(0))
            // The power of -0 is 0, that of -∞ is ∞.
            unsafe UnaryKernel<I>.map(x, z, count) { x in
                let root = I.squareRoot(I.add(x, zero))
                return I.select(I.equal(x, Math.negative(infinity)), infinity, root)
            }
        default: return false
        }
        return true
    }
}
