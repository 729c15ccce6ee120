/// y[i] = f(x[i]) for the functions that have vector code; `y` may be `x`.
///
/// The end of an array goes through the same code as its middle, in a register that is filled up with
/// zeros. Scalar twin: `ScalarTwin.unary` in the tests.
@usableFromInline
internal enum UnaryKernel<I: InstructionSet> {
    @usableFromInline internal typealias Math = VectorMath<I>

    @inlinable
    @inline(__always)
    internal static func map(
        _ x: UnsafePointer<Float>,
        _ y: UnsafeMutablePointer<Float>,
        _ count: Int,
        _ function: (I.Floats) -> I.Floats
    ) {
        var i = 0
        while count &- i >= I.laneCount {
            unsafe I.store(function(I.load(x + i)), y + i)
            i &+= I.laneCount
        }
        if i < count {
            let rest = count &- i
            unsafe I.store(function(I.load(x + i, count: rest)), y + i, count: rest)
        }
    }

    /// The same for functions so cheap that memory takes the time: four registers are read before one
    /// is written, as a read has to wait for a write that lies some multiple of 4096 bytes away.
    @inlinable
    @inline(__always)
    internal static func stream(
        _ x: UnsafePointer<Float>,
        _ y: UnsafeMutablePointer<Float>,
        _ count: Int,
        _ function: (I.Floats) -> I.Floats
    ) {
        let lanes = I.laneCount
        var i = 0
        while count &- i >= 4 &* lanes {
            let a = unsafe I.load(x + i)
            let b = unsafe I.load(x + i + lanes)
            let c = unsafe I.load(x + i + 2 &* lanes)
            let d = unsafe I.load(x + i + 3 &* lanes)
            unsafe I.store(function(a), y + i)
            unsafe I.store(function(b), y + i + lanes)
            unsafe I.store(function(c), y + i + 2 &* lanes)
            unsafe I.store(function(d), y + i + 3 &* lanes)
            i &+= 4 &* lanes
        }
        unsafe map(x + i, y + i, count &- i, function)
    }

    /// Applies an operation.
    ///
    /// - Returns: Whether the function has vector code; otherwise nothing was written.
    @inlinable
    @inline(__always)
    internal static func run(
        _ operation: UnaryOperation,
        _ x: UnsafePointer<Float>,
        _ y: UnsafeMutablePointer<Float>,
        _ count: Int
    ) -> Bool {
        let zero = I.broadcast(Float(0))
        let one = I.broadcast(Float(1))
        let half = I.broadcast(Float(0.5))
        let a = I.broadcast(operation.a)
        let b = I.broadcast(operation.b)
        switch operation.function {
        case .identity: unsafe stream(x, y, count) { $0 }
        case .absolute: unsafe stream(x, y, count) { Math.absolute($0) }
        case .negative: unsafe stream(x, y, count) { Math.negative($0) }
        case .relu: unsafe stream(x, y, count) { I.maximum(zero, $0) }
        case .leakyRelu:
            unsafe stream(x, y, count) { I.select(I.less($0, zero), I.multiply(a, $0), $0) }
        case .clamp: unsafe stream(x, y, count) { I.minimum(b, I.maximum(a, $0)) }
        case .thresholdedRelu:
            unsafe map(x, y, count) { x in
                I.select(I.notEqual(x, x), x, I.select(I.less(a, x), x, zero))
            }
        case .squareRoot: unsafe map(x, y, count) { I.squareRoot($0) }
        case .reciprocalSquareRoot:
            unsafe map(x, y, count) { I.divide(one, I.squareRoot($0)) }
        case .reciprocal: unsafe map(x, y, count) { I.divide(one, $0) }
        case .square: unsafe stream(x, y, count) { I.multiply($0, $0) }
        case .floor: unsafe stream(x, y, count) { I.floor($0) }
        case .ceiling: unsafe stream(x, y, count) { I.ceiling($0) }
        case .roundToEven: unsafe stream(x, y, count) { I.roundToEven($0) }
        case .sign:
            unsafe map(x, y, count) { x in
                // 0 and NaN stay what they are.
                I.select(
                    I.less(zero, x),
                    one,
                    I.select(I.less(x, zero), Math.negative(one), x)
                )
            }
        case .exponential: unsafe map(x, y, count) { Math.exponential($0) }
        case .logarithm: unsafe map(x, y, count) { Math.logarithm($0) }
        case .hyperbolicTangent: unsafe map(x, y, count) { Math.hyperbolicTangent($0) }
        case .sigmoid: unsafe map(x, y, count) { Math.sigmoid($0) }
        case .errorFunction: unsafe map(x, y, count) { Math.errorFunction($0) }
        case .gelu: unsafe map(x, y, count) { Math.gelu($0) }
        case .geluTanh: unsafe map(x, y, count) { Math.geluTanh($0) }
        case .swish:
            unsafe map(x, y, count) { I.multiply($0, Math.sigmoid(I.multiply(a, $0))) }
        case .hardSwish:
            let sixth = I.broadcast(Float(1.0 / 6))
            unsafe map(x, y, count) { x in
                let gate = I.multiplyAdd(half, x, sixth)
                return I.multiply(x, I.minimum(one, I.maximum(zero, gate)))
            }
        case .hardSigmoid:
            unsafe map(x, y, count) { x in
                I.minimum(one, I.maximum(zero, I.multiplyAdd(b, a, x)))
            }
        case .elu:
            unsafe map(x, y, count) { x in
                I.select(I.less(x, zero), I.multiply(a, Math.exponentialMinusOne(x)), x)
            }
        case .selu:
            unsafe map(x, y, count) { x in
                let negative = I.multiply(a, Math.exponentialMinusOne(x))
                return I.multiply(b, I.select(I.less(x, zero), negative, x))
            }
        case .celu:
            unsafe map(x, y, count) { x in
                let scaled = I.divide(x, a)
                let negative = I.multiply(
                    a,
                    Math.exponentialMinusOne(I.select(I.less(zero, scaled), zero, scaled))
                )
                return I.select(I.less(x, zero), negative, x)
            }
        case .softplus: unsafe map(x, y, count) { Math.softplus($0) }
        case .softsign:
            unsafe map(x, y, count) { I.divide($0, I.add(one, Math.absolute($0))) }
        case .mish: unsafe map(x, y, count) { Math.mish($0) }
        case .affine: unsafe stream(x, y, count) { I.multiplyAdd(b, a, $0) }
        case .shrink:
            unsafe map(x, y, count) { x in
                let below = I.less(x, Math.negative(a))
                let inside = I.select(I.less(a, x), I.subtract(x, b), I.multiply(x, zero))
                return I.select(below, I.add(x, b), inside)
            }
        case .sine, .cosine, .tangent, .arcsine, .arccosine, .arctangent, .hyperbolicSine,
            .hyperbolicCosine, .inverseHyperbolicSine, .inverseHyperbolicCosine,
            .inverseHyperbolicTangent:
            return false
        }
        return true
    }
}
