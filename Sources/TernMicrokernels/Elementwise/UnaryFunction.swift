/// A function of one number that kernels apply to every element.
///
/// `a` and `b` are the parameters ``UnaryOperation`` carries. Vectorised functions state their
/// largest error in units in the last place (ULP); the others are exact or one rounding.
/// All of them carry NaN through: a NaN in is a NaN out, unless the entry says otherwise.
@usableFromInline package enum UnaryFunction: UInt8, CaseIterable, Sendable {
    /// x
    case identity
    /// |x|
    case absolute
    /// -x
    case negative
    /// max(x, 0); NaN stays NaN and -0 stays -0.
    case relu
    /// x < 0 ? a·x : x
    case leakyRelu
    /// x < a ? a : (x > b ? b : x); NaN stays NaN.
    case clamp
    /// x > a ? x : 0
    case thresholdedRelu
    /// √x
    case squareRoot
    /// 1/√x, at most 1.5 ULP.
    case reciprocalSquareRoot
    /// 1/x
    case reciprocal
    /// x·x
    case square
    /// The largest integer not above x.
    case floor
    /// The smallest integer not below x.
    case ceiling
    /// The nearest integer, ties to even.
    case roundToEven
    /// -1, 0 or 1 by the sign of x; NaN gives NaN.
    case sign
    /// eˣ, at most 2 ULP.
    case exponential
    /// ln x, at most 2 ULP.
    case logarithm
    /// tanh x, at most 4 ULP.
    case hyperbolicTangent
    /// 1/(1+e⁻ˣ), at most 3 ULP.
    case sigmoid
    /// erf x, at most 4 ULP.
    case errorFunction
    /// x/2·(1+erf(x/√2)), at most 6·2⁻²⁴·|x| off: 3 ε·|x| with ε = 2⁻²³, and as the result is at least
    /// x/2 for x ≥ 0, at most 6 ε of the result there.
    case gelu
    /// x/2·(1+tanh(√(2/π)(x+0.044715x³))), at most 4·2⁻²⁴·|x| off: 2 ε·|x|, and at
    /// most 4 ε of the result for x ≥ 0.
    case geluTanh
    /// x·sigmoid(a·x), at most 8 ULP and what rounding a·x to a float costs.
    case swish
    /// x·max(0, min(1, x/6+1/2))
    case hardSwish
    /// max(0, min(1, a·x+b))
    case hardSigmoid
    /// x < 0 ? a·(eˣ-1) : x, at most 3 ULP.
    case elu
    /// b·(x < 0 ? a·(eˣ-1) : x)
    case selu
    /// max(0, x) + min(0, a·(e^(x/a)-1))
    case celu
    /// ln(1+eˣ), at most 4 ULP.
    case softplus
    /// x/(1+|x|)
    case softsign
    /// x·tanh(ln(1+eˣ)), at most 8 ULP.
    case mish
    /// a·x+b
    case affine
    /// x < -a ? x+b : (x > a ? x-b : 0)
    case shrink
    /// sin x
    case sine
    /// cos x
    case cosine
    /// tan x
    case tangent
    /// asin x
    case arcsine
    /// acos x
    case arccosine
    /// atan x
    case arctangent
    /// sinh x
    case hyperbolicSine
    /// cosh x
    case hyperbolicCosine
    /// asinh x
    case inverseHyperbolicSine
    /// acosh x
    case inverseHyperbolicCosine
    /// atanh x
    case inverseHyperbolicTangent
}

/// A ``UnaryFunction`` with its parameters.
@usableFromInline package struct UnaryOperation: Hashable, Sendable {
    /// Which function.
    @usableFromInline package let function: UnaryFunction
    /// The first parameter; unused by most functions.
    @usableFromInline package let a: Float
    /// The second parameter; unused by most functions.
    @usableFromInline package let b: Float

    /// Pairs a function with its parameters.
    @inlinable
    package init(_ function: UnaryFunction, a: Float = 0, b: Float = 0) {
        self.function = function
        self.a = a
        self.b = b
    }

    /// Leaves every element as it is; the default activation.
    @usableFromInline package static let identity = UnaryOperation(.identity)
    /// The larger of x and 0.
    @usableFromInline package static let relu = UnaryOperation(.relu)

    /// Whether there is nothing to do.
    @inlinable package var isIdentity: Bool { function == .identity }
}
