import TernKernels
import TernMicrokernels
import TernTensor

/// The functions whose result doesn't look like their argument, and what others need beside it.
@safe struct FunctionStep {
    private let work: FunctionCase
    private let pooling: Pooling?
    private let transposition: StridedCopy
    private let owned: AlignedBuffer
    private let second: AlignedBuffer

    /// How the two sides of an addition meet; `nil` if it is none.
    let broadcast: Broadcast?

    /// As many ones as there are rows.
    var ones: UnsafePointer<Float> {
        // SAFETY: the buffer holds as many floats.
        unsafe UnsafePointer(owned.baseAddress.assumingMemoryBound(to: Float.self))
    }

    /// A second matrix.
    var addend: UnsafeMutablePointer<Float> {
        // SAFETY: the buffer holds as many floats.
        unsafe second.baseAddress.assumingMemoryBound(to: Float.self)
    }

    init(_ work: FunctionCase) {
        self.work = work
        owned = AlignedBuffer(byteCount: work.rowCount * 4)
        second = BenchmarkMemory.floats(work.function == .add ? work.elementCount : 1)
        let matrix: Shape = [work.rowCount, work.columnCount]
        broadcast =
            switch work.function {
            case .add: Broadcast(matrix, matrix)
            case .addrow: Broadcast(matrix, [1, work.columnCount])
            case .addcolumn: Broadcast(matrix, [work.rowCount, 1])
            default: nil
            }
        var permutation = InlineArray<8, Int>(repeating: 0)
        permutation[0] = 1
        transposition = StridedCopy(transposing: matrix, permutation: permutation)
        let extent = Window.Extent(height: 3, width: 3)
        let padding = Window.Extent(height: 1, width: 1)
        pooling = Pooling(
            planeCount: work.rowCount,
            inputSize: Window.Extent(height: work.side, width: work.side),
            window: Window(
                kernel: extent,
                stride: Window.Extent(height: 2, width: 2),
                leading: padding,
                trailing: padding
            )
        )
        // SAFETY: the buffer holds as many floats.
        let floats = unsafe owned.baseAddress.assumingMemoryBound(to: Float.self)
        for row in 0..<work.rowCount { unsafe floats[row] = 1 }
    }

    /// Applies the function once.
    ///
    /// - Parameters:
    ///   - x: The argument; of a step, the sums of its gates.
    ///   - state: Of a step, what it keeps.
    ///   - y: The result.
    ///   - context: Where to run.
    @unsafe func run(
        _ x: UnsafeMutablePointer<Float>,
        _ state: UnsafeMutablePointer<Float>,
        into y: UnsafeMutablePointer<Float>,
        _ context: KernelContext
    ) {
        switch work.function {
        case .sum: unsafe fold(.sum, x, y, outer: work.rowCount, inner: 1, context)
        case .max: unsafe fold(.maximum, x, y, outer: work.rowCount, inner: 1, context)
        case .sumcolumns: unsafe fold(.sum, x, y, outer: 1, inner: work.columnCount, context)
        case .maxcolumns: unsafe fold(.maximum, x, y, outer: 1, inner: work.columnCount, context)
        case .transpose:
            unsafe transposition.run(x, into: y, elementByteCount: 4, context: context)
        case .avgpool: unsafe pooling?.average(x, into: y, context: context)
        case .lstm:
            unsafe Recurrent.lstmStep(
                gates: x,
                cell: state,
                output: y,
                outputRowStride: work.columnCount,
                batchCount: work.rowCount,
                hiddenCount: work.columnCount,
                context: context
            )
        default: unsafe gru(x, state, y, context)
        }
    }

    private func fold(
        _ function: ReductionFunction,
        _ x: UnsafeMutablePointer<Float>,
        _ y: UnsafeMutablePointer<Float>,
        outer: Int,
        inner: Int,
        _ context: KernelContext
    ) {
        unsafe Reduction.apply(
            function,
            x,
            into: y,
            outer: outer,
            axis: work.elementCount / (outer * inner),
            inner: inner,
            elementType: .fp32,
            context: context
        )
    }

    /// With `linear_before_reset`, as most models have it.
    private func gru(
        _ x: UnsafeMutablePointer<Float>,
        _ recurrent: UnsafeMutablePointer<Float>,
        _ y: UnsafeMutablePointer<Float>,
        _ context: KernelContext
    ) {
        let hidden = unsafe UnsafePointer(x + 3 * work.elementCount)
        unsafe Recurrent.gruGates(
            inputs: x,
            recurrent: recurrent,
            hidden: hidden,
            hiddenRowStride: work.columnCount,
            reset: nil,
            batchCount: work.rowCount,
            hiddenCount: work.columnCount,
            context: context
        )
        unsafe Recurrent.gruOutput(
            inputs: x,
            recurrent: recurrent,
            hidden: hidden,
            hiddenRowStride: work.columnCount,
            output: y,
            outputRowStride: work.columnCount,
            batchCount: work.rowCount,
            hiddenCount: work.columnCount,
            context: context
        )
    }
}
