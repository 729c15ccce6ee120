import Foundation
import TernGraph
import TernTensor
import Testing

@testable import TernArtefact

@Suite struct RoundTripTests {
    @Test(
        arguments: [
            "identity", "small_cnn", "subgraphs", "every_type", "matmul_chain", "shape_arithmetic",
        ]
    )
    func `a file read and written again has the same bytes`(_ name: String) throws {
        let bytes = try Samples.artefact(of: name).encoded().bytes
        let artefact = try Artefact(bytes)
        #expect(artefact.source == "\(name).onnx")
        #expect(artefact.goldenSets.map(\.name) == ["zeros"])
        #expect(artefact.encoded().bytes == bytes)
    }

    @Test func `the same model makes the same file`() throws {
        let files = try (0..<3).map { _ in try Samples.artefact(of: "small_cnn").encoded().bytes }
        #expect(files[0] == files[1] && files[0] == files[2])
    }

    @Test func `tensors are views of the file, each on a cache line`() throws {
        let file = ArtefactOracle.buffer(try Samples.artefact(of: "small_cnn").encoded().bytes)
        let artefact = try Artefact(decoding: file)
        let memory =
            artefact.graph.initializers.values.map(\.storage)
            + artefact.panels.flatMap(\.memory)
        #expect(!artefact.panels.isEmpty && !artefact.graph.initializers.isEmpty)
        let start = unsafe UInt(bitPattern: file.baseAddress)
        for buffer in memory {
            let address = unsafe UInt(bitPattern: buffer.baseAddress)
            #expect(address.isMultiple(of: 64))
            #expect(
                address >= start && address + UInt(buffer.byteCount) <= start + UInt(file.byteCount)
            )
        }
    }

    @Test func `a tensor that is used twice is kept once, and stays one`() throws {
        let tensor = Tensor(elementType: .fp32, shape: [2], values: [1, 2] as [Float])
        var artefact = try Samples.artefact(of: "identity")
        artefact.goldenSets[0].inputs = [tensor]
        artefact.goldenSets[0].outputs = [tensor]
        let read = try Artefact(artefact.encoded().bytes).goldenSets[0]
        #expect(read.inputs[0].storage === read.outputs[0].storage)
        #expect(read.inputs[0].elements(as: Float.self) == [1, 2])
    }

    @Test func `a file is written in one step and outlives its replacement while it is mapped`()
        throws
    {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("tern-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("model.tern").path
        let first = try Samples.artefact(of: "small_cnn")
        #expect(try first.write(to: path) == first.encoded().byteCount)
        #expect(Artefact.isArtefact(path))
        let mapped = try Artefact(contentsOf: path)
        try Samples.artefact(of: "identity").write(to: path)
        #expect(mapped.encoded().bytes == first.encoded().bytes)
        #expect(try Artefact(contentsOf: path).source == "identity.onnx")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["model.tern"])
        #expect(throws: ArtefactError.self) {
            try first.write(to: folder.path + "/none/model.tern")
        }
    }
}
