import Glibc
import TernTensor

/// Finds tensors' data in files beside the model.
///
/// The model is not trusted: a location must be relative, and what it leads to, symbolic links
/// followed, must lie in the model's own folder. Only regular files are read, and no more than the
/// tensor takes.
struct ExternalData {
    /// The model's folder.
    let folder: String

    /// Reads the data of one tensor.
    ///
    /// - Parameters:
    ///   - entries: The keys and values that the model gives: `location`, `offset`, `length`.
    ///   - byteCount: How many bytes the tensor takes.
    /// - Returns: The bytes.
    /// - Throws: ``ONNXError`` if the location is not allowed or the file does not hold the data.
    func bytes(
        described entries: [(key: String, value: String)],
        byteCount: Int
    ) throws(ONNXError) -> [UInt8] {
        var values: [String: String] = [:]
        for (key, value) in entries where values.updateValue(value, forKey: key) != nil {
            throw .invalid(["the key \(key) of the external data is given twice"])
        }
        guard let location = values["location"], !location.isEmpty else {
            throw .invalid(["the external data has no location"])
        }
        let offset = try Self.number("offset", values) ?? 0
        if let length = try Self.number("length", values), length != byteCount {
            throw .invalid([
                "the tensor takes \(byteCount) bytes, its external data says \(length)"
            ])
        }
        let path = try resolved(location)
        do throws(FileError) {
            return try FileBytes.read(
                path,
                offset: offset,
                byteCount: byteCount,
                byteCountLimit: byteCount
            )
        } catch {
            throw .file("the external data \(location) \(error.reason)")
        }
    }

    private static func number(
        _ key: String,
        _ values: [String: String]
    ) throws(ONNXError) -> Int? {
        guard let text = values[key] else { return nil }
        guard let number = Int(text), number >= 0 else {
            throw .invalid(["the \(key) of the external data is not a number of bytes"])
        }
        return number
    }

    /// The real path of a location, once it is known to lie in the folder.
    private func resolved(_ location: String) throws(ONNXError) -> String {
        let parts = location.split(separator: "/", omittingEmptySubsequences: false)
        guard !location.utf8.contains(0), !location.hasPrefix("/"), !parts.contains("..") else {
            throw .invalid(["the external data's location must be a path inside the model's folder"]
            )
        }
        guard let root = Self.realPath(folder) else {
            throw .file("the model's folder \(folder) cannot be found")
        }
        guard let target = Self.realPath(folder + "/" + location) else {
            throw .file("the external data \(location) cannot be found in the model's folder")
        }
        guard target.hasPrefix(root.hasSuffix("/") ? root : root + "/") else {
            throw .invalid(["the external data \(location) leads out of the model's folder"])
        }
        return target
    }

    private static func realPath(_ path: String) -> String? {
        // SAFETY: with no buffer given, realpath allocates a terminated string for the caller to
        // free, or returns nil.
        guard let resolved = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }
}
