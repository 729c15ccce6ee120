import Foundation
import Logging
import Synchronization
import TernClient
import TernServer
import TernTensor
import TernThreadPool
import TernWire
import Testing

/// Reads files whose contents are the word `echo`, for tests of the repository.
private struct EchoReader: ModelReader {
    let platform = "echo"
    /// Waited at before each file is read.
    var gate: Gate?

    func read(
        _ source: ModelSource,
        pool: ThreadPool
    ) throws(ExecutionFailure) -> any ExecutableModel {
        gate?.pass()
        guard case .file(let path) = source, let data = FileManager.default.contents(atPath: path),
            data == Data("echo".utf8)
        else { throw ExecutionFailure(reason: "this is no model") }
        return EchoModel()
    }
}

/// Calls that ask about the server and its models, and that change which models there are.
@Suite struct ControlCallTests {
    private static let good = Array("echo".utf8)
    private static let bad = Array("junk".utf8)

    /// A server with a repository of these files.
    private func server(
        in world: World = .inProcess,
        files: [String: [UInt8]],
        folder: TemporaryFolder,
        reader: EchoReader = EchoReader()
    ) throws -> TestServer {
        for (path, bytes) in files { try folder.write(bytes, to: path) }
        return try TestServer(in: world) {
            $0.modelsDirectory = folder.path
            $0.reader = reader
            $0.startsWithoutModels = true
            $0.name = "tern test"
            $0.version = "9.8.7"
        }
    }

    private func infer(
        _ client: TernClient,
        _ model: String,
        version: Int? = nil
    ) async throws -> Int {
        let reply = try await client.infer(
            model: model,
            version: version,
            inputs: [InferInput("x", shape: [1], [Float(1)])]
        )
        return reply.modelVersion
    }

    @Test(arguments: World.allCases)
    func `a server tells who it is, that it lives, and that it is ready`(
        _ world: World
    ) async throws {
        let folder = try TemporaryFolder()
        let test = try server(in: world, files: ["m/1/model.onnx": Self.good], folder: folder)
        let client = try test.client()
        #expect(try await client.isLive())
        #expect(try await client.isReady())
        let metadata = try await client.serverMetadata()
        #expect(metadata.name == "tern test")
        #expect(metadata.version == "9.8.7")
        #expect(metadata.extensions == ["model_repository", "cancel"])
    }

    @Test func `every version is called by its number, and the latest without one`()
        async throws
    {
        let folder = try TemporaryFolder()
        let test = try server(
            files: [
                "m/2/model.onnx": Self.good, "m/10/model.onnx": Self.good,
                "m/9/model.onnx": Self.good,
            ],
            folder: folder
        )
        let client = try test.client()
        #expect(try await infer(client, "m") == 10)
        for version in [2, 9, 10] {
            #expect(try await infer(client, "m", version: version) == version)
            #expect(try await client.isModelReady("m", version: version))
        }
        let metadata = try await client.modelMetadata("m", version: 9)
        #expect(metadata.name == "m")
        #expect(metadata.version == 9)
        #expect(metadata.platform == "echo")
        #expect(metadata.availableVersions == [2, 9, 10])
        #expect(metadata.inputs == EchoModel().inputs)
        #expect(metadata.outputs == EchoModel().outputs)
        #expect(try await client.modelMetadata("m").version == 10)
    }

    @Test func `bad versions are listed with their reasons and leave good ones alone`()
        async throws
    {
        let folder = try TemporaryFolder()
        try folder.makeFolder("m/3")
        let test = try server(
            files: [
                "m/1/model.onnx": Self.good, "m/2/model.onnx": Self.bad,
                "n/1/model.onnx": Self.bad,
            ],
            folder: folder
        )
        let client = try test.client()
        #expect(try await infer(client, "m") == 1)
        #expect(try await client.isModelReady("m"))
        #expect(try await client.isModelReady("m", version: 2) == false)
        #expect(try await client.isModelReady("n") == false)
        let index = try await client.repositoryIndex()
        #expect(
            index.map { "\($0.name) \($0.version) \($0.state)" } == [
                "m 1 ready", "m 2 unavailable", "m 3 unavailable", "n 1 unavailable",
            ]
        )
        #expect(index[1].reason == "this is no model")
        #expect(index[2].reason == "No such file or directory")
        let broken = await #expect(throws: TernError.self) {
            try await infer(client, "m", version: 2)
        }
        #expect(broken?.code == .failedPrecondition)
        let unknown = await #expect(throws: TernError.self) {
            try await client.isModelReady("q")
        }
        #expect(unknown?.code == .notFound)
        let ready = try await client.repositoryIndex(readyOnly: true)
        #expect(ready.map(\.version) == [1])
    }

    @Test(arguments: World.allCases)
    func `a load reads the folder again: new versions come, lost ones go, bad ones keep serving`(
        _ world: World
    ) async throws {
        let folder = try TemporaryFolder()
        let test = try server(
            in: world,
            files: ["m/1/model.onnx": Self.good, "m/2/model.onnx": Self.good],
            folder: folder
        )
        let client = try test.client()
        #expect(try await infer(client, "m") == 2)

        try folder.write(Self.good, to: "m/3/model.onnx")
        #expect(try await infer(client, "m") == 2)
        try await client.loadModel("m")
        #expect(try await infer(client, "m") == 3)

        try FileManager.default.removeItem(atPath: "\(folder.path)/m/1")
        try folder.write(Self.bad, to: "m/3/model.onnx")
        try folder.write(Self.bad, to: "m/4/model.onnx")
        let error = await #expect(throws: TernError.self) { try await client.loadModel("m") }
        #expect(error?.code == .failedPrecondition)
        #expect(error?.message.contains("version 3: this is no model") == true)
        #expect(error?.message.contains("version 4: this is no model") == true)
        #expect(try await infer(client, "m") == 3)
        let gone = await #expect(throws: TernError.self) {
            try await infer(client, "m", version: 1)
        }
        #expect(gone?.code == .notFound)

        let stranger = await #expect(throws: TernError.self) { try await client.loadModel("q") }
        #expect(stranger?.code == .notFound)
        let path = await #expect(throws: TernError.self) { try await client.loadModel("../m") }
        #expect(path?.code == .notFound)
    }

    @Test func `an unloaded model doesn't answer until it is loaded again`() async throws {
        let folder = try TemporaryFolder()
        let test = try server(
            files: ["m/1/model.onnx": Self.good, "m/2/model.onnx": Self.good],
            folder: folder
        )
        let client = try test.client()
        try await client.unloadModel("m")
        let error = await #expect(throws: TernError.self) { try await infer(client, "m") }
        #expect(error?.code == .failedPrecondition)
        #expect(try await client.isModelReady("m") == false)
        #expect(try await client.repositoryIndex().map(\.reason) == ["unloaded", "unloaded"])
        try await client.loadModel("m")
        #expect(try await infer(client, "m") == 2)
        let stranger = await #expect(throws: TernError.self) { try await client.unloadModel("q") }
        #expect(stranger?.code == .notFound)
    }

    @Test func `one version can be loaded and unloaded alone`() async throws {
        let folder = try TemporaryFolder()
        let test = try server(files: ["m/1/model.onnx": Self.good], folder: folder)
        let caller = RawCaller(try test.channel())
        let client = try test.client()
        try folder.write(Self.good, to: "m/2/model.onnx")
        try folder.write(Self.good, to: "m/3/model.onnx")

        func load(_ version: UInt64) async throws -> StatusCode {
            let model = ModelReference(name: "m", selection: .version(version))
            let frame = RepositoryModelLoadRequest(model: model)
                .encoded(RequestOptions(correlationID: 1))
            return try header(of: try await caller.exchange(frame)).status
        }
        func unload(_ version: UInt64) async throws -> StatusCode {
            let model = ModelReference(name: "m", selection: .version(version))
            let frame = RepositoryModelUnloadRequest(model: model)
                .encoded(RequestOptions(correlationID: 1))
            return try header(of: try await caller.exchange(frame)).status
        }
        #expect(try await load(2) == .ok)
        #expect(try await infer(client, "m") == 2)
        #expect(try await client.modelMetadata("m").availableVersions == [1, 2])
        #expect(try await unload(1) == .ok)
        #expect(try await client.modelMetadata("m").availableVersions == [2])
        #expect(try await load(7) == .notFound)
        #expect(try await unload(7) == .notFound)
        #expect(try await infer(client, "m") == 2)
    }

    @Test func `requests are answered while a model is loaded, which is shown as loading`()
        async throws
    {
        let folder = try TemporaryFolder()
        let gate = Gate()
        gate.open()
        let test = try server(
            files: ["m/1/model.onnx": Self.good],
            folder: folder,
            reader: EchoReader(gate: gate)
        )
        gate.close()
        let client = try test.client()
        try folder.write(Self.good, to: "m/2/model.onnx")
        async let load: Void = client.loadModel("m")
        #expect(try await gate.hasArrivals(2))
        #expect(try await infer(client, "m") == 1)
        let states = try await client.repositoryIndex().map(\.state)
        #expect(states == [.ready, .loading])
        let early = await #expect(throws: TernError.self) {
            try await infer(client, "m", version: 2)
        }
        #expect(early?.code == .unavailable)
        gate.open()
        try await load
        #expect(try await infer(client, "m") == 2)
    }

    @Test func `a model that the program brings along cannot be loaded from a repository`()
        async throws
    {
        let folder = try TemporaryFolder()
        try folder.write(Self.good, to: "m/1/model.onnx")
        let test = try TestServer(in: .inProcess, models: ["m": EchoModel()]) {
            $0.modelsDirectory = folder.path
            $0.reader = EchoReader()
        }
        let client = try test.client()
        let error = await #expect(throws: TernError.self) { try await client.loadModel("m") }
        #expect(error?.code == .failedPrecondition)
        #expect(try await infer(client, "m") == 1)
    }

    @Test func `a server without any model that could be loaded doesn't start, and says why`()
        async throws
    {
        let folder = try TemporaryFolder()
        try folder.write(Self.bad, to: "m/1/model.onnx")
        var configuration = ServerConfiguration()
        configuration.logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        configuration.modelsDirectory = folder.path
        configuration.reader = EchoReader()
        let server = Server(configuration)
        let error = #expect(throws: ServerStartError.self) { try server.start() }
        guard case .noModel(let reasons) = error else {
            Issue.record("the reason is another: \(String(describing: error))")
            return
        }
        #expect(reasons == ["m version 1: this is no model"])
        #expect(server.phase == .stopped)
    }

    @Test(arguments: ["tcp://", "ftp://x", "ipc://", "tcp://127.0.0.1:99999"])
    func `an endpoint that cannot be understood is named`(_ url: String) throws {
        var configuration = ServerConfiguration()
        configuration.logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        configuration.embeddedModels = [
            EmbeddedModel(name: "echo", contents: .executable(EchoModel()))
        ]
        configuration.endpoints = [url]
        let server = Server(configuration)
        let error = #expect(throws: ServerStartError.self) { try server.start() }
        guard case .endpoint(let named, _) = error else {
            Issue.record("the reason is another: \(String(describing: error))")
            return
        }
        #expect(named == url)
    }
}
