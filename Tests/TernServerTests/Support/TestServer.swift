import Logging
import TernClient
import TernServer
import TernTransport
import TernTransportNNG

/// The worlds that the same tests run in.
enum World: CaseIterable, Sendable {
    case inProcess
    case ipc
    case tcp
}

/// A server for one test, with the means to call it.
final class TestServer: Sendable {
    let server: Server
    let world: World
    let folder: TemporaryFolder

    /// The URL that clients connect to.
    var url: String { server.urls[0] }

    /// Starts a server with these models, by name.
    init(
        in world: World,
        models: [String: any ExecutableModel] = [:],
        configure: (inout ServerConfiguration) -> Void = { _ in }
    ) throws {
        self.world = world
        folder = try TemporaryFolder()
        var configuration = ServerConfiguration()
        configuration.logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        configuration.workerCount = 2
        // Models of tests wait at gates and count their runs; those for batches say so.
        configuration.limits.batchRowCount = 1
        configuration.embeddedModels = models.map { name, model in
            EmbeddedModel(name: name, contents: .executable(model))
        }
        let url =
            switch world {
            case .inProcess: "inproc://\(folder.path)"
            case .ipc: "ipc://\(folder.path)/s"
            case .tcp: "tcp://127.0.0.1:0"
            }
        configuration.endpoints = [url]
        configure(&configuration)
        server = Server(configuration)
        try server.start()
    }

    deinit { server.stop() }

    /// A new way to the server.
    func channel() throws -> any RequestChannel {
        switch world {
        case .inProcess:
            InProcessChannel(
                connectingTo: folder.path,
                buffers: BufferPool(limitByteCount: 1 << 28)
            )
        case .ipc, .tcp: try NNGChannel(url: url)
        }
    }

    /// A new client.
    func client() throws -> TernClient {
        TernClient(endpoint: url, channel: try channel())
    }
}
