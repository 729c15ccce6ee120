import Foundation
import TernArtefact
import TernRuntime
import TernTensor

/// Inputs with the outputs that are expected of them, in files beside a model or inside an artefact.
struct StoredSets {
    /// One set.
    struct Set {
        /// Its name.
        let name: String
        /// Gives its tensors, one for each input and output of the model.
        let read: () throws -> (inputs: [Tensor], outputs: [Tensor])
    }

    /// Reads a model and finds the sets that belong to it.
    ///
    /// - Parameter argument: A folder with a model and `test_data_set_K`, or an artefact.
    /// - Returns: The model, and at least one set.
    /// - Throws: ``Failure`` if the model cannot be used, or there is no set.
    static func read(_ argument: String) throws -> (LocalModel, [Set]) {
        var isFolder: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: argument, isDirectory: &isFolder) else {
            throw Failure(.noInput, "there is no such folder")
        }
        let folders = isFolder.boolValue ? try dataSets(in: argument) : []
        guard folders.isEmpty else {
            let local = try LocalModel(argument)
            return (local, folders.map { folder in set(in: folder, of: local) })
        }
        let path = isFolder.boolValue ? "\(argument)/model.\(Artefact.fileExtension)" : argument
        guard FileManager.default.fileExists(atPath: path), Artefact.isArtefact(path) else {
            throw Failure(.noInput, "the folder holds no test_data_set_K")
        }
        let artefact = try ModelLoading.readArtefact(path)
        guard !artefact.goldenSets.isEmpty else {
            throw Failure(.noInput, "no golden inputs and outputs were compiled into the artefact")
        }
        let local = LocalModel(path, try ModelLoading.load(artefact, from: path))
        return (
            local,
            artefact.goldenSets.map { set in Set(name: set.name) { (set.inputs, set.outputs) } }
        )
    }

    private static func set(in folder: String, of local: LocalModel) -> Set {
        Set(name: URL(fileURLWithPath: folder).lastPathComponent) {
            (
                try TensorFolder.read(folder, role: .input, of: local.model.inputs),
                try TensorFolder.read(folder, role: .output, of: local.model.outputs)
            )
        }
    }

    /// The data sets of a model's folder, in the order of their numbers.
    ///
    /// - Parameter folder: The folder.
    /// - Returns: The folders `test_data_set_K` in it.
    /// - Throws: ``Failure`` if it cannot be read.
    static func dataSets(in folder: String) throws -> [String] {
        guard let entries = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
            throw Failure(.noInput, "there is no such folder")
        }
        let prefix = "test_data_set_"
        let numbered = entries.compactMap { entry in
            entry.hasPrefix(prefix) ? Int(entry.dropFirst(prefix.count)).map { ($0, entry) } : nil
        }
        return numbered.sorted { $0.0 < $1.0 }.map { "\(folder)/\($0.1)" }
    }
}
