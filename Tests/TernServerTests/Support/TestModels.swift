import Foundation
import Synchronization
import TernServer
import TernTensor
import TernTransport

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

    func run() throws(ExecutionFailure) { try beforeRun() }

    func outputShape(_ index: Int) -> Shape { shapes[index] }

    @_lifetime(borrow self)
    func outputBytes(_ index: Int) -> RawSpan {
        let span = unsafe RawSpan(_unsafeBytes: bytes[index])
        return unsafe _overrideLifetime(span, borrowing: self)
    }
}

/// Something that models wait at until the test opens it.
final class Gate: Sendable {
    private let condition = GateCondition()

    /// How many wait at it, or have gone through.
    var arrivedCount: Int { condition.with { $0.arrivedCount } }

    /// Lets everybody through from now on.
    func open() { condition.with { $0.isOpen = true } }

    /// Waits until the gate is open.
    func pass() {
        condition.with { $0.arrivedCount += 1 }
        condition.wait { $0.isOpen }
    }

    /// Waits until `count` have arrived; `false` after ten seconds.
    func waitForArrivals(_ count: Int) -> Bool {
        condition.wait { $0.arrivedCount >= count }
    }
}

/// A gate's state, and the means to wait for it.
private final class GateCondition: @unchecked Sendable {
    struct State {
        var isOpen = false
        var arrivedCount = 0
    }

    private let condition = NSCondition()
    private var state = State()

    func with<Result>(_ body: (inout State) -> Result) -> Result {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        return body(&state)
    }

    @discardableResult
    func wait(until isTrue: (State) -> Bool) -> Bool {
        let limit = Date(timeIntervalSinceNow: 10)
        condition.lock()
        defer { condition.unlock() }
        while !isTrue(state) {
            guard condition.wait(until: limit) else { return isTrue(state) }
        }
        return true
    }
}
