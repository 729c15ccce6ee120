import Foundation
import TernArtefact
import TernClient
import TernGraph
import TernKernels
import TernMicrokernels
import TernONNX
import TernRuntime
import TernTensor
import Testing

@testable import TernServer

/// Artefacts where model files are asked for.
@Suite struct ModelFileTests {
    private static let fixtures = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fixtures/models")

    /// The artefact of a fixture, packed for the kernels of a table.
    private func artefact(of name: String, for table: KernelTable = .current) throws -> Artefact {
        let file = try ONNXModel(contentsOf: Self.fixtures.appending(path: name).path)
        let model = try CompiledModel(file.graph, context: KernelContext(table: table))
        let parts = model.parts(shapes: [])
        return Artefact(
            producer: "tests",
            source: name,
            precision: "f32",
            graph: parts.graph,
            parameterCount: parts.parameterCount,
            packing: parts.packing,
            panels: parts.panels.map {
                Artefact.Panels(
                    weight: $0.weight,
                    variant: $0.variant,
                    kind: $0.kind,
                    memory: $0.memory
                )
            },
            shapes: [],
            goldenSets: []
        )
    }

    private func answer(_ model: CompiledModel) throws -> [UInt8] {
        let input = model.inputs[0]
        let shape = Shape((input.dimensions ?? []).map { $0.fixedSize ?? 2 })
        let values = (0..<shape.elementCount).map { Float($0 % 13) / 4 - 1 }
        let session = Session(model)
        try session.bindInput(0, Tensor(elementType: .fp32, shape: shape, values: values))
        try session.run()
        let bytes = session.outputBytes(0)
        return unsafe bytes.withUnsafeBytes { unsafe Array($0) }
    }

    @Test(arguments: KernelTable.available)
    func `an artefact answers as its model does, with kernels it is packed for and with others`(
        _ table: KernelTable
    ) throws {
        let packed = try artefact(of: "small_cnn.onnx")
        let context = KernelContext(table: table)
        let model = try ModelFile.load(packed, context: context)
        let source = try ModelFile.load(
            Self.fixtures.appending(path: "small_cnn.onnx").path,
            context: context
        )
        #expect(try answer(model) == answer(source))
        #expect(model.inputs == source.inputs && model.outputs == source.outputs)
        #expect(model.parameterCount == source.parameterCount)
        // What was lent is used, and only where it fits.
        let lent = Set(packed.panels.flatMap(\.memory).map { ObjectIdentifier($0) })
        let used = model.parts(shapes: []).panels.flatMap(\.memory)
        #expect(!used.isEmpty)
        let fits = table.packingIdentity == packed.packing
        for memory in used { #expect(lent.contains(ObjectIdentifier(memory)) == fits) }
    }

    @Test func `a model with subgraphs is the same after a stay in a file`() throws {
        let bytes = try artefact(of: "subgraphs.onnx").encoded().bytes
        let buffer = AlignedBuffer(byteCount: bytes.count)
        unsafe buffer.withMutableBytes { unsafe $0.copyBytes(from: bytes) }
        let model = try ModelFile.load(Artefact(decoding: buffer), context: KernelContext())
        let source = try ModelFile.load(
            Self.fixtures.appending(path: "subgraphs.onnx").path,
            context: KernelContext()
        )
        #expect(model.inputs == source.inputs && model.outputs == source.outputs)
        #expect(
            model.graph.nodes.map(\.operatorVersion) == source.graph.nodes.map(\.operatorVersion)
        )
    }

    @Test func `an operator that does not exist is refused with its name`() throws {
        var packed = try artefact(of: "small_cnn.onnx")
        packed.graph.nodes[0].operatorName = "Convolve"
        let error = #expect(throws: ModelFileError.self) {
            try ModelFile.load(packed, context: KernelContext())
        }
        #expect(error?.description.contains("Convolve") == true)
    }

    @Test func `a bias or residual of another size than fusion makes is refused in a call`() throws
    {
        for input in [2, 3] {
            var packed = try artefact(of: "small_cnn.onnx")
            let index = try #require(
                packed.graph.nodes.firstIndex {
                    $0.domain == "ai.tern" && $0.operatorName == "Conv"
                }
            )
            let wrong = packed.graph.addInitializer(
                name: "wrong",
                Tensor(elementType: .fp32, shape: [1], values: [1] as [Float])
            )
            var inputs = packed.graph.nodes[index].inputs
            while inputs.count <= input { inputs.append(nil) }
            inputs[input] = wrong
            packed.graph.nodes[index].inputs = inputs
            #expect(throws: (any Error).self) {
                _ = try answer(ModelFile.load(packed, context: KernelContext()))
            }
        }
    }

    @Test func `a server takes an artefact beside the model it was made of, or instead`()
        async throws
    {
        let folder = try TemporaryFolder()
        let bytes = try artefact(of: "small_cnn.onnx").encoded().bytes
        try folder.write(bytes, to: "instead/1/model.tern")
        try folder.write(bytes, to: "beside/1/model.tern")
        try folder.write([1, 2, 3], to: "beside/1/model.onnx")
        try folder.write(Array(bytes[..<(bytes.count - 64)]), to: "short/1/model.tern")
        let test = try TestServer(in: .inProcess) {
            $0.modelsDirectory = folder.path
            $0.startsWithoutModels = true
        }
        let client = try test.client()
        let index = try await client.repositoryIndex()
        #expect(index.map(\.name) == ["beside", "instead", "short"])
        #expect(index.map(\.state) == [.ready, .ready, .unavailable])
        #expect(index[2].reason.contains("cut short"))
        let metadata = try await client.modelMetadata("instead")
        #expect(metadata.inputs.count == 1)
    }
}
