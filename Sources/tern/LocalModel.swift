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
    init(_ argument: String) throws {
        path = try ModelLoading.path(argument)
        model = try ModelLoading.compile(ModelLoading.read(path).graph, from: path)
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
}
