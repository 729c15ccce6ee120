/// The kernels of convolutions of bytes for one instruction set: a part of ``KernelTable``.
@usableFromInline @safe package struct QuadKernels: Sendable {
    @usableFromInline package typealias Bytes = UnsafePointer<UInt8>
    @usableFromInline package typealias Quads = UnsafeMutablePointer<Int32>

    /// The filters of the block that begins when so many are left; see ``QuadKernel``.
    @usableFromInline package let blockHeight: @Sendable (Int) -> Int
    /// Runs a ``QuadTile``.
    @usableFromInline package let run: @Sendable (QuadTile) -> Void
    /// (tile, ones, total); see ``QuadKernel``.
    @usableFromInline package let terms: @Sendable (QuadTile, UnsafePointer<Int32>, Int32) -> Void
    /// (planes, planeStride, planeCount, count, readable, flip, missing, target); see
    /// ``QuadStageKernel``.
    @usableFromInline package let interleave:
        @Sendable (Bytes, Int, Int, Int, Int, UInt8, UInt8, Quads) -> Void
    /// (source, step, stride, count, target, planeStride, planeCount); see ``QuadStageKernel``.
    @usableFromInline package let pick:
        @Sendable (UnsafePointer<Int32>, Int, Int, Int, Quads, Int, Int) -> Void
    /// (row, stride, dilation, count, target); see ``QuadStageKernel``.
    @usableFromInline package let windows: @Sendable (Bytes, Int, Int, Int, Quads) -> Void
    /// (source, count, flip, target); see ``QuadStageKernel``.
    @usableFromInline package let copy:
        @Sendable (Bytes, Int, UInt8, UnsafeMutablePointer<UInt8>) -> Void
    /// Runs a ``QuadLaneTile``.
    @usableFromInline package let runLanes: @Sendable (QuadLaneTile) -> Void
    /// (planes, planeStride, planeCount, byteCount, readable, flip, target); see
    /// ``QuadLaneStageKernel``.
    @usableFromInline package let gatherLanes:
        @Sendable (Bytes, Int, Int, Int, Int, UInt8, Quads) -> Void
    /// (pixels, base, width, first, stride, count, zeros, target); see ``QuadLaneStageKernel``.
    @usableFromInline package let windowLanes:
        @Sendable (UnsafePointer<Int32>, Int, Int, Int, Int, Int, Int32, Quads) -> Void
    /// (source, count, planes, planeStride, planeCount); see ``QuadLaneStageKernel``.
    @usableFromInline package let scatterLanes:
        @Sendable (Bytes, Int, UnsafeMutablePointer<UInt8>, Int, Int) -> Void

    /// Instantiates the kernels for an instruction set.
    @inlinable
    @inline(__always)
    internal init<I: QuadInstructionSet>(_ instructionSet: I.Type) {
        blockHeight = { QuadKernel<I>.height(remaining: $0) }
        run = { QuadKernel<I>.run($0) }
        unsafe terms = { unsafe QuadKernel<I>.terms($0, $1, $2) }
        unsafe interleave = {
            unsafe QuadStageKernel<I>.interleave($0, $1, $2, $3, $4, $5, $6, $7)
        }
        unsafe pick = { unsafe QuadStageKernel<I>.pick($0, $1, $2, $3, $4, $5, $6) }
        unsafe windows = { unsafe QuadStageKernel<I>.windows($0, $1, $2, $3, $4) }
        unsafe copy = { unsafe QuadStageKernel<I>.copy($0, $1, $2, $3) }
        runLanes = { QuadLaneKernel<I>.run($0) }
        unsafe gatherLanes = {
            unsafe QuadLaneStageKernel<I>.gather($0, $1, $2, $3, $4, $5, $6)
        }
        unsafe windowLanes = {
            unsafe QuadLaneStageKernel<I>.windows($0, $1, $2, $3, $4, $5, $6, $7)
        }
        unsafe scatterLanes = { unsafe QuadLaneStageKernel<I>.scatter($0, $1, $2, $3, $4) }
    }
}
