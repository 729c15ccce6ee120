import Foundation
import TernClient
import TernServer
import TernTensor
import Testing

/// Real model files, from a repository to a client.
@Suite struct ONNXServingTests {
    private static let fixtures = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fixtures/models")

    private func server(in world: World, models: [String: String]) throws -> TestServer {
        let folder = try TemporaryFolder()
        for (place, file) in models {
            let bytes = try Data(contentsOf: Self.fixtures.appending(path: file))
            try folder.write(Array(bytes), to: place)
        }
        return try TestServer(in: world) {
            $0.modelsDirectory = folder.path
            $0.startsWithoutModels = true
        }
    }

    @Test(arguments: World.allCases)
    func `an ONNX model is served from its folder`(_ world: World) async throws {
        let test = try server(in: world, models: ["identity/3/model.onnx": "identity.onnx"])
        let client = try test.client()
        let metadata = try await client.modelMetadata("identity")
        #expect(metadata.platform == "onnx")
        #expect(metadata.inputs.map(\.description) == ["x: FP32[batch, width]"])
        #expect(metadata.outputs.map(\.name) == ["y"])
        for (rows, columns) in [(1, 1), (3, 5), (0, 4), (64, 1000)] {
            let values = (0..<rows * columns).map { Float($0) / 7 }
            let reply = try await client.infer(
                model: "identity",
                inputs: [InferInput("x", shape: [rows, columns], values)]
            )
            #expect(reply.modelVersion == 3)
            #expect(try reply.output("y").shape == [rows, columns])
            #expect(try reply.output("y").array() == values)
        }
    }

    @Test func `the same row gets the same bits, alone and among others, from every worker`()
        async throws
    {
        let test = try server(in: .inProcess, models: ["cnn/1/model.onnx": "small_cnn.onnx"])
        let client = try test.client()
        let input = try #require(try await client.modelMetadata("cnn").inputs.first)
        let dimensions = try #require(input.dimensions)
        let shape = Shape(dimensions.map { $0.fixedSize ?? 1 })
        let values = (0..<shape.elementCount).map { Float($0 % 13) - 6 }
        @Sendable func answer() async throws -> [Float] {
            try await client.infer(
                model: "cnn",
                inputs: [InferInput(input.name, shape: shape, values)]
            ).outputs[0].array()
        }
        let first = try await answer()
        try await withThrowingTaskGroup(of: [Float].self) { group in
            for _ in 0..<100 { group.addTask { try await answer() } }
            for try await other in group { #expect(other == first) }
        }
    }

    @Test func `a file that cannot be served is listed with what stands in the way`()
        async throws
    {
        let test = try server(
            in: .inProcess,
            models: [
                "identity/1/model.onnx": "identity.onnx",
                "identity/2/model.onnx": "cyclic.onnx",
                "broken/1/model.onnx": "make_models.py",
            ]
        )
        let client = try test.client()
        let index = try await client.repositoryIndex()
        #expect(index.map(\.state) == [.unavailable, .ready, .unavailable])
        #expect(!index[0].reason.isEmpty)
        #expect(!index[2].reason.isEmpty)
        #expect(try await client.modelMetadata("identity").version == 1)
    }
}
