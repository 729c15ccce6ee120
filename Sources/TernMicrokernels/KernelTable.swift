/// The kernels of one instruction set, described by data.
///
/// Drivers call through it, and tests walk all tables that the machine can run. The contracts of the
/// kernels stand with their code. A class, so that handing a table on costs one reference.
@usableFromInline @safe package final class KernelTable: Sendable {
    @usableFromInline package typealias Source = UnsafePointer<Float>
    @usableFromInline package typealias Target = UnsafeMutablePointer<Float>

    /// `portable`, `v3` or `v4`, as `TERN_ISA` spells it.
    @usableFromInline package let name: StaticString
    /// Floats per register.
    @usableFromInline package let laneCount: Int
    /// The columns of one packed panel of B: two registers.
    @usableFromInline package let panelWidth: Int
    /// The most rows one block of C has.
    @usableFromInline package let blockRowCount: Int

    /// What the machine can do at best.
    @usableFromInline package let limits: LimitKernels
    /// Runs a ``GEMMTile``: see ``GEMMBody``.
    @usableFromInline package let gemm: @Sendable (borrowing GEMMTile) -> Void
    /// Fills one panel of B: (b, depthStride, columnStride, depth, columnCount, scale, target); see
    /// ``PackKernel``.
    @usableFromInline package let pack:
        @Sendable (Source, Int, Int, Int, Int, Float, Target) -> Void
    /// The kernels of convolution.
    @usableFromInline package let convolution: ConvolutionKernels
    /// (operation, x, y, count); see ``UnaryKernel``.
    @usableFromInline package let unary: @Sendable (UnaryOperation, Source, Target, Int) -> Bool
    /// (function, operands, x, y, z, count); see ``BinaryKernel``.
    @usableFromInline package let binary:
        @Sendable (BinaryFunction, BinaryOperands, Source, Source, Target, Int) -> Bool
    /// (fold, x, count, shift); see ``ReductionKernel``.
    @usableFromInline package let foldRow: @Sendable (RowFold, Source, Int, Float) -> Float
    /// (fold, x, stride, weight, sums, count); see ``ReductionKernel``.
    @usableFromInline package let foldColumns:
        @Sendable (StridedFold, Source, Int, Float, Target, Int) -> Void
    /// Normalisations, softmax, recurrent cells.
    @usableFromInline package let rows: RowKernels
    /// Masked softmax by blocks, transposition.
    @usableFromInline package let attention: AttentionKernels
    /// binary16 to binary32.
    @usableFromInline package let widenHalf: @Sendable (UnsafePointer<UInt16>, Target, Int) -> Void
    /// binary32 to binary16.
    @usableFromInline package let narrowHalf:
        @Sendable (Source, UnsafeMutablePointer<UInt16>, Int) -> Void
    /// bfloat16 to binary32.
    @usableFromInline package let widenBFloat:
        @Sendable (UnsafePointer<UInt16>, Target, Int) -> Void
    /// binary32 to bfloat16.
    @usableFromInline package let narrowBFloat:
        @Sendable (Source, UnsafeMutablePointer<UInt16>, Int) -> Void
    /// Bytes, bfloat16 and blocks.
    @usableFromInline package let quantized: QuantizedKernels
    /// Convolutions of bytes.
    @usableFromInline package let quads: QuadKernels

    /// Instantiates all kernels for an instruction set.
    ///
    /// Called once by each module that is compiled for one.
    @inlinable
    @inline(__always)
    package init<I: BFloatInstructionSet & QuadInstructionSet & PlaneInstructionSet>(
        name: StaticString,
        _ instructionSet: I.Type
    ) {
        self.name = name
        laneCount = I.laneCount
        panelWidth = 2 &* I.laneCount
        blockRowCount = I.maximumRowCount
        limits = LimitKernels(I.self)
        quantized = QuantizedKernels(I.self)
        quads = QuadKernels(I.self)
        gemm = { GEMMKernel<I>.run($0) }
        unsafe pack = { unsafe PackKernel<I>.panel($0, $1, $2, $3, $4, $5, $6) }
        convolution = ConvolutionKernels(I.self)
        unsafe unary = { unsafe UnaryKernel<I>.run($0, $1, $2, $3) }
        unsafe binary = { unsafe BinaryKernel<I>.run($0, $1, $2, $3, $4, $5) }
        unsafe foldRow = { unsafe ReductionKernel<I>.row($0, $1, $2, $3) }
        unsafe foldColumns = { unsafe ReductionKernel<I>.columns($0, $1, $2, $3, $4, $5) }
        rows = RowKernels(I.self)
        attention = AttentionKernels(I.self)
        unsafe widenHalf = {
            unsafe ConversionKernel<I>.widen($0, $1, $2) { I.floats(half: $0) }
        }
        unsafe narrowHalf = { unsafe ConversionKernel<I>.narrow($0, $1, $2) { I.half($0) } }
        unsafe widenBFloat = {
            unsafe ConversionKernel<I>.widen($0, $1, $2) {
                ConversionKernel<I>.floats(bfloat: $0)
            }
        }
        unsafe narrowBFloat = {
            unsafe ConversionKernel<I>.narrow($0, $1, $2) { ConversionKernel<I>.bfloat($0) }
        }
    }
}
