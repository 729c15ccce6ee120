/// The kernels of one instruction set that work on rows: normalisations, softmax, recurrent cells.
@usableFromInline @safe package struct RowKernels: Sendable {
    @usableFromInline package typealias Source = UnsafePointer<Float>
    @usableFromInline package typealias Target = UnsafeMutablePointer<Float>

    /// (x, count, epsilon); see ``NormalizationKernel``.
    @usableFromInline package let moments:
        @Sendable (Source, Int, Float) -> (mean: Float, factor: Float)
    /// (x, y, rowCount, count, scale, bias, epsilon, means, factors); see ``NormalizationKernel``.
    @usableFromInline package let layerNormalize:
        @Sendable (Source, Target, Int, Int, Source?, Source?, Float, Target?, Target?) -> Void
    /// (x, y, rowCount, count, scale, epsilon); see ``NormalizationKernel``.
    @usableFromInline package let rootMeanSquareNormalize:
        @Sendable (Source, Target, Int, Int, Source?, Float) -> Void
    /// (x, y, count, scale, bias, mean, variance, epsilon); see ``NormalizationKernel``.
    @usableFromInline package let batchNormalize:
        @Sendable (Source, Target, Int, Source, Source, Source, Source, Float) -> Void
    /// (x, y, rowCount, count, isLogarithmic); see ``SoftmaxKernel``.
    @usableFromInline package let softmax: @Sendable (Source, Target, Int, Int, Bool) -> Void
    /// (x, y, axis, stride, columnCount, isLogarithmic); see ``SoftmaxKernel``.
    @usableFromInline package let softmaxColumns:
        @Sendable (Source, Target, Int, Int, Int, Bool) -> Void
    /// (gates, c, output, count, clip); see ``RecurrentCellKernel``.
    @usableFromInline package let lstm: @Sendable (Source, Target, Target, Int, Float) -> Void
    /// (inputs, recurrent, hidden, reset, count, clip); see ``RecurrentCellKernel``.
    @usableFromInline package let gruGates:
        @Sendable (Source, Target, Source, Target?, Int, Float) -> Void
    /// (inputs, recurrent, hidden, output, count, clip); see ``RecurrentCellKernel``.
    @usableFromInline package let gruOutput:
        @Sendable (Source, Source, Source, Target, Int, Float) -> Void
    /// (input, forget, candidate, c, count); see ``RecurrentCellKernel``.
    @usableFromInline package let lstmCell: @Sendable (Source, Source, Source, Target, Int) -> Void
    /// (z, candidate, h, y, count); see ``RecurrentCellKernel``.
    @usableFromInline package let gruBlend: @Sendable (Source, Source, Source, Target, Int) -> Void
    /// (fold, x, lineStride, lineCount, tapStride, tapCount, stride, y, count, start); see
    /// ``PoolKernel``.
    @usableFromInline package let pool:
        @Sendable (StridedFold, Source, Int, Int, Int, Int, Int, Target, Int, Float) -> Void

    /// (fold, planes), `maximum` or `add`; see ``PlanePoolKernel``.
    @usableFromInline package let poolPlanes: @Sendable (StridedFold, borrowing PoolPlanes) -> Void

    /// (source, sourceStride, rows, columns, target, targetStride); see ``TransposeKernel``.
    @usableFromInline package let transpose: @Sendable (Source, Int, Int, Int, Target, Int) -> Void

    /// Instantiates the kernels for an instruction set.
    @inlinable
    @inline(__always)
    internal init<I: PlaneInstructionSet>(_ instructionSet: I.Type) {
        unsafe transpose = { unsafe TransposeKernel<I>.run($0, $1, $2, $3, $4, $5) }
        unsafe moments = { unsafe NormalizationKernel<I>.moments($0, $1, $2) }
        unsafe layerNormalize = {
            unsafe NormalizationKernel<I>.layers($0, $1, $2, $3, $4, $5, $6, $7, $8)
        }
        unsafe rootMeanSquareNormalize = {
            unsafe NormalizationKernel<I>.rootMeanSquares($0, $1, $2, $3, $4, $5)
        }
        unsafe batchNormalize = {
            unsafe NormalizationKernel<I>.batchRow($0, $1, $2, $3, $4, $5, $6, $7)
        }
        unsafe softmax = { unsafe SoftmaxKernel<I>.rows($0, $1, $2, $3, $4) }
        unsafe softmaxColumns = { unsafe SoftmaxKernel<I>.columns($0, $1, $2, $3, $4, $5) }
        unsafe lstm = { unsafe RecurrentCellKernel<I>.lstm($0, $1, $2, $3, $4) }
        unsafe gruGates = { unsafe RecurrentCellKernel<I>.gruGates($0, $1, $2, $3, $4, $5) }
        unsafe gruOutput = { unsafe RecurrentCellKernel<I>.gruOutput($0, $1, $2, $3, $4, $5) }
        unsafe lstmCell = { unsafe RecurrentCellKernel<I>.cell($0, $1, $2, $3, $4) }
        unsafe pool = {
            unsafe PoolKernel<I>.run($0, $1, $2, $3, $4, $5, $6, $7, $8, $9)
        }
        poolPlanes = { PlanePoolKernel<I>.run($0, $1) }
        unsafe gruBlend = { unsafe RecurrentCellKernel<I>.blend($0, $1, $2, $3, $4) }
    }
}
