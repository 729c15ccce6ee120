package import TernTensor

/// The geometry of ONNX MatMul (numpy's `matmul`): ranks 1 and up, batch axes broadcast.
///
/// A vector on the left is a row, on the right a column; the axis it adds is left out of the
/// result. A value: make one per pair of shapes, use it for any number of calls.
package struct MatrixProduct: Sendable {
    /// The shape of the result.
    package let outputShape: Shape
    /// M; with ``isFoldable`` the batch of A is folded into it.
    package let rowCount: Int
    /// N.
    package let columnCount: Int
    /// K.
    package let depth: Int
    /// The axes of the batch, broadcast; empty when folded.
    package let batchShape: Shape
    /// Elements to the next matrix of A along each batch axis, 0 where it is broadcast.
    internal let leftStrides: InlineArray<8, Int>
    /// The same for B.
    internal let rightStrides: InlineArray<8, Int>

    /// Pairs two shapes; `nil` if they can't be multiplied.
    ///
    /// When B is a plain matrix, A's batch is folded into M (``batchShape`` is empty), so that a
    /// ``PackedMatrix`` serves the whole batch with one call of ``GEMM``.
    package init?(left: Shape, right: Shape) { preconditionFailure() }

    /// How much scratch memory ``multiply(_:by:into:elementType:scratch:context:)`` needs.
    package func scratchByteCount(elementType: ElementType, context: KernelContext) -> Int {
        preconditionFailure()
    }

    /// Multiplies dense row-major tensors of `elementType`.
    ///
    /// FP32 runs on ``GEMM``; FP64, INT32, INT64, UINT32 and UINT64 on plain loops with the same
    /// order of additions; integers wrap. FP16 and BF16 are rounded once, from a 32-bit sum.
    ///
    /// - Returns: `false`, with nothing written, if there is no product for the element type.
    @discardableResult
    @unsafe package func multiply(
        _ left: UnsafeRawPointer,
        by right: UnsafeRawPointer,
        into output: UnsafeMutableRawPointer,
        elementType: ElementType,
        scratch: UnsafeMutableRawBufferPointer,
        context: KernelContext
    ) -> Bool { preconditionFailure() }

    /// Whether there is a product of the element type.
    package static func supports(_ elementType: ElementType) -> Bool { preconditionFailure() }
}
