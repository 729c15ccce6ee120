internal import Glibc
internal import Logging
internal import TernThreadPool
internal import TernTransport
internal import TernTransportNNG
internal import TernWire

/// A model server: a repository of models, threads to run them, endpoints to call them at.
///
/// ```swift
/// var configuration = ServerConfiguration()
/// configuration.modelsDirectory = "models"
/// configuration.endpoints = ["ipc:///run/tern.sock", "tcp://127.0.0.1:0"]
/// let server = Server(configuration)
/// try server.start()                       // loads the models, then opens the endpoints
/// print(server.urls)
/// …
/// let outcome = server.drain(within: .seconds(30))
/// server.stop()
/// ```
///
/// A server is used once: started, drained, stopped. Its threads and endpoints keep it alive until
/// ``stop()``.
package final class Server: Sendable {
    /// What it was told.
    package let configuration: ServerConfiguration
    /// What it has done so far.
    package let counters = ServerCounters()
    /// Its models.
    package let catalog = ModelCatalog()

    private let log: ServerLog
    private let pool: ThreadPool
    private let inference: InferenceDispatcher
    private let loader: ModelLoader
    private let receiver: ServerReceiver
    private let state: ServiceStateBox
    private let listeners = Locked<[any RequestListener]>([])

    /// Makes a server and starts its threads; nothing is loaded, and nobody can connect.
    package init(_ configuration: ServerConfiguration) {
        self.configuration = configuration
        let limits = configuration.limits
        log = ServerLog(logger: configuration.logger, waitingLimit: limits.waitingLogEventCount)
        let workerCount = configuration.workerCount ?? ThreadPool.availableProcessorCount
        pool = ThreadPool(
            ThreadPoolConfiguration(
                workerCount: max(workerCount, 1),
                lookoutMicroseconds: max(configuration.lookoutMicroseconds, 50),
                injectorCapacity: max(limits.inFlightCount, 1)
            )
        )
        let state = ServiceStateBox()
        self.state = state
        inference = InferenceDispatcher(
            catalog: catalog,
            pool: pool,
            frames: ReplyFrames(limits: limits),
            counters: counters,
            log: log,
            limits: limits
        )
        loader = ModelLoader(
            configuration: configuration,
            catalog: catalog,
            pool: pool,
            log: log,
            taker: inference
        )
        let control = ControlCalls(
            configuration: configuration,
            catalog: catalog,
            inference: inference,
            loader: loader,
            isReady: { state.phase == .serving }
        )
        receiver = ServerReceiver(inference: inference, control: control)
    }

    /// Where the server stands.
    package var phase: ServiceState.Phase { state.phase }

    /// The URLs that clients connect to, with the ports that were really bound; those within the
    /// process come last.
    ///
    /// Empty before the start.
    package var urls: [String] { listeners.withLock { $0.flatMap(\.urls) } }

    /// How many threads run requests.
    package var workerCount: Int { pool.workerCount }

    /// How many requests are admitted and not answered.
    package var inFlightCount: Int { inference.inFlightCount }

    // MARK: - Start

    /// Loads the models and opens the endpoints; blocks while it does.
    ///
    /// Models that cannot be loaded don't keep the others from being served: they are in the
    /// repository index with their reason, and in what this returns.
    ///
    /// - Returns: What is wrong with models and repository, one sentence for each thing.
    /// - Throws: ``ServerStartError``; the server is stopped then.
    @discardableResult
    package func start() throws(ServerStartError) -> [String] {
        guard state.phase == .starting else { throw .notStartable(phase: state.phase) }
        do throws(ServerStartError) {
            let endpoints = try parsedEndpoints()
            let problems = try loader.loadAll()
            let models = catalog.table.entries.filter { $0.latest != nil }
            guard !models.isEmpty || configuration.startsWithoutModels else {
                throw .noModel(reasons: problems)
            }
            inference.setAccepting(true)
            try listen(at: endpoints)
            guard state.update({ $0.started() }) else { throw .notStartable(phase: .stopped) }
            log.write(
                .info,
                "server ready",
                [
                    "urls": urls.joined(separator: " "),
                    "workers": String(pool.workerCount),
                    "models": models.map(\.name).joined(separator: " "),
                ]
            )
            return problems
        } catch {
            log.write(.error, "server not started", ["why": error.description])
            _ = state.update { $0.stop() }
            tearDown()
            throw error
        }
    }

    private func parsedEndpoints() throws(ServerStartError) -> [Endpoint] {
        var endpoints: [Endpoint] = []
        for url in configuration.endpoints {
            do throws(TransportError) {
                let endpoint = try Endpoint(url: url)
                guard !endpoints.contains(endpoint) || endpoint.isAnyPort else {
                    throw .invalidEndpoint(url: url, reason: "it is named twice")
                }
                endpoints.append(endpoint)
            } catch {
                throw .endpoint(url: url, reason: error.reason)
            }
        }
        return endpoints
    }

    private func listen(at endpoints: [Endpoint]) throws(ServerStartError) {
        var limits = configuration.limits.transport
        limits.frameByteCount = configuration.limits.wire.frameByteCount
        let streams = endpoints.filter { !$0.isInProcess }
        do throws(TransportError) {
            if !streams.isEmpty {
                let listener = try NNGListener(
                    endpoints: streams,
                    receiver: receiver,
                    buffers: BufferPool(limitByteCount: configuration.limits.requestByteCount),
                    limits: limits
                )
                listeners.withLock { $0.append(listener) }
            }
            for case .inProcess(let name) in endpoints {
                let listener = try InProcessListener(
                    name: name,
                    receiver: receiver,
                    limits: limits
                )
                listeners.withLock { $0.append(listener) }
            }
        } catch {
            throw .endpoint(url: error.endpoint ?? streams[0].url, reason: error.reason)
        }
    }

    // MARK: - End

    /// Finishes what was accepted: new connections and new inference requests are turned away, and
    /// every reply owed leaves.
    ///
    /// Until the last accepted request is done, questions are answered and whoever wants more work
    /// done is told that the server is `UNAVAILABLE`. Then what arrives is thrown away, so that
    /// however eagerly clients go on asking, the replies that have not left only become fewer.
    ///
    /// Blocks until all have left, or until the time is up. May be called from several threads; all
    /// wait for the same end. ``stop()`` comes next.
    ///
    /// - Parameter limit: How long to wait at most.
    /// - Returns: Whether everything has left.
    package func drain(within limit: Duration) -> DrainOutcome {
        let (seconds, attoseconds) = limit.components
        let (wait, overflow) = UInt64(max(seconds, 0)).multipliedReportingOverflow(
            by: 1_000_000_000
        )
        let deadline =
            overflow
            ? UInt64.max
            : MonotonicClock.nanoseconds &+ wait &+ UInt64(max(attoseconds, 0) / 1_000_000_000)
        switch state.update({ $0.drain() }) {
        case .none: return .complete
        case .join: break
        case .begin:
            log.write(.info, "draining", ["in_flight": String(inference.inFlightCount)])
            inference.setAccepting(false)
            for listener in listeners.withLock({ $0 }) { listener.stopAccepting() }
        }
        guard hasCome(before: deadline, { inference.inFlightCount == 0 }) else {
            return drainGivenUp()
        }
        for listener in listeners.withLock({ $0 }) { listener.stopReceiving() }
        guard hasCome(before: deadline, { unansweredCount == 0 }) else { return drainGivenUp() }
        // What has left may still be on its way; a peer that doesn't take it is not waited for long.
        let patience = min(deadline, MonotonicClock.nanoseconds + Self.deliveryLimitNanoseconds)
        let isDelivered = hasCome(before: patience) {
            listeners.withLock { $0 }.allSatisfy { $0.undeliveredByteCount == 0 }
        }
        log.write(.info, "drained", isDelivered ? [:] : ["undelivered": "some peers don't read"])
        return .complete
    }

    /// What each listener has counted.
    internal var transportCounts: [TransportCounts] { listeners.withLock { $0.map(\.counts) } }

    /// How long a drain waits for peers to take replies that have left.
    private static let deliveryLimitNanoseconds: UInt64 = 2_000_000_000

    private func drainGivenUp() -> DrainOutcome {
        let count = unansweredCount
        log.write(.warning, "drain given up", ["unanswered": String(count)])
        return .timedOut(unansweredCount: count)
    }

    /// Waits for something while the server drains; `false` if the time was up first.
    private func hasCome(before deadline: UInt64, _ isDone: () -> Bool) -> Bool {
        while !isDone() {
            guard MonotonicClock.nanoseconds < deadline, state.phase == .draining else {
                return false
            }
            usleep(500)
        }
        return true
    }

    /// The requests whose reply has not left; those in slots are among them.
    private var unansweredCount: Int {
        listeners.withLock { $0 }.reduce(0) { $0 + $1.unansweredCount }
    }

    /// Ends at once: connections are closed, models that run are waited for, their replies dropped.
    ///
    /// Idempotent.
    package func stop() {
        guard state.update({ $0.stop() }) == .tearDown else { return }
        tearDown()
    }

    /// Closes what is open; what another thread has closed already stays so.
    private func tearDown() {
        inference.setAccepting(false)
        let listeners = listeners.withLock { $0 }
        for listener in listeners { listener.shutdown() }
        loader.finish()
        pool.shutdown()
        log.write(.info, "server stopped")
        log.flush()
    }
}

/// The server's state behind a lock.
internal final class ServiceStateBox: Sendable {
    private let state = Locked(ServiceState())

    var phase: ServiceState.Phase { state.withLock { $0.phase } }

    func update<Result>(_ change: (inout ServiceState) -> Result) -> Result {
        state.withLock { change(&$0) }
    }
}

extension Endpoint {
    fileprivate var isInProcess: Bool { if case .inProcess = self { true } else { false } }
    fileprivate var isAnyPort: Bool { if case .tcp(_, port: 0) = self { true } else { false } }
}

extension TransportError {
    /// The endpoint concerned, if the error names one.
    fileprivate var endpoint: String? {
        switch self {
        case .unavailable(let endpoint, _), .connectionLost(let endpoint, _),
            .invalidEndpoint(let endpoint, _):
            endpoint
        default: nil
        }
    }

    /// The reason alone.
    fileprivate var reason: String {
        switch self {
        case .unavailable(_, let reason), .connectionLost(_, let reason),
            .invalidEndpoint(_, let reason):
            reason
        default: "\(self)"
        }
    }
}
