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
    /// Runs a product of bfloat16; see ``BFloatKernel``.
    @usableFromInline package let multiplyBFloats: @Sendable (DotOperands, SumFinish) -> Void
    /// Fills one panel: (b, depthStride, columnStride, depth, columnCount, target); see
    /// ``GroupPackKernel``.
    @usableFromInline package let packHalfwords:
        @Sendable (
            UnsafePointer<UInt16>, Int, Int, Int, Int, UnsafeMutablePointer<UInt16>
        ) -> Void

    /// Runs a ``BlockTile``; see ``BlockBody``.
    @usableFromInline package let multiplyBlocks: @Sendable (BlockTile) -> Void
    /// Quantises a row: (x, count, factor, codes, scales, sums); see ``BlockKernel``.
    @usableFromInline package let quantizeBlocks:
        @Sendable (
            UnsafePointer<Float>, Int, Int32, UnsafeMutablePointer<Int8>,
            UnsafeMutablePointer<Float>, UnsafeMutablePointer<Int32>
        ) -> Void

    /// Floats to bytes: (x, count, scales, zeros, isUniform, isSigned, y); see ``LinearKernel``.
    @usableFromInline package let quantize:
        @Sendable (
            UnsafePointer<Float>, Int, UnsafePointer<Float>, UnsafePointer<Int32>, Bool, Bool,
            UnsafeMutablePointer<UInt8>
        ) -> Void
    /// Bytes to floats: (q, count, scales, zeros, isUniform, isSigned, y); see ``LinearKernel``.
    @usableFromInline package let dequantize:
        @Sendable (
            Bytes, Int, UnsafePointer<Float>, UnsafePointer<Int32>, Bool, Bool,
            UnsafeMutablePointer<Float>
        ) -> Void
    /// 32-bit integers to floats: (q, count, scales, zeros, isUniform, y); see ``LinearKernel``.
    @usableFromInline package let dequantizeIntegers:
        @Sendable (
            UnsafePointer<Int32>, Int, UnsafePointer<Float>, UnsafePointer<Int32>, Bool,
            UnsafeMutablePointer<Float>
        ) -> Void
    /// Widens a range to what floats span: (x, count, range); see ``LinearKernel``.
    @usableFromInline package let extremes:
        @Sendable (UnsafePointer<Float>, Int, UnsafeMutablePointer<Float>) -> Void

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
        multiplyBFloats = { BFloatKernel<I>.run($0, $1) }
        unsafe packHalfwords = {
            unsafe GroupPackKernel<I>.halfwords($0, $1, $2, $3, $4, $5)
        }
        multiplyBlocks = { BlockKernel<I>.run($0) }
        unsafe quantizeBlocks = { unsafe BlockKernel<I>.quantizeRow($0, $1, $2, $3, $4, $5) }
        unsafe quantize = { unsafe LinearKernel<I>.quantize($0, $1, $2, $3, $4, $5, $6) }
        unsafe dequantize = { unsafe LinearKernel<I>.dequantize($0, $1, $2, $3, $4, $5, $6) }
        unsafe dequantizeIntegers = {
            unsafe LinearKernel<I>.dequantizeIntegers($0, $1, $2, $3, $4, $5)
        }
        unsafe extremes = { unsafe LinearKernel<I>.extremes($0, $1, $2) }
    }
}
