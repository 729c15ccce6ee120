package import TernMicrokernels

/// What happens to each element of a product before it is stored, in this order.
///
/// `C = activation(alpha·acc + beta·C + bias)`, where `beta == 0` never reads C.
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
    /// What is applied last.
    package var activation: UnaryOperation

    /// Makes an epilogue; the default does nothing.
    package init(
        alpha: Float = 1,
        beta: Float = 0,
        bias: Bias = .none,
        activation: UnaryOperation = .identity
    ) {
        self.alpha = alpha
        self.beta = beta
        self.bias = bias
        self.activation = activation
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

/// Matrix products of 32-bit floats: C [M, N] = A [M, K] · B [K, N].
///
/// Each element of C is one chain of additions over k = 0, 1, … K-1, fused with the multiplication
/// where the instruction set can. The chain depends on nothing else, so a row of C has the same bits
/// whether it is computed alone, in a batch, or on any number of threads. With K = 0 the product is
/// 0 and the epilogue still runs. M or N = 0 does nothing. C may not overlap A or B.
package enum GEMM {
    /// Multiplies by a matrix that was packed beforehand; needs no scratch memory.
    ///
    /// - Parameters:
    ///   - a: A, row-major, not transposed; rows `aRowStride` ≥ K apart.
    ///   - rowCount: M.
    ///   - b: B, packed for `context.table`.
    ///   - c: C, row-major; rows `cRowStride` ≥ N apart.
    ///   - epilogue: Bias, activation.
    ///   - context: Where to run.
    @unsafe package static func multiply(
        _ a: UnsafePointer<Float>,
        rowStride aRowStride: Int,
        rowCount: Int,
        by b: PackedMatrix,
        into c: UnsafeMutablePointer<Float>,
        rowStride cRowStride: Int,
        epilogue: Epilogue = Epilogue(),
        context: KernelContext
    ) { preconditionFailure() }

    /// How much scratch memory ``multiply(_:by:rowCount:columnCount:depth:into:rowStride:epilogue:scratch:context:)``
    /// needs, in bytes.
    package static func scratchByteCount(
        rowCount: Int,
        columnCount: Int,
        depth: Int,
        aIsTransposed: Bool,
        bIsTransposed: Bool,
        context: KernelContext
    ) -> Int { preconditionFailure() }

    /// Multiplies two matrices neither of which is known beforehand.
    ///
    /// - Parameters:
    ///   - a: A [M, K] or Aᵀ.
    ///   - b: B [K, N] or Bᵀ.
    ///   - rowCount: M.
    ///   - columnCount: N.
    ///   - depth: K.
    ///   - c: C, row-major; rows `cRowStride` ≥ N apart.
    ///   - epilogue: Scaling, bias, activation.
    ///   - scratch: As many bytes as ``scratchByteCount(rowCount:columnCount:depth:aIsTransposed:bIsTransposed:context:)``
    ///     says, 64-byte aligned; its contents are lost.
    ///   - context: Where to run.
    @unsafe package static func multiply(
        _ a: MatrixView,
        by b: MatrixView,
        rowCount: Int,
        columnCount: Int,
        depth: Int,
        into c: UnsafeMutablePointer<Float>,
        rowStride cRowStride: Int,
        epilogue: Epilogue = Epilogue(),
        scratch: UnsafeMutableRawBufferPointer,
        context: KernelContext
    ) { preconditionFailure() }
}
