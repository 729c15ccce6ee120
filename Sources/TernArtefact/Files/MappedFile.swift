import Glibc
package import TernTensor

/// A file's bytes in memory that all processes share which map it; given back when nobody uses them.
@safe private final class Mapping: @unchecked Sendable {
    // SAFETY: of "@unchecked Sendable": the memory is mapped for reading only, and nothing in here
    // changes.
    let bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { unsafe self.bytes = bytes }

    deinit {
        _ = unsafe munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    }
}

/// Files as memory.
package enum MappedFile {
    /// Maps a whole file for reading.
    ///
    /// The pages are the file's own, shared with every other process and mapping. A file in use must be
    /// replaced by renaming, as ``Artefact/write(to:)`` does, and never be made shorter: the processor
    /// reports a page that is gone with a signal.
    ///
    /// - Parameter path: The file; only a regular file is mapped.
    /// - Returns: Its bytes.
    /// - Throws: ``ArtefactError/file(_:)``.
    package static func open(_ path: String) throws(ArtefactError) -> AlignedBuffer {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure(path, "cannot be opened") }
        defer { _ = close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw failure(path, "cannot be examined")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .file("\(path): is not a regular file")
        }
        // An empty file cannot be mapped.
        guard status.st_size > 0 else { return AlignedBuffer(byteCount: 0) }
        let byteCount = Int(status.st_size)
        let address = unsafe mmap(nil, byteCount, PROT_READ, MAP_SHARED, descriptor, 0)
        guard unsafe address != MAP_FAILED, let address = unsafe address else {
            throw failure(path, "cannot be mapped into memory")
        }
        let bytes = unsafe UnsafeRawBufferPointer(start: address, count: byteCount)
        // SAFETY: a mapping starts on a page, and its memory stays until the keeper is gone.
        return unsafe AlignedBuffer(viewing: bytes, keptBy: Mapping(bytes))
    }

    static func failure(_ path: String, _ what: String) -> ArtefactError {
        // SAFETY: strerror returns a terminated string, a constant one for every code there is.
        let reason = unsafe String(cString: strerror(errno))
        return .file("\(path): \(what): \(reason)")
    }
}
