import Foundation
import TernArtefact
import TernGraph
import TernKernels
import TernONNX
import TernRuntime
import TernServer
import TernThreadPool

/// Reads and compiles model files for the commands that work without a server.
enum ModelLoading {
    /// The model file that an argument names: a file, or a folder that holds a `model.tern` or a
    /// `model.onnx`.
    static func path(_ argument: String) throws -> String {
        var isFolder: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: argument, isDirectory: &isFolder) else {
            throw Failure(.noInput, "\(argument): there is no such file or folder")
        }
        guard isFolder.boolValue else { return argument }
        let paths = ModelFile.names.map { "\(argument)/\($0)" }
        guard let path = paths.first(where: FileManager.default.fileExists(atPath:)) else {
            let names = ModelFile.names.joined(separator: " and no ")
            throw Failure(.noInput, "\(argument): the folder holds no \(names)")
        }
        return path
    }

    /// Reads a model file, whether or not its operators are supported.
    static func read(_ path: String) throws -> ONNXModel {
        do throws(ONNXError) {
            return try ONNXModel(contentsOf: path)
        } catch {
            throw Failure(.data, "\(path): \(error)")
        }
    }

    /// Reads a model file of either kind and makes it ready; its calls may use every processor, or as
    /// many threads as are given.
    static func load(_ path: String, threadCount: Int? = nil) throws -> CompiledModel {
        do throws(ModelFileError) {
            return try ModelFile.load(path, context: context(threadCount: threadCount))
        } catch {
            throw Failure(.data, "\(path): \(error)")
        }
    }

    /// Makes an artefact ready, as ``load(_:threadCount:)`` does.
    static func load(
        _ artefact: Artefact,
        from path: String,
        threadCount: Int? = nil
    ) throws -> CompiledModel {
        do throws(ModelFileError) {
            return try ModelFile.load(artefact, context: context(threadCount: threadCount))
        } catch {
            throw Failure(.data, "\(path): \(error)")
        }
    }

    /// Reads an artefact.
    static func readArtefact(_ path: String) throws -> Artefact {
        do throws(ArtefactError) {
            return try Artefact(contentsOf: path)
        } catch {
            throw Failure(.data, "\(path): \(error)")
        }
    }

    private static func context(threadCount: Int?) -> KernelContext {
        // The thread that calls takes part as well.
        let workerCount = (threadCount ?? ThreadPool.availableProcessorCount) - 1
        return KernelContext(pool: workerCount > 0 ? ThreadPool(workerCount: workerCount) : nil)
    }

    /// Compiles a graph; its calls may use every processor, or as many threads as are given.
    ///
    /// - Parameters:
    ///   - graph: The graph as the file has it.
    ///   - path: The file, for messages.
    ///   - threadCount: The threads that a call may use; all processors if it is `nil`.
    ///   - disabled: The names of passes that are left out.
    ///   - enabled: The names of passes that are run although they usually aren't.
    ///   - recordsChanges: Whether the model tells what each pass changed.
    /// - Returns: The model.
    /// - Throws: ``Failure`` if a pass is unknown or the graph cannot be compiled.
    static func compile(
        _ graph: Graph,
        from path: String,
        threadCount: Int? = nil,
        without disabled: [String] = [],
        with enabled: [String] = [],
        recordsChanges: Bool = false
    ) throws -> CompiledModel {
        let known = CompiledModel.fusionPasses.map(\.name)
        if let unknown = (disabled + enabled).first(where: { !known.contains($0) }) {
            throw Failure(
                .usage,
                "there is no pass '\(unknown)'; there are \(known.joined(separator: ", "))"
            )
        }
        var options = CompiledModel.Options()
        options.disabledFusions = CompiledModel.optionalPasses.subtracting(enabled).union(disabled)
        options.recordsChanges = recordsChanges
        do throws(GraphError) {
            return try CompiledModel(
                graph,
                context: context(threadCount: threadCount),
                options: options
            )
        } catch {
            throw Failure(.data, "\(path): \(error)")
        }
    }
}
