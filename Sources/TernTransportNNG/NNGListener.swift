// A server's endpoints over libnng: the SP server (StreamServer.swift) with libnng's listeners, the
// locks of their paths, and the sweeps that watch the times.

package import TernTransport

/// Serves requests that arrive over libnng's streams, at any number of endpoints.
package final class NNGListener: RequestListener {
    /// The longest ``shutdown()`` waits for libnng to let go of everything.
    package static let shutdownLimitNanoseconds: UInt64 = 5_000_000_000

    private let server: StreamServer
    private let sweeper: Sweeper

    /// Where clients connect to, in the order of the endpoints asked for, with the ports that were
    /// really bound.
    package let endpoints: [Endpoint]

    package var urls: [String] { endpoints.map(\.url) }

    /// Listens at every endpoint, or at none if one can't be had.
    ///
    /// Requests may arrive before this returns. The listener, and with it the receiver, lives until
    /// ``shutdown()``.
    ///
    /// - Parameters:
    ///   - endpoints: UNIX sockets, abstract ones and TCP addresses; at least one.
    ///   - permissions: The mode of UNIX sockets' paths.
    ///   - receiver: Takes the requests, on libnng's threads: it must parse and enqueue, nothing else.
    ///   - buffers: Where the memory of requests comes from.
    ///   - limits: What is taken on at most.
    /// - Throws: ``TransportError/unavailable(endpoint:reason:)``, naming the endpoint that can't be
    ///   had, or ``TransportError/invalidEndpoint(url:reason:)``.
    package init(
        endpoints: [Endpoint],
        permissions: Int32 = 0o600,
        receiver: any RequestReceiver,
        buffers: BufferPool,
        limits: TransportLimits = TransportLimits()
    ) throws(TransportError) {
        precondition(!endpoints.isEmpty, "a listener needs an endpoint")
        let pathLocks = PathLocks()
        let sweeper = Sweeper()
        let server = StreamServer(
            receiver: receiver,
            buffers: buffers,
            limits: limits,
            listenerEnd: { pathLocks.release($0.endpoint) },
            sweepRequest: { sweeper.sweep(noLaterThan: $0) }
        )
        var listeners: [NNGByteStreamListener] = []
        do throws(TransportError) {
            for endpoint in endpoints {
                listeners.append(
                    try Self.listen(
                        at: endpoint,
                        permissions: permissions,
                        server: server,
                        pathLocks: pathLocks
                    )
                )
            }
        } catch {
            for listener in listeners { listener.close() }
            throw error
        }
        self.server = server
        self.endpoints = listeners.map(\.endpoint)
        self.sweeper = sweeper
        sweeper.start(server)
        for listener in listeners { server.add(listener) }
    }

    private static func listen(
        at endpoint: Endpoint,
        permissions: Int32,
        server: StreamServer,
        pathLocks: PathLocks
    ) throws(TransportError) -> NNGByteStreamListener {
        switch endpoint {
        case .inProcess:
            throw .invalidEndpoint(
                url: endpoint.url,
                reason: "an endpoint within the process is not nng's"
            )
        case .ipc(let path):
            try pathLocks.take(endpoint, path: path)
        case .abstract, .tcp:
            break
        }
        do throws(ByteStreamError) {
            return try NNGByteStreamListener(
                endpoint: endpoint,
                permissions: permissions,
                handler: server
            )
        } catch {
            pathLocks.release(endpoint)
            throw .unavailable(endpoint: endpoint.url, reason: error.description)
        }
    }

    package var unansweredCount: Int { server.unansweredCount }

    /// How many connections there are now.
    package var connectionCount: Int { server.connectionCount }

    /// What has happened so far.
    package var counts: TransportCounts { server.counters.counts }

    package var undeliveredByteCount: Int { SocketSendQueues.undeliveredByteCount() }

    package func stopAccepting() { server.stopAccepting() }

    package func stopReceiving() { server.stopReceiving() }

    /// Closes every connection at once and frees what the transport holds.
    ///
    /// Idempotent. Blocks until nothing of this listener can call back any more, five seconds at most; so it
    /// must not be called from within the receiver.
    package func shutdown() {
        server.shutdown(waitingAtMost: Self.shutdownLimitNanoseconds)
        sweeper.stop()
    }
}

/// The locks of the paths listened at; each is held until its listener has ended.
private final class PathLocks: Sendable {
    private let locks = Locked<[Endpoint: PathLock]>([:])

    func take(_ endpoint: Endpoint, path: String) throws(TransportError) {
        let lock = try PathLock(path: path)
        locks.withLock { $0[endpoint] = lock }
    }

    func release(_ endpoint: Endpoint) {
        // Let go outside: it removes a file.
        _ = locks.withLock { $0.removeValue(forKey: endpoint) }
    }
}
