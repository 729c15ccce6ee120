import Foundation
import TernGraph
import TernONNX
import TernRuntime
import TernThreadPool

/// Reads and compiles model files for the commands that work without a server.
enum ModelLoading {
    /// The model file that an argument names: a file, or a folder that holds a `model.onnx`.
    static func path(_ argument: String) throws -> String {
        var isFolder: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: argument, isDirectory: &isFolder) else {
            throw Failure(.noInput, "\(argument): there is no such file or folder")
        }
        guard isFolder.boolValue else { return argument }
        let path = "\(argument)/model.onnx"
        guard FileManager.default.fileExists(atPath: path) else {
            throw Failure(.noInput, "\(argument): the folder holds no model.onnx")
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

    /// Compiles a graph; its calls may use every processor, or as many threads as are given.
    static func compile(
        _ graph: Graph,
        from path: String,
        threadCount: Int? = nil
    ) throws -> CompiledModel {
        // The thread that calls takes part as well.
        let workerCount = (threadCount ?? ThreadPool.availableProcessorCount) - 1
        let pool = workerCount > 0 ? ThreadPool(workerCount: workerCount) : nil
        do throws(GraphError) {
            return try CompiledModel(graph, pool: pool)
        } catch {
            throw Failure(.data, "\(path): \(error)")
        }
    }
}
