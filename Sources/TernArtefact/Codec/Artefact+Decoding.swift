import TernGraph
package import TernTensor

extension Artefact {
    /// Reads an artefact.
    ///
    /// The bytes are not trusted. Everything is checked before it is used: magic and version, that the
    /// file is as long as it says, the checksums of all its parts, that no part reaches into another or
    /// beyond the end, every length before memory is taken for it, and the graph as an importer's.
    ///
    /// - Parameter file: The whole file. Tensors and panels are views of its memory, which must
    ///   not change as long as they are used.
    /// - Throws: ``ArtefactError``, with what was expected and what was found.
    package init(decoding file: AlignedBuffer) throws(ArtefactError) {
        let header = try ArtefactHeader(of: file.bytes)
        let end = UInt64(ArtefactFormat.headerByteCount) + header.structureByteCount
        let structure = file.bytes.extracting(ArtefactFormat.headerByteCount..<Int(end))
        let found = Checksum.of(structure)
        guard found == header.structureChecksum else {
            throw .damaged(
                part: "its structure",
                expectedChecksum: header.structureChecksum,
                foundChecksum: found
            )
        }
        var reader = ByteReader(structure)
        var entries: [BlobEntry] = []
        for _ in 0..<(try reader.readCount(elementByteCount: BlobEntry.encodedByteCount)) {
            entries.append(
                BlobEntry(
                    offset: try reader.read(),
                    byteCount: try reader.read(),
                    checksum: try reader.read()
                )
            )
        }
        let blobs = try BlobTable(entries, after: end, in: file)
        var decoder = GraphDecoder(reader, blobs: blobs)
        producer = try decoder.reader.readText()
        source = try decoder.reader.readText()
        precision = try decoder.reader.readText()
        packing = try decoder.reader.readText()
        parameterCount = try decoder.reader.readInt()
        graph = try decoder.readGraph()
        panels = try decoder.readPanels()
        shapes = []
        for _ in 0..<(try decoder.reader.readCount(elementByteCount: 4)) {
            var combination: [Shape] = []
            for _ in 0..<(try decoder.reader.readCount(elementByteCount: 1)) {
                combination.append(try decoder.readShape())
            }
            shapes.append(combination)
        }
        goldenSets = []
        for _ in 0..<(try decoder.reader.readCount(elementByteCount: 12)) {
            let name = try decoder.reader.readText()
            goldenSets.append(
                GoldenSet(
                    name: name,
                    inputs: try decoder.readTensors(),
                    outputs: try decoder.readTensors()
                )
            )
        }
        guard decoder.reader.remainingByteCount == 0 else {
            throw .invalid(
                "expected the structure to end, found \(decoder.reader.remainingByteCount) bytes more"
            )
        }
        guard graph.captures.isEmpty else {
            throw .invalid("expected a whole graph, found one that captures values of another")
        }
        do throws(GraphError) {
            try graph.validate()
        } catch {
            throw .invalid(error.description)
        }
        try checkGoldenSets()
    }

    /// Golden sets must have a tensor for each input and output.
    private func checkGoldenSets() throws(ArtefactError) {
        for set in goldenSets {
            guard set.inputs.count == graph.inputs.count, set.outputs.count == graph.outputs.count
            else {
                throw .invalid(
                    "expected \(graph.inputs.count) inputs and \(graph.outputs.count) outputs in "
                        + "the set \(GraphLocation.printable(set.name)), found \(set.inputs.count) "
                        + "and \(set.outputs.count)"
                )
            }
        }
    }
}

extension GraphDecoder {
    @_lifetime(self: copy self)
    fileprivate mutating func readTensors() throws(ArtefactError) -> [Tensor] {
        var tensors: [Tensor] = []
        for _ in 0..<(try reader.readCount(elementByteCount: 6)) {
            tensors.append(try readTensor())
        }
        return tensors
    }

    @_lifetime(self: copy self)
    fileprivate mutating func readPanels() throws(ArtefactError) -> [Artefact.Panels] {
        var panels: [Artefact.Panels] = []
        for _ in 0..<(try reader.readCount(elementByteCount: 16)) {
            let weight = try blobs[reader.read()]
            let variant = try reader.readText()
            let kind = try reader.readText()
            var memory: [AlignedBuffer] = []
            for _ in 0..<(try reader.readCount(elementByteCount: 4)) {
                memory.append(try blobs[reader.read()])
            }
            panels.append(
                Artefact.Panels(weight: weight, variant: variant, kind: kind, memory: memory)
            )
        }
        return panels
    }
}
