internal import TernGraph
internal import TernKernels
internal import TernONNX
package import TernRuntime
package import TernTensor
package import TernThreadPool

/// Where a model comes from.
package enum ModelSource: Sendable {
    /// A file.
    case file(path: String)
    /// The bytes of a file.
    case bytes([UInt8])
}

/// Turns model files into models that run.
///
/// Called on the loader's thread only.
package protocol ModelReader: Sendable {
    /// What `ModelMetadata` says the models were saved as.
    var platform: String { get }

    /// Reads and compiles a model.
    ///
    /// - Parameters:
    ///   - source: Where it comes from.
    ///   - pool: The threads that may help to run it.
    /// - Returns: The model, ready to run.
    /// - Throws: ``ExecutionFailure`` that says everything that stands in the way.
    func read(
        _ source: ModelSource,
        pool: ThreadPool
    ) throws(ExecutionFailure) -> any ExecutableModel
}

/// Reads ONNX models and compiles them for this machine; artefacts are compiled already.
package struct ONNXModelReader: ModelReader {
    package let platform = "onnx"

    package init() {}

    package func read(
        _ source: ModelSource,
        pool: ThreadPool
    ) throws(ExecutionFailure) -> any ExecutableModel {
        let bytes: [UInt8]
        switch source {
        case .file(let path): return try read(path, pool: pool)
        case .bytes(let given): bytes = given
        }
        let model: ONNXModel
        do throws(ONNXError) {
            model = try ONNXModel(bytes)
        } catch {
            throw ExecutionFailure(reason: error.description)
        }
        do throws(GraphError) {
            return RuntimeModel(try CompiledModel(model.graph, pool: pool))
        } catch {
            throw ExecutionFailure(reason: error.description)
        }
    }
}

extension ONNXModelReader {
    private func read(
        _ path: String,
        pool: ThreadPool
    ) throws(ExecutionFailure) -> any ExecutableModel {
        do throws(ModelFileError) {
            return RuntimeModel(
                try ModelFile.load(path, context: KernelContext(pool: pool))
            )
        } catch {
            throw ExecutionFailure(reason: error.description)
        }
    }
}

/// A compiled model, as the server sees it.
package final class RuntimeModel: ExecutableModel {
    private let model: CompiledModel

    package init(_ model: CompiledModel) { self.model = model }

    package var inputs: [TensorDescriptor] { model.inputs }
    package var outputs: [TensorDescriptor] { model.outputs }

    package func prepare(for shapes: [Shape]) { try? model.prepare(inputShapes: shapes) }

    package func makeExecutor() throws(ExecutionFailure) -> any ModelExecutor {
        RuntimeExecutor(Session(model, compilation: .inBackground))
    }
}

/// A session, as the server sees it.
private final class RuntimeExecutor: ModelExecutor {
    private let session: Session

    init(_ session: Session) { self.session = session }

    func bindInput(_ index: Int, _ bytes: RawSpan, shape: Shape) throws(ExecutionFailure) {
        do throws(RuntimeError) {
            // SAFETY: by this protocol's contract the bytes stay until the outputs have been read.
            try unsafe bytes.withUnsafeBytes { (bytes) throws(RuntimeError) in
                try unsafe session.bindInput(index, bytes, shape: shape)
            }
        } catch {
            throw ExecutionFailure(error)
        }
    }

    func run(unless interruption: Interruption) throws(ExecutionFailure) {
        do throws(RuntimeError) {
            try session.run(unless: interruption)
        } catch {
            throw ExecutionFailure(error)
        }
    }

    func outputShape(_ index: Int) -> Shape { session.outputShape(index) }

    @_lifetime(borrow self)
    func outputBytes(_ index: Int) -> RawSpan {
        // SAFETY: the bytes stay as long as the session is not used again, and `self` keeps it.
        let session = session
        let span = session.outputBytes(index)
        return unsafe _overrideLifetime(span, borrowing: self)
    }
}

extension ExecutionFailure {
    fileprivate init(_ error: RuntimeError) {
        let isCausedByRequest =
            switch error {
            case .shapeMismatch, .byteCountMismatch, .incompatibleShapes, .nodeFailed,
                .memoryLimitExceeded:
                true
            case .noSuchInput, .inputNotBound, .interrupted: false
            }
        self.init(
            isCausedByRequest: isCausedByRequest,
            isInterruption: error == .interrupted,
            reason: error.description
        )
    }
}
