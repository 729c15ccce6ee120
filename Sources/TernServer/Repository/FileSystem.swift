internal import Glibc

// The few questions a repository asks of the file system. Names of files are bytes to the kernel;
// those that are not UTF-8 are reported with their bad bytes replaced, and cannot be opened.

/// Why the file system gave no answer.
package struct FileSystemError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was asked for.
    package let path: String
    /// The system's reason.
    package let reason: String

    package var description: String { "\(path): \(reason)" }
}

/// Questions to the file system, each one call of the C library.
package enum FileSystem {
    /// What stands at a path, symbolic links followed.
    package enum Kind: Equatable, Sendable {
        case folder
        case file(byteCount: Int)
        case other
    }

    /// Lists the names in a folder, sorted, without `.` and `..`.
    package static func names(in folder: String) throws(FileSystemError) -> [String] {
        guard let stream = unsafe opendir(folder) else { throw lastError(at: folder) }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            // SAFETY: `d_name` is NUL-terminated and lives until the next `readdir`.
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Tells what stands at `path`.
    package static func kind(of path: String) throws(FileSystemError) -> Kind {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { throw lastError(at: path) }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: return .folder
        case S_IFREG: return .file(byteCount: Int(status.st_size))
        default: return .other
        }
    }

    /// The absolute path without symbolic links.
    package static func resolved(_ path: String) throws(FileSystemError) -> String {
        guard let resolved = unsafe realpath(path, nil) else { throw lastError(at: path) }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    /// Tells whether `path`, once resolved, lies within `folder`, which is resolved already.
    package static func isResolved(
        _ path: String,
        within folder: String
    ) throws(FileSystemError) -> Bool {
        let target = try resolved(path)
        return target == folder || target.hasPrefix(folder.hasSuffix("/") ? folder : folder + "/")
    }

    private static func lastError(at path: String) -> FileSystemError {
        FileSystemError(path: path, reason: unsafe String(cString: strerror(errno)))
    }
}
