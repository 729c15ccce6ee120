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

    /// Reads a whole file.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - limitByteCount: The most bytes it may have; checked before memory is taken.
    /// - Returns: Its bytes.
    /// - Throws: ``FileSystemError``, also if the file is longer than the limit or changes its
    ///   length while it is read.
    package static func contents(
        of path: String,
        limitByteCount: Int
    ) throws(FileSystemError) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw lastError(at: path) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw lastError(at: path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw FileSystemError(path: path, reason: "expected a file")
        }
        let byteCount = Int(status.st_size)
        guard byteCount <= limitByteCount else {
            throw FileSystemError(
                path: path,
                reason: "expected at most \(limitByteCount) bytes, found \(byteCount)"
            )
        }
        var failure: FileSystemError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            while count < byteCount {
                // SAFETY: `buffer` has room for `byteCount` bytes and `count` is below that.
                let step = unsafe read(
                    descriptor,
                    buffer.baseAddress! + count,
                    byteCount - count
                )
                if step < 0 && errno == EINTR { continue }
                if step < 0 {
                    failure = lastError(at: path)
                    return
                }
                if step == 0 {
                    failure = FileSystemError(
                        path: path,
                        reason: "expected \(byteCount) bytes, the file ended after \(count)"
                    )
                    return
                }
                count += step
            }
        }
        if let failure { throw failure }
        return bytes
    }

    private static func lastError(at path: String) -> FileSystemError {
        FileSystemError(path: path, reason: unsafe String(cString: strerror(errno)))
    }
}
