/// The kernels of one instruction set for bytes, bfloat16 and blocks, described by data like the rest of
/// a ``KernelTable``.
///
/// The contracts of the kernels stand with their code.
@usableFromInline @safe package struct QuantizedKernels: Sendable {
    @usableFromInline package typealias Bytes = UnsafePointer<UInt8>

    /// The most rows one block of a product in groups has.
    @usableFromInline package let dotRowCount: Int

    /// Runs an ``IntegerTile``; see ``IntegerKernel``.
    @usableFromInline package let multiplyIntegers: @Sendable (IntegerTile) -> Void
    /// Σ a of rows: (a, row stride, row count, byte count, isSigned, sums); see ``IntegerKernel``.
    @usableFromInline package let sumRows:
        @Sendable (UnsafeRawPointer, Int, Int, Int, Bool, UnsafeMutablePointer<Int32>) -> Void
    /// Fills one panel: (b, depthStride, columnStride, depth, columnCount, flip, target, sums); see
    /// ``GroupPackKernel``.
    @usableFromInline package let packBytes:
        @Sendable (
            Bytes, Int, Int, Int, Int, UInt8, UnsafeMutablePointer<UInt8>,
            UnsafeMutablePointer<Int32>
        ) -> Void

    /// Instantiates all of them for an instruction set.
    @inlinable
    @inline(__always)
    internal init<I: BFloatInstructionSet>(_ instructionSet: I.Type) {
        dotRowCount = I.dotRowCount
        multiplyIntegers = { IntegerKernel<I>.run($0) }
        unsafe sumRows = { unsafe IntegerKernel<I>.rowSums($0, $1, $2, $3, $4, $5) }
        unsafe packBytes = {
            unsafe GroupPackKernel<I>.bytes($0, $1, $2, $3, $4, $5, $6, $7)
        }
    }
}
