import Glibc
import TernTensor

/// A floating-point type that operators without kernels of their own calculate in.
protocol RealElement: BinaryFloatingPoint, BitwiseCopyable, Sendable {
    /// The type of tensors with such elements.
    static var elementType: ElementType { get }
    /// e to the power of `x`.
    static func exponential(_ x: Self) -> Self
    /// The natural logarithm.
    static func logarithm(_ x: Self) -> Self
    /// `x` to the power of `y`.
    static func power(_ x: Self, _ y: Self) -> Self
    /// The hyperbolic tangent.
    static func hyperbolicTangent(_ x: Self) -> Self
}

extension Float: RealElement {
    static var elementType: ElementType { .fp32 }
    static func exponential(_ x: Float) -> Float { expf(x) }
    static func logarithm(_ x: Float) -> Float { logf(x) }
    static func power(_ x: Float, _ y: Float) -> Float { powf(x, y) }
    static func hyperbolicTangent(_ x: Float) -> Float { tanhf(x) }
}

extension Double: RealElement {
    static var elementType: ElementType { .fp64 }
    static func exponential(_ x: Double) -> Double { exp(x) }
    static func logarithm(_ x: Double) -> Double { log(x) }
    static func power(_ x: Double, _ y: Double) -> Double { pow(x, y) }
    static func hyperbolicTangent(_ x: Double) -> Double { tanh(x) }
}
