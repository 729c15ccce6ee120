package import TernTensor

/// An artefact ready to be written: the pieces of the file, in order.
package struct EncodedArtefact: Sendable {
    /// The header and the structure.
    package let head: [UInt8]
    /// The blobs, with the offset at which each lies; what is between them is zero.
    package let blobs: [(offset: Int, memory: AlignedBuffer)]
    /// The length of the file.
    package let byteCount: Int

    /// The whole file.
    package var bytes: [UInt8] {
        var bytes = head
        bytes.reserveCapacity(byteCount)
        for (offset, memory) in blobs {
            bytes += [UInt8](repeating: 0, count: offset - bytes.count)
            bytes += memory.bytes.prefixBytes(memory.byteCount)
        }
        return bytes
    }
}

extension Artefact {
    /// The artefact as a file; equal artefacts have equal files.
    package func encoded() -> EncodedArtefact {
        var encoder = GraphEncoder()
        for text in [producer, source, precision, packing] { encoder.writer.write(text) }
        encoder.writer.write(parameterCount)
        encoder.write(graph)
        encoder.write(sorted(panels, &encoder.blobs))
        encoder.writer.write(count: shapes.count)
        for combination in shapes {
            encoder.writer.write(count: combination.count)
            for shape in combination { encoder.write(shape) }
        }
        encoder.writer.write(count: goldenSets.count)
        for set in goldenSets {
            encoder.writer.write(set.name)
            for tensors in [set.inputs, set.outputs] {
                encoder.writer.write(count: tensors.count)
                for tensor in tensors { encoder.write(tensor) }
            }
        }
        return Self.assemble(encoder.writer.bytes, encoder.blobs.blobs)
    }

    /// The panels in the order of their weights, which the graph has numbered.
    private func sorted(_ panels: [Panels], _ blobs: inout BlobCollector) -> [Panels] {
        panels.map { (weight: blobs.index(of: $0.weight), panels: $0) }
            .sorted {
                ($0.weight, $0.panels.kind, $0.panels.variant)
                    < ($1.weight, $1.panels.kind, $1.panels.variant)
            }
            .map(\.panels)
    }

    /// Puts the table of blobs before the rest of the structure, and finds every blob's place.
    private static func assemble(_ rest: [UInt8], _ blobs: [AlignedBuffer]) -> EncodedArtefact {
        let structureByteCount = 4 + blobs.count * BlobEntry.encodedByteCount + rest.count
        var table = ByteWriter()
        table.write(count: blobs.count)
        var end = ArtefactFormat.headerByteCount + structureByteCount
        var places: [(offset: Int, memory: AlignedBuffer)] = []
        for blob in blobs {
            let alignment = ArtefactFormat.alignment
            let offset = (end + alignment - 1) / alignment * alignment
            table.write(UInt64(offset))
            table.write(UInt64(blob.byteCount))
            table.write(Checksum.of(blob.bytes))
            places.append((offset, blob))
            end = offset + blob.byteCount
        }
        let structure = table.bytes + rest
        let header = ArtefactHeader(
            fileByteCount: UInt64(end),
            structureByteCount: UInt64(structureByteCount),
            structureChecksum: Checksum.of(unsafe structure.span.bytes)
        )
        return EncodedArtefact(head: header.encoded + structure, blobs: places, byteCount: end)
    }
}

extension GraphEncoder {
    fileprivate mutating func write(_ panels: [Artefact.Panels]) {
        writer.write(count: panels.count)
        for panel in panels {
            writer.write(UInt32(blobs.index(of: panel.weight)))
            writer.write(panel.variant)
            writer.write(panel.kind)
            writer.write(count: panel.memory.count)
            for memory in panel.memory { writer.write(UInt32(blobs.index(of: memory))) }
        }
    }
}
