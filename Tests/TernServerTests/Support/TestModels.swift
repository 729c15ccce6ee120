import TernRuntime
import TernServer
import TernTensor

/// Gives each input back as an output of the same position, named `out` and the input's name, or as
/// asked for; the outputs are the inputs' own bytes.
final class EchoModel: ExecutableModel {
    let inputs: [TensorDescriptor]
    let outputs: [TensorDescriptor]
    /// Whether the outputs are copies, in memory of the executor's own.
    private let copies: Bool
    /// Called before each run.
    private let beforeRun: @Sendable () throws(ExecutionFailure) -> Void

    init(
        inputs: [TensorDescriptor] = [
            TensorDescriptor(name: "x", elementType: .fp32, dimensions: [.symbolic("n")])
        ],
        outputs: [TensorDescriptor]? = nil,
        copies: Bool = false,
        beforeRun: @escaping @Sendable () throws(ExecutionFailure) -> Void = {}
    ) {
        self.inputs = inputs
        self.copies = copies
        self.outputs =
            outputs
            ?? inputs.map {
                TensorDescriptor(
                    name: "out \($0.name)",
                    elementType: $0.elementType,
                    dimensions: $0.dimensions
                )
            }
        self.beforeRun = beforeRun
    }

    func makeExecutor() throws(ExecutionFailure) -> any ModelExecutor {
        EchoExecutor(inputCount: inputs.count, copies: copies, beforeRun: beforeRun)
    }
}

/// Runs an ``EchoModel``; used by one thread at a time, as every executor.
@safe final class EchoExecutor: ModelExecutor, @unchecked Sendable {
    private var bytes: [UnsafeRawBufferPointer]
    private var shapes: [Shape]
    private var copied: [UnsafeMutableRawBufferPointer] = unsafe []
    private let copies: Bool
    private let beforeRun: @Sendable () throws(ExecutionFailure) -> Void

    init(
        inputCount: Int,
        copies: Bool,
        beforeRun: @escaping @Sendable () throws(ExecutionFailure) -> Void
    ) {
        let nothing = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        unsafe bytes = Array(repeating: nothing, count: inputCount)
        shapes = Array(repeating: [], count: inputCount)
        self.copies = copies
        self.beforeRun = beforeRun
    }

    deinit { freeCopies() }

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
        guard copies else { return }
        freeCopies()
        unsafe copied = unsafe bytes.map { bytes in
            let memory = UnsafeMutableRawBufferPointer.allocate(
                byteCount: bytes.count,
                alignment: 64
            )
            unsafe memory.copyMemory(from: bytes)
            return unsafe memory
        }
        unsafe bytes = unsafe copied.map { UnsafeRawBufferPointer($0) }
    }

    private func freeCopies() {
        unsafe copied.forEach { unsafe $0.deallocate() }
        unsafe copied = []
    }

    func outputShape(_ index: Int) -> Shape { shapes[index] }

    @_lifetime(borrow self)
    func outputBytes(_ index: Int) -> RawSpan {
        let span = unsafe RawSpan(_unsafeBytes: bytes[index])
        return unsafe _overrideLifetime(span, borrowing: self)
    }
}
