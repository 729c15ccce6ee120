import Glibc

/// Why a file could not be read or written.
package struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file.
    package var path: String
    /// What was wrong with it.
    package var reason: String

    /// Describes a failure.
    package init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    /// The path, then the reason.
    package var description: String { "\(path): \(reason)" }
}

/// Whole files, read and written without Foundation, which a client need not link.
///
/// Only regular files are read: opening a pipe or a device by mistake neither blocks nor reads
/// without end.
package enum FileBytes {
    /// Reads a file, or a part of it.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - offset: Where to begin.
    ///   - byteCount: How much to read; `nil` means up to the end.
    ///   - byteCountLimit: How much may be read at most; checked before memory is taken.
    /// - Returns: The bytes.
    /// - Throws: ``FileError`` if the file cannot be read, is shorter or longer than that.
    package static func read(
        _ path: String,
        offset: Int = 0,
        byteCount: Int? = nil,
        byteCountLimit: Int
    ) throws(FileError) -> [UInt8] {
        precondition(offset >= 0 && (byteCount ?? 0) >= 0, "a part of a file begins in it")
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure(path, "cannot be opened") }
        defer { _ = close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw failure(path, "cannot be examined")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw FileError(path: path, reason: "is not a regular file")
        }
        let available = max(0, Int(status.st_size) - offset)
        let wanted = byteCount ?? available
        guard wanted <= available else {
            throw FileError(
                path: path,
                reason: "\(wanted) bytes are needed at offset \(offset), \(available) are there"
            )
        }
        guard wanted <= byteCountLimit else {
            throw FileError(
                path: path,
                reason: "\(wanted) bytes are more than the limit of \(byteCountLimit)"
            )
        }
        var error: FileError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: wanted) { target, count in
            while count < wanted {
                // SAFETY: the rest of the target has `wanted - count` bytes.
                let next = unsafe pread(
                    descriptor,
                    target.baseAddress.map { unsafe $0 + count },
                    wanted - count,
                    off_t(offset + count)
                )
                if next > 0 {
                    count += next
                } else if next == 0 {
                    error = FileError(path: path, reason: "became shorter while it was read")
                    return
                } else if errno != EINTR {
                    error = failure(path, "cannot be read")
                    return
                }
            }
        }
        if let error { throw error }
        return bytes
    }

    /// Writes a file, replacing what was there.
    ///
    /// - Parameters:
    ///   - bytes: What the file will hold.
    ///   - path: The file.
    /// - Throws: ``FileError`` if it cannot be written.
    package static func write(_ bytes: [UInt8], to path: String) throws(FileError) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw failure(path, "cannot be created") }
        var error: FileError?
        unsafe bytes.withUnsafeBytes { source in
            var count = 0
            while count < source.count {
                // SAFETY: the rest of the source has `source.count - count` bytes.
                let next = unsafe Self.writeSome(
                    descriptor,
                    source.baseAddress.map { unsafe $0 + count },
                    source.count - count
                )
                if next >= 0 {
                    count += next
                } else if errno != EINTR {
                    error = failure(path, "cannot be written")
                    return
                }
            }
        }
        // Some file systems report a full disk only here.
        if close(descriptor) != 0, error == nil { error = failure(path, "cannot be written") }
        if let error { throw error }
    }

    @unsafe private static func writeSome(
        _ descriptor: CInt,
        _ bytes: UnsafeRawPointer?,
        _ byteCount: Int
    ) -> Int {
        unsafe Glibc.write(descriptor, bytes, byteCount)
    }

    private static func failure(_ path: String, _ what: String) -> FileError {
        // SAFETY: strerror returns a terminated string, a constant one for every code there is.
        let reason = unsafe String(cString: strerror(errno))
        return FileError(path: path, reason: "\(what): \(reason)")
    }
}
