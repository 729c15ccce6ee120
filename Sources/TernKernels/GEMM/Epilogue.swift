package import TernMicrokernels

/// What happens to each element of a product before it is stored, in this order.
///
/// `C = activation(alpha·acc + beta·C + bias + residual)`, where `beta == 0` never reads C. Each step
/// rounds once; the one of beta·C is fused where the instruction set can. It happens in registers, or
/// while a block of C is in the nearest cache, and gives the same bits as the steps one after the
/// other over the whole of C. NaN passes every activation's bounds.
@safe package struct Epilogue {
    /// What is added to the product.
    @safe package enum Bias {
        /// Nothing.
        case none
        /// One number per column, N of them.
        case perColumn(UnsafePointer<Float>)
        /// One number per row, M of them.
        case perRow(UnsafePointer<Float>)
    }

    /// The factor of the product.
    package var alpha: Float
    /// The factor of what C holds already; 0 means C is not read.
    package var beta: Float
    /// What is added.
    package var bias: Bias
    /// A matrix as large as C that is added, the residual connection of a layer; it may be C itself
    /// (the same elements and row stride), not otherwise overlap C.
    package var residual: MatrixAddend?
    /// What is applied last.
    package var activation: UnaryOperation

    /// Makes an epilogue; the default does nothing.
    package init(
        alpha: Float = 1,
        beta: Float = 0,
        bias: Bias = .none,
        residual: MatrixAddend? = nil,
        activation: UnaryOperation = .identity
    ) {
        self.alpha = alpha
        self.beta = beta
        self.bias = bias
        self.residual = residual
        self.activation = activation
    }
}

/// A row-major matrix that is added to another.
@safe package struct MatrixAddend {
    /// The first element.
    package let elements: UnsafePointer<Float>
    /// The distance between rows, in elements.
    package let rowStride: Int

    /// Describes a matrix.
    @unsafe package init(_ elements: UnsafePointer<Float>, rowStride: Int) {
        unsafe self.elements = unsafe elements
        self.rowStride = rowStride
    }
}

/// A row-major matrix in memory, possibly to be read transposed.
@safe package struct MatrixView {
    /// The first element.
    package let elements: UnsafePointer<Float>
    /// The distance between rows as stored, in elements.
    package let rowStride: Int
    /// Whether the matrix meant is the transpose of what is stored.
    package let isTransposed: Bool

    /// Describes a matrix.
    @unsafe package init(
        _ elements: UnsafePointer<Float>,
        rowStride: Int,
        isTransposed: Bool = false
    ) {
        unsafe self.elements = unsafe elements
        self.rowStride = rowStride
        self.isTransposed = isTransposed
    }
}
