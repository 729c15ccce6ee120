// An artefact is a compiled model as one file, made to be mapped into memory. All numbers are
// little-endian; `README.md` of this target is the specification.
//
//     0    header, 64 bytes
//     64   structure: what there is, the graph, and where the blobs lie
//     …    blobs: tensors and packed panels, each at a multiple of 64, in the order of the table

/// The constants of the format.
package enum ArtefactFormat {
    /// What an artefact begins with.
    ///
    /// The first byte is none of text or protobuf's, and the line ends
    /// show a transfer that meddled with them.
    package static let magic: [UInt8] = [0x89, 0x54, 0x45, 0x52, 0x4E, 0x0D, 0x0A, 0x1A]
    /// The version that is written, and the only one that is read.
    package static let version: UInt32 = 1
    /// The bytes of the header.
    package static let headerByteCount = 64
    /// What every blob's offset is a multiple of.
    package static let alignment = 64
    /// The deepest nesting of subgraphs.
    package static let subgraphDepthLimit = 64

    /// The next multiple of ``alignment``; `nil` if it does not fit.
    static func aligned(_ offset: UInt64) -> UInt64? {
        let (sum, overflow) = offset.addingReportingOverflow(UInt64(alignment) - 1)
        return overflow ? nil : sum & ~(UInt64(alignment) - 1)
    }
}

/// The first 64 bytes of an artefact.
struct ArtefactHeader {
    /// The bytes of the whole file.
    var fileByteCount: UInt64
    /// The bytes of the structure, which follows the header.
    var structureByteCount: UInt64
    /// The structure's checksum.
    var structureChecksum: UInt64

    var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.bytes += ArtefactFormat.magic
        writer.write(ArtefactFormat.version)
        writer.write(UInt32(ArtefactFormat.headerByteCount))
        writer.write(fileByteCount)
        writer.write(structureByteCount)
        writer.write(structureChecksum)
        while writer.bytes.count < ArtefactFormat.headerByteCount - 8 { writer.bytes.append(0) }
        writer.write(Checksum.of(unsafe writer.bytes.span.bytes))
        return writer.bytes
    }

    init(fileByteCount: UInt64, structureByteCount: UInt64, structureChecksum: UInt64) {
        self.fileByteCount = fileByteCount
        self.structureByteCount = structureByteCount
        self.structureChecksum = structureChecksum
    }

    /// Reads the header of a whole file and holds it against the file's length.
    init(of file: RawSpan) throws(ArtefactError) {
        let found = file.prefixBytes(ArtefactFormat.magic.count)
        guard found == ArtefactFormat.magic else { throw .notAnArtefact(found: found) }
        let headerByteCount = ArtefactFormat.headerByteCount
        guard file.byteCount >= headerByteCount else {
            throw .truncated(
                what: "its header",
                expectedByteCount: UInt64(headerByteCount),
                foundByteCount: UInt64(file.byteCount)
            )
        }
        var reader = ByteReader(file.extracting(ArtefactFormat.magic.count..<headerByteCount))
        let version: UInt32 = try reader.read()
        guard version == ArtefactFormat.version else {
            throw .unsupportedVersion(found: version, newest: ArtefactFormat.version)
        }
        let checked = Checksum.of(file.extracting(0..<headerByteCount - 8))
        let length: UInt32 = try reader.read()
        fileByteCount = try reader.read()
        structureByteCount = try reader.read()
        structureChecksum = try reader.read()
        try reader.skip(headerByteCount - 8 - 40)
        let checksum: UInt64 = try reader.read()
        guard checksum == checked else {
            throw .damaged(part: "its header", expectedChecksum: checksum, foundChecksum: checked)
        }
        guard length == headerByteCount else {
            throw .invalid("expected a header of \(headerByteCount) bytes, found \(length)")
        }
        guard fileByteCount == file.byteCount else {
            if fileByteCount > file.byteCount {
                throw .truncated(
                    what: "the file",
                    expectedByteCount: fileByteCount,
                    foundByteCount: UInt64(file.byteCount)
                )
            }
            throw .invalid("expected \(fileByteCount) bytes, found \(file.byteCount)")
        }
        guard structureByteCount <= fileByteCount - UInt64(headerByteCount) else {
            throw .truncated(
                what: "the structure",
                expectedByteCount: structureByteCount,
                foundByteCount: fileByteCount - UInt64(headerByteCount)
            )
        }
    }
}
