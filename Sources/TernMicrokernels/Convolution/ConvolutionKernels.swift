/// The kernels of convolution for one instruction set: a part of ``KernelTable``.
@usableFromInline @safe package struct ConvolutionKernels: Sendable {
    @usableFromInline package typealias Source = UnsafePointer<Float>
    @usableFromInline package typealias Target = UnsafeMutablePointer<Float>

    /// Fills one panel of B from an image: (patches, firstRow, depth, firstPixel, count, target); see
    /// ``PatchKernel``.
    @usableFromInline package let packPatches:
        @Sendable (borrowing ImagePatches, Int, Int, Int, Int, Target) -> Void
    /// Runs a ``StageTile``.
    @usableFromInline package let stage: @Sendable (borrowing StageTile) -> Void
    /// Runs a ``TapTile``.
    @usableFromInline package let taps: @Sendable (borrowing TapTile) -> Void
    /// Runs a ``ChannelTapTile``.
    @usableFromInline package let channelTaps: @Sendable (borrowing ChannelTapTile) -> Void
    /// Runs a ``PlaneTile`` with stride 1.
    @usableFromInline package let plane: @Sendable (borrowing PlaneTile) -> Void
    /// Runs a ``PlaneTile`` with stride 2; see ``PlaneStrideKernel``.
    @usableFromInline package let planeStride: @Sendable (borrowing PlaneTile) -> Void
    /// Runs a ``RowPairTile``; see ``RowPairKernel``.
    @usableFromInline package let rowPairs: @Sendable (borrowing RowPairTile) -> Void
    /// Runs a ``DirectTile``.
    @usableFromInline package let direct: @Sendable (borrowing DirectTile) -> Void
    /// (source, rowStep, columnStep, channelCount, target, pointStride); see ``WinogradKernel``.
    @usableFromInline package let winogradInput:
        @Sendable (Source, Int, Int, Int, Target, Int) -> Void
    /// (source, columnStep, channelCount, target, pointStride); see ``WinogradKernel``.
    @usableFromInline package let winogradInputRow:
        @Sendable (Source, Int, Int, Target, Int) -> Void
    /// (source, pointStride, channelCount, output); see ``WinogradKernel``.
    @usableFromInline package let winogradOutput:
        @Sendable (Source, Int, Int, borrowing WinogradOutput) -> Void
    /// The same for a tile of one row.
    @usableFromInline package let winogradOutputRow:
        @Sendable (Source, Int, Int, borrowing WinogradOutput) -> Void

    /// Instantiates the kernels for an instruction set.
    @inlinable
    @inline(__always)
    package init<I: PlaneInstructionSet>(_ instructionSet: I.Type) {
        unsafe packPatches = { unsafe PatchKernel<I>.panel($0, $1, $2, $3, $4, $5) }
        stage = { StageKernel<I>.run($0) }
        taps = { TapKernel<I>.run($0) }
        channelTaps = { ChannelTapKernel<I>.run($0) }
        plane = { PlaneKernel<I>.run($0) }
        planeStride = { PlaneStrideKernel<I>.run($0) }
        rowPairs = { RowPairKernel<I>.run($0) }
        direct = { DirectKernel<I>.run($0) }
        unsafe winogradInput = { unsafe WinogradKernel<I>.input($0, $1, $2, $3, $4, $5) }
        unsafe winogradInputRow = { unsafe WinogradKernel<I>.inputRow($0, $1, $2, $3, $4) }
        unsafe winogradOutput = { unsafe WinogradKernel<I>.output($0, $1, $2, $3) }
        unsafe winogradOutputRow = { unsafe WinogradKernel<I>.outputRow($0, $1, $2, $3) }
    }
}
