/// The kernels of one instruction set that attention is made of, beside the matrix product.
@usableFromInline @safe package struct AttentionKernels: Sendable {
    @usableFromInline package typealias Source = UnsafePointer<Float>
    @usableFromInline package typealias Target = UnsafeMutablePointer<Float>

    /// Turns a block of scores into weights; see ``AttentionKernel``.
    @usableFromInline package let weigh: @Sendable (borrowing AttentionBlock) -> Void
    /// (values, stride, rowCount, count, factors); see ``AttentionKernel``.
    @usableFromInline package let rescale: @Sendable (Target, Int, Int, Int, Source) -> Void
    /// (values, stride, rowCount, count, sums); see ``AttentionKernel``.
    @usableFromInline package let finish: @Sendable (Target, Int, Int, Int, Source) -> Void

    /// Instantiates the kernels for an instruction set.
    @inlinable
    @inline(__always)
    internal init<I: InstructionSet>(_ instructionSet: I.Type) {
        weigh = { AttentionKernel<I>.weigh($0) }
        unsafe rescale = { unsafe AttentionKernel<I>.rescale($0, $1, $2, $3, $4) }
        unsafe finish = { unsafe AttentionKernel<I>.finish($0, $1, $2, $3, $4) }
    }
}
