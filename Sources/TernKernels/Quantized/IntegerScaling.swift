package import TernMicrokernels

/// How the exact sums of a product of bytes become floats.
///
/// `v = activation(float(acc)·(scale·rowScales[m]·columnScales[n]) + bias[n])`, each operation rounded
/// by itself, so that all instruction sets give the same bits. `float(acc)` rounds to nearest.
@safe package struct IntegerScaling {
    /// A factor of everything.
    package var scale: Float
    /// A factor per row, M of them.
    package var rowScales: UnsafePointer<Float>?
    /// A factor per column, N of them.
    package var columnScales: UnsafePointer<Float>?
    /// What is added to each column, N of them.
    package var bias: UnsafePointer<Float>?
    /// What is applied last; a requantised product takes bounds only, so `relu` and `clamp`.
    package var activation: UnaryOperation

    /// Makes a scaling; the default only converts.
    package init(
        scale: Float = 1,
        rowScales: UnsafePointer<Float>? = nil,
        columnScales: UnsafePointer<Float>? = nil,
        bias: UnsafePointer<Float>? = nil,
        activation: UnaryOperation = .identity
    ) {
        self.scale = scale
        unsafe self.rowScales = rowScales
        unsafe self.columnScales = columnScales
        unsafe self.bias = bias
        self.activation = activation
    }

    /// The bounds that the activation is, or `nil` if it is something else.
    internal var bounds: (lower: Float, upper: Float)? {
        switch activation.function {
        case .identity: (-.infinity, .infinity)
        case .relu: (0, .infinity)
        case .clamp: (activation.a, activation.b)
        default: nil
        }
    }
}
