import TernGraph
import TernONNX
import TernRuntime
import TernTensor

/// A model that runs in this process, for the commands that work without a server.
struct LocalModel {
    let path: String
    let model: CompiledModel
    private let session: Session

    /// Reads and compiles the model that an argument names.
    ///
    /// - Parameters:
    ///   - argument: A model file, or a folder that holds a `model.tern` or a `model.onnx`.
    ///   - threadCount: The threads that a call may use; all processors if it is `nil`.
    ///   - disabled: The names of passes that are left out.
    ///   - enabled: The names of passes that are run although they usually aren't.
    /// - Throws: ``Failure`` if the model cannot be read or compiled.
    init(
        _ argument: String,
        threadCount: Int? = nil,
        without disabled: [String] = [],
        with enabled: [String] = []
    ) throws {
        let path = try ModelLoading.path(argument)
        guard !disabled.isEmpty || !enabled.isEmpty else {
            self.init(path, try ModelLoading.load(path, threadCount: threadCount))
            return
        }
        let model = try ModelLoading.compile(
            ModelLoading.read(path).graph,
            from: path,
            threadCount: threadCount,
            without: disabled,
            with: enabled
        )
        self.init(path, model)
    }

    /// Takes a model that is ready.
    init(_ path: String, _ model: CompiledModel) {
        self.path = path
        self.model = model
        session = Session(model)
    }

    /// Runs the model once.
    ///
    /// - Parameter inputs: One tensor for each input, in the model's order.
    /// - Returns: The outputs, in the model's order.
    /// - Throws: ``Failure`` if the inputs don't fit the model.
    func run(_ inputs: [Tensor]) throws -> [Tensor] {
        do throws(RuntimeError) {
            for (index, input) in inputs.enumerated() { try session.bindInput(index, input) }
            try session.run()
        } catch {
            throw Failure(.data, "\(path): \(error)")
        }
        return model.outputs.indices.map { session.output($0) }
    }

    /// Runs the model again on the inputs of the last ``run(_:)``.
    func call() throws {
        do throws(RuntimeError) {
            try session.run()
        } catch {
            throw Failure(.data, "\(path): \(error)")
        }
    }

    /// Runs the model again on the inputs of the last ``run(_:)``, and tells when each step ran.
    func call(
        observing observe: (ExecutionPlan, ExecutionPlan.Step?, Range<ContinuousClock.Instant>) ->
            Void
    ) throws {
        do throws(RuntimeError) {
            var events: [(ExecutionPlan.Step?, Range<ContinuousClock.Instant>)] = []
            let plan = try session.run { events.append(($0, $1)) }
            for (step, range) in events { observe(plan, step, range) }
        } catch {
            throw Failure(.data, "\(path): \(error)")
        }
    }
}
