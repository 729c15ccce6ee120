internal import Glibc
internal import TernMicrokernels

/// One row through a unary function, vectorised or from the C library.
internal enum UnaryDriver {
    /// y = f(x); `y` may be `x`.
    @unsafe internal static func run(
        _ operation: UnaryOperation,
        _ x: UnsafePointer<Float>,
        into y: UnsafeMutablePointer<Float>,
        count: Int,
        table: KernelTable
    ) {
        guard unsafe !table.unary(operation, x, y, count) else { return }
        let function = libraryFunction(operation.function)
        for i in 0..<count { unsafe y[i] = function(x[i]) }
    }

    /// Whether the microkernels have code for a function; otherwise the C library's is used.
    internal static func hasVectorCode(_ function: UnaryFunction) -> Bool {
        switch function {
        case .sine, .cosine, .tangent, .arcsine, .arccosine, .arctangent, .hyperbolicSine,
            .hyperbolicCosine, .inverseHyperbolicSine, .inverseHyperbolicCosine,
            .inverseHyperbolicTangent:
            false
        default: true
        }
    }

    /// The functions that have no vector code: at most 2 ULP with glibc.
    private static func libraryFunction(_ function: UnaryFunction) -> (Float) -> Float {
        switch function {
        case .sine: { sinf($0) }
        case .cosine: { cosf($0) }
        case .tangent: { tanf($0) }
        case .arcsine: { asinf($0) }
        case .arccosine: { acosf($0) }
        case .arctangent: { atanf($0) }
        case .hyperbolicSine: { sinhf($0) }
        case .hyperbolicCosine: { coshf($0) }
        case .inverseHyperbolicSine: { asinhf($0) }
        case .inverseHyperbolicCosine: { acoshf($0) }
        case .inverseHyperbolicTangent: { atanhf($0) }
        default: preconditionFailure("a function that should have vector code has none")
        }
    }

    /// Nanoseconds per element, roughly.
    internal static func cost(_ operation: UnaryOperation) -> Double {
        switch operation.function {
        case .identity, .absolute, .negative, .relu, .leakyRelu, .clamp, .thresholdedRelu, .square,
            .floor, .ceiling, .roundToEven, .sign, .affine, .shrink, .hardSwish, .hardSigmoid:
            0.1
        case .exponential, .squareRoot: 0.2
        case .reciprocalSquareRoot, .reciprocal, .softsign, .hyperbolicTangent, .sigmoid, .gelu,
            .geluTanh, .swish, .elu, .selu, .celu, .mish:
            0.3
        case .logarithm, .errorFunction, .softplus: 0.5
        default: 10
        }
    }
}
