import TernRuntime
import TernServer
import TernTensor

/// Gives each input back as an output of the same position, named `out` and the input's name; the
/// outputs are the inputs' own bytes.
final class EchoModel: ExecutableModel {
    let inputs: [TensorDescriptor]
    let outputs: [TensorDescriptor]
    /// Called before each run.
    private let beforeRun: @Sendable () throws(ExecutionFailure) -> Void

    init(
        inputs: [TensorDescriptor] = [
            TensorDescriptor(name: "x", elementType: .fp32, dimensions: [.symbolic("n")])
        ],
        beforeRun: @escaping @Sendable () throws(ExecutionFailure) -> Void = {}
    ) {
        self.inputs = inputs
        outputs = inputs.map {
            TensorDescriptor(
                name: "out \($0.name)",
                elementType: $0.elementType,
                dimensions: $0.dimensions
            )
        }
        self.beforeRun = beforeRun
    }

    func makeExecutor() throws(ExecutionFailure) -> any ModelExecutor {
        EchoExecutor(inputCount: inputs.count, beforeRun: beforeRun)
    }
}

/// Runs an ``EchoModel``; used by one thread at a time, as every executor.
@safe final class EchoExecutor: ModelExecutor, @unchecked Sendable {
    private var bytes: [UnsafeRawBufferPointer]
    private var shapes: [Shape]
    private let beforeRun: @Sendable () throws(ExecutionFailure) -> Void

    init(inputCount: Int, beforeRun: @escaping @Sendable () throws(ExecutionFailure) -> Void) {
        let nothing = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        unsafe bytes = Array(repeating: nothing, count: inputCount)
        shapes = Array(repeating: [], count: inputCount)
        self.beforeRun = beforeRun
    }

    func bindInput(_ index: Int, _ bytes: RawSpan, shape: Shape) throws(ExecutionFailure) {
        // SAFETY: by the protocol's contract the bytes stay until the outputs have been read.
        unsafe self.bytes[index] = bytes.withUnsafeBytes { unsafe $0 }
        shapes[index] = shape
    }

    func run(unless interruption: Interruption) throws(ExecutionFailure) {
        try beforeRun()
        guard !interruption.isRequested else {
            throw ExecutionFailure(isInterruption: true, reason: "stopped")
        }
    }

    func outputShape(_ index: Int) -> Shape { shapes[index] }

    @_lifetime(borrow self)
    func outputBytes(_ index: Int) -> RawSpan {
        let span = unsafe RawSpan(_unsafeBytes: bytes[index])
        return unsafe _overrideLifetime(span, borrowing: self)
    }
}
