import Foundation
import TernONNX
import TernTensor

/// Tensors in a folder, under the names that ONNX's test data uses or under their own.
///
/// `input_0.pb`, `input_1.pb`… hold the inputs in the model's order as ONNX TensorProto;
/// `NAME.npy` holds the tensor of that name. Outputs likewise.
enum TensorFolder {
    /// What a folder's tensors are.
    enum Role: String {
        case input, output
    }

    /// Reads a single `.npy` file.
    static func readNumPy(_ path: String) throws -> Tensor {
        guard FileManager.default.fileExists(atPath: path) else {
            throw Failure(.noInput, "\(path): there is no such file")
        }
        do throws(FileError) {
            return try NPYFile.read(path)
        } catch {
            throw Failure(.data, "\(error)")
        }
    }

    /// Reads one tensor for each descriptor.
    ///
    /// - Throws: ``Failure`` that names what is missing and where it was looked for.
    static func read(
        _ folder: String,
        role: Role,
        of descriptors: [TensorDescriptor]
    ) throws -> [Tensor] {
        var isFolder: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder),
            isFolder.boolValue
        else { throw Failure(.noInput, "\(folder): there is no such folder") }
        return try descriptors.enumerated().map { index, descriptor in
            let proto = "\(folder)/\(role.rawValue)_\(index).pb"
            let numPy = "\(folder)/\(fileName(descriptor.name)).npy"
            if FileManager.default.fileExists(atPath: proto) { return try readProto(proto) }
            if FileManager.default.fileExists(atPath: numPy) { return try readNumPy(numPy) }
            throw Failure(
                .noInput,
                "the \(role.rawValue) '\(descriptor.name)' isn't in \(folder): "
                    + "neither \(role.rawValue)_\(index).pb nor \(fileName(descriptor.name)).npy"
            )
        }
    }

    /// Writes `output_K.pb`.
    static func write(_ tensor: Tensor, named name: String, index: Int, in folder: String) throws {
        let path = "\(folder)/output_\(index).pb"
        do {
            try TensorFile.write(tensor, name: name, to: path)
        } catch {
            throw Failure(.cannotCreate, "\(path): \(error)")
        }
    }

    /// Writes `NAME.npy` and tells its path.
    static func writeNumPy(_ tensor: Tensor, named name: String, in folder: String) throws -> String
    {
        let path = "\(folder)/\(fileName(name)).npy"
        do throws(FileError) {
            try NPYFile.write(tensor, to: path)
        } catch {
            throw Failure(.cannotCreate, "\(error)")
        }
        return path
    }

    /// Makes sure that a folder is there.
    static func make(_ folder: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: folder,
                withIntermediateDirectories: true
            )
        } catch {
            throw Failure(
                .cannotCreate,
                "\(folder): the folder cannot be made: \(error.localizedDescription)"
            )
        }
    }

    private static func readProto(_ path: String) throws -> Tensor {
        do {
            return try TensorFile.read(path).tensor
        } catch {
            throw Failure(.data, "\(path): \(error)")
        }
    }

    /// A tensor's name as a file's: what a path gives a meaning of its own becomes `_`.
    private static func fileName(_ name: String) -> String {
        String(name.map { $0 == "/" || $0 == "\\" || $0 == ":" || $0 == "\0" ? "_" : $0 })
    }
}
