import Glibc
import TernTensor

extension Artefact {
    /// The end of an artefact's name.
    package static let fileExtension = "tern"

    /// Maps and reads a file.
    ///
    /// - Parameter path: The file.
    /// - Throws: ``ArtefactError``, with what was expected and what was found.
    package init(contentsOf path: String) throws(ArtefactError) {
        try self.init(decoding: MappedFile.open(path))
    }

    /// Whether a file is meant to be an artefact: it begins like one, or its name ends like one's.
    package static func isArtefact(_ path: String) -> Bool {
        if path.hasSuffix(".\(fileExtension)") { return true }
        let count = ArtefactFormat.magic.count
        let bytes = try? FileBytes.read(path, byteCount: count, byteCountLimit: count)
        return bytes == ArtefactFormat.magic
    }

    /// Writes the artefact to a file, which takes the place of what was there in one step: whoever has
    /// mapped the old file goes on with it.
    ///
    /// - Parameter path: The file.
    /// - Returns: How long the file is, in bytes.
    /// - Throws: ``ArtefactError/file(_:)``; what was there is there still.
    @discardableResult
    package func write(to path: String) throws(ArtefactError) -> Int {
        let encoded = encoded()
        let temporary = "\(path).\(getpid()).part"
        let descriptor = unsafe open(
            temporary,
            O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
            0o666
        )
        guard descriptor >= 0 else { throw MappedFile.failure(temporary, "cannot be created") }
        do throws(ArtefactError) {
            do throws(ArtefactError) {
                try Self.write(encoded, to: descriptor, temporary)
            } catch {
                _ = close(descriptor)
                throw error
            }
            // Some file systems report a full disk only here.
            guard close(descriptor) == 0, unsafe rename(temporary, path) == 0 else {
                throw MappedFile.failure(path, "cannot be written")
            }
        } catch {
            _ = unsafe unlink(temporary)
            throw error
        }
        return encoded.byteCount
    }

    private static func write(
        _ encoded: EncodedArtefact,
        to descriptor: CInt,
        _ path: String
    ) throws(ArtefactError) {
        try write(unsafe encoded.head.span.bytes, at: 0, to: descriptor, path)
        for (offset, memory) in encoded.blobs {
            try write(memory.bytes, at: offset, to: descriptor, path)
        }
        // The last blob may be empty and lie behind a gap.
        guard ftruncate(descriptor, off_t(encoded.byteCount)) == 0, fsync(descriptor) == 0 else {
            throw MappedFile.failure(path, "cannot be written")
        }
    }

    private static func write(
        _ bytes: RawSpan,
        at offset: Int,
        to descriptor: CInt,
        _ path: String
    ) throws(ArtefactError) {
        var written = 0
        while written < bytes.byteCount {
            let rest = bytes.extracting(written..<bytes.byteCount)
            // SAFETY: the pointer and the count are the span's own.
            let count = unsafe rest.withUnsafeBytes {
                unsafe pwrite(descriptor, $0.baseAddress, $0.count, off_t(offset + written))
            }
            if count >= 0 {
                written += count
            } else if errno != EINTR {
                throw MappedFile.failure(path, "cannot be written")
            }
        }
    }
}
