import TernTransport
import TernTransportNNG
import TransportTestSupport

/// The transports that the same tests run over.
enum World: CaseIterable, Sendable {
    case inProcess, ipc, abstract, tcp

    /// Those that have sockets.
    static let sockets = [World.ipc, .abstract, .tcp]
}

/// A listener in one of the worlds, and whatever it needs.
final class Fixture: Sendable {
    let listener: any RequestListener
    let endpoint: Endpoint
    let buffers = BufferPool(limitByteCount: 256 << 20)
    private let directory = TemporaryDirectory()

    private static let nameCounter = Locked(0)

    init(
        _ world: World,
        receiver: any RequestReceiver,
        limits: TransportLimits = TransportLimits()
    ) throws {
        let number = Self.nameCounter.withLock { counter in
            counter += 1
            return counter
        }
        let name = "tern-test-\(MonotonicClock.nanoseconds)-\(number)"
        let wanted: Endpoint =
            switch world {
            case .inProcess: .inProcess(name: name)
            case .ipc: .ipc(path: "\(directory.path)/s")
            case .abstract: .abstract(name: name)
            case .tcp: .tcp(host: "127.0.0.1", port: 0)
            }
        if world == .inProcess {
            listener = try InProcessListener(name: name, receiver: receiver, limits: limits)
        } else {
            listener = try NNGListener(
                endpoints: [wanted],
                receiver: receiver,
                buffers: buffers,
                limits: limits
            )
        }
        endpoint = try Endpoint(url: listener.url)
    }

    deinit { listener.shutdown() }

    /// A channel to the listener.
    func channel() throws -> any RequestChannel {
        if case .inProcess(let name) = endpoint {
            return InProcessChannel(connectingTo: name, buffers: buffers)
        }
        return try NNGChannel(url: endpoint.url)
    }

    /// A bare socket connected to the listener.
    func rawPeer() throws -> RawPeer { try RawPeer(to: endpoint) }

    /// What the listener has counted.
    var counts: TransportCounts {
        (listener as? NNGListener)?.counts ?? (listener as? InProcessListener)?.counts
            ?? TransportCounts()
    }
}
