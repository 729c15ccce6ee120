import TernKernels
import TernMicrokernels
import TernTensor

/// A function of rows of 32-bit floats.
///
/// Where the result may take the place of the argument, it does, as the memory plan of a model has it:
/// twelve calls are a chain, of which the first reads one array, the last writes another, and the ones
/// between work in place on a third.
final class FunctionWork: BenchmarkedWork {
    private static let chainCount = 12

    private let work: FunctionCase
    private let context: KernelContext
    private let x: AlignedBuffer
    private let middle: AlignedBuffer
    private let y: AlignedBuffer
    private let scale: AlignedBuffer
    private let step: FunctionStep
    private var position = 0

    init(_ work: FunctionCase, context: KernelContext) {
        self.work = work
        self.context = context
        let isStep = work.function == .lstm || work.function == .gru
        x = BenchmarkMemory.floats(work.elementCount * (isStep ? 4 : 1))
        middle = BenchmarkMemory.floats(work.elementCount * (isStep ? 3 : 1))
        y = BenchmarkMemory.floats(work.elementCount)
        scale = BenchmarkMemory.floats(max(work.rowCount, work.columnCount))
        step = FunctionStep(work)
    }

    func run(copy: Int) {
        // SAFETY: the buffers have the sizes of the case.
        let source = unsafe x.baseAddress.assumingMemoryBound(to: Float.self)
        let between = unsafe middle.baseAddress.assumingMemoryBound(to: Float.self)
        let target = unsafe y.baseAddress.assumingMemoryBound(to: Float.self)
        let factors = unsafe UnsafePointer(scale.baseAddress.assumingMemoryBound(to: Float.self))
        guard work.function.isChained else {
            unsafe step.run(source, between, into: target, context)
            return
        }
        let isLast = position == Self.chainCount - 1
        unsafe apply(
            UnsafePointer(position == 0 ? source : between),
            into: isLast ? target : between,
            factors
        )
        position = isLast ? 0 : position + 1
    }

    private func apply(
        _ source: UnsafePointer<Float>,
        into target: UnsafeMutablePointer<Float>,
        _ factors: UnsafePointer<Float>
    ) {
        let (rows, columns) = (work.rowCount, work.columnCount)
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
        case .softmax, .logsoftmax:
            unsafe Softmax.apply(
                source,
                into: target,
                outer: rows,
                axis: columns,
                inner: 1,
                isLogarithmic: work.function == .logsoftmax,
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
        case .layernorm:
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
        case .batchnorm:
            unsafe Normalization.batch(
                source,
                into: target,
                batchCount: 1,
                channelCount: rows,
                spatialCount: columns,
                scale: factors,
                bias: factors,
                mean: factors,
                // Not negative.
                variance: step.ones,
                epsilon: 1e-5,
                context: context
            )
        case .groupnorm, .instancenorm:
            let groups = rows % 32 == 0 ? 32 : 1
            unsafe Normalization.group(
                source,
                into: target,
                batchCount: 1,
                channelCount: rows,
                spatialCount: columns,
                groupCount: work.function == .groupnorm ? groups : rows,
                scale: factors,
                bias: factors,
                epsilon: 1e-5,
                context: context
            )
        default:
            guard let broadcast = step.broadcast else {
                preconditionFailure("a function that is timed has no work")
            }
            unsafe Elementwise.apply(
                .add,
                UnsafeRawPointer(source),
                UnsafeRawPointer(work.function == .add ? UnsafePointer(step.addend) : factors),
                into: UnsafeMutableRawPointer(target),
                broadcast: broadcast,
                elementType: .fp32,
                context: context
            )
        }
    }
}
