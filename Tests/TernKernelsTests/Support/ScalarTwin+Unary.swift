import Glibc
import TernMicrokernels

extension ScalarTwin {
    /// f(x) in double precision.
    static func unary(_ operation: UnaryOperation, _ x: Double) -> Double {
        let a = Double(operation.a)
        let b = Double(operation.b)
        func sigmoid(_ v: Double) -> Double { 1 / (1 + exp(-v)) }
        func softplus(_ v: Double) -> Double { v.isNaN ? v : Swift.max(v, 0) + log1p(exp(-abs(v))) }
        switch operation.function {
        case .identity: return x
        case .absolute: return abs(x)
        case .negative: return -x
        case .relu: return x < 0 ? 0 : x
        case .leakyRelu: return x < 0 ? a * x : x
        case .clamp: return x < a ? a : x > b ? b : x
        case .thresholdedRelu: return x.isNaN || x > a ? x : 0
        case .squareRoot: return x.squareRoot()
        case .reciprocalSquareRoot: return 1 / x.squareRoot()
        case .reciprocal: return 1 / x
        case .square: return x * x
        case .floor: return x.rounded(.down)
        case .ceiling: return x.rounded(.up)
        case .roundToEven: return x.rounded(.toNearestOrEven)
        case .sign: return x > 0 ? 1 : x < 0 ? -1 : x
        case .exponential: return exp(x)
        case .logarithm: return x < 0 ? .nan : log(x)
        case .hyperbolicTangent: return tanh(x)
        case .sigmoid: return sigmoid(x)
        case .errorFunction: return erf(x)
        case .gelu: return 0.5 * x * erfc(-x * 0.5.squareRoot())
        case .geluTanh:
            return x * sigmoid(2 * (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x))
        case .swish: return x * sigmoid(a * x)
        case .hardSwish: return x.isNaN ? x : x * Swift.max(0, Swift.min(1, x / 6 + 0.5))
        case .hardSigmoid: return x.isNaN ? x : Swift.max(0, Swift.min(1, a * x + b))
        case .elu: return x < 0 ? a * expm1(x) : x
        case .selu: return b * (x < 0 ? a * expm1(x) : x)
        case .celu: return x < 0 ? a * expm1(x / a) : x
        case .softplus: return softplus(x)
        case .softsign: return x / (1 + abs(x))
        case .mish: return x * tanh(softplus(x))
        case .affine: return a * x + b
        case .shrink: return x < -a ? x + b : x > a ? x - b : x * 0
        case .sine: return sin(x)
        case .cosine: return cos(x)
        case .tangent: return tan(x)
        case .arcsine: return asin(x)
        case .arccosine: return acos(x)
        case .arctangent: return atan(x)
        case .hyperbolicSine: return sinh(x)
        case .hyperbolicCosine: return cosh(x)
        case .inverseHyperbolicSine: return asinh(x)
        case .inverseHyperbolicCosine: return acosh(x)
        case .inverseHyperbolicTangent: return atanh(x)
        }
    }

    /// x ∘ y in double precision.
    static func binary(_ function: BinaryFunction, _ x: Double, _ y: Double) -> Double? {
        switch function {
        case .add: return x + y
        case .subtract: return x - y
        case .multiply: return x * y
        case .divide: return x / y
        case .minimum: return x.isNaN ? x : y.isNaN ? y : Swift.min(x, y)
        case .maximum: return x.isNaN ? x : y.isNaN ? y : Swift.max(x, y)
        case .power: return pow(x, y)
        case .modulo:
            let r = fmod(x, y)
            return r != 0 && (r < 0) != (y < 0) ? r + y : r
        case .remainder: return fmod(x, y)
        case .prelu: return x < 0 ? x * y : x
        case .bitAnd, .bitOr, .bitXor, .shiftLeft, .shiftRight: return nil
        }
    }
}
