import TernKernels
import TernMicrokernels
import TernTensor

/// A function of rows of 32-bit floats.
final class FunctionWork: BenchmarkedWork {
    private let work: FunctionCase
    private let context: KernelContext
    private let x: AlignedBuffer
    private let y: AlignedBuffer
    private let scale: AlignedBuffer

    init(_ work: FunctionCase, context: KernelContext) {
        self.work = work
        self.context = context
        x = BenchmarkMemory.floats(work.rowCount * work.columnCount)
        y = BenchmarkMemory.floats(work.rowCount * work.columnCount)
        scale = BenchmarkMemory.floats(work.columnCount)
    }

    func run(copy: Int) {
        // SAFETY: the buffers have the sizes of the case.
        let source = unsafe UnsafePointer(x.baseAddress.assumingMemoryBound(to: Float.self))
        let target = unsafe y.baseAddress.assumingMemoryBound(to: Float.self)
        let factors = unsafe UnsafePointer(scale.baseAddress.assumingMemoryBound(to: Float.self))
        let rows = work.rowCount
        let columns = work.columnCount
        if let operation = work.function.operation {
            unsafe Elementwise.apply(
                operation,
                source,
                into: target,
                count: rows * columns,
                context: context
            )
            return
        }
        switch work.function {
        case .softmax:
            unsafe Softmax.apply(
                source,
                into: target,
                outer: rows,
                axis: columns,
                inner: 1,
                context: context
            )
        case .rmsnorm:
            unsafe Normalization.rootMeanSquare(
                source,
                into: target,
                rowCount: rows,
                count: columns,
                scale: factors,
                epsilon: 1e-5,
                context: context
            )
        default:
            unsafe Normalization.layer(
                source,
                into: target,
                rowCount: rows,
                count: columns,
                scale: factors,
                bias: factors,
                epsilon: 1e-5,
                context: context
            )
        }
    }
}
