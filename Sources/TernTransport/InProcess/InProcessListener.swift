internal import Synchronization

/// Serves requests of the same process, which reach the receiver on their callers' threads.
///
/// Messages are handed over without a copy in both directions. Limits and ends are those of any
/// other listener; times are not watched, since both sides share their fate.
package final class InProcessListener: RequestListener {
    private struct State {
        var connections: [ConnectionID: InProcessConnection] = [:]
        var isAccepting = true
    }

    /// The listeners that can be connected to, by name.
    private static let listeners = Locked<[String: InProcessListener]>([:])

    private let state = Monitor(State())
    private let unanswered = Atomic<Int>(0)
    private let takesRequests = Atomic<Bool>(true)
    private let name: String

    let receiver: any RequestReceiver
    let limits: TransportLimits
    let counters = TransportCounters()

    /// Takes a name that channels of this process can connect to.
    ///
    /// The listener, and with it the receiver, lives until ``shutdown()``.
    ///
    /// - Parameters:
    ///   - name: Unlike that of any other listener that accepts.
    ///   - receiver: Takes the requests, on the callers' threads.
    ///   - limits: What is taken on at most.
    /// - Throws: ``TransportError/unavailable(endpoint:reason:)`` if the name is taken.
    package init(
        name: String,
        receiver: any RequestReceiver,
        limits: TransportLimits = TransportLimits()
    ) throws(TransportError) {
        self.name = name
        self.receiver = receiver
        self.limits = limits
        let isFree = Self.listeners.withLock { listeners in
            guard listeners[name] == nil else { return false }
            listeners[name] = self
            return true
        }
        guard isFree else {
            throw .unavailable(
                endpoint: Endpoint.inProcess(name: name).url,
                reason: "another listener of this process has the name"
            )
        }
    }

    /// Connects to the listener with a name.
    ///
    /// - Parameter name: The listener's name.
    /// - Returns: `nil` if there is none, or if it has as many connections as it may.
    static func connect(to name: String) -> InProcessConnection? {
        let listener = listeners.withLock { $0[name] }
        return listener?.connect()
    }

    private func connect() -> InProcessConnection? {
        let connection = InProcessConnection(id: .next(), listener: self)
        let isWelcome = state.withLock { state in
            guard state.isAccepting, state.connections.count < limits.connectionCount else {
                return false
            }
            state.connections[connection.id] = connection
            return true
        }
        guard isWelcome else {
            counters.refusedConnections.add()
            return nil
        }
        counters.openedConnections.add()
        return connection
    }

    func connectionEnded(_ connection: InProcessConnection) {
        receiver.connectionClosed(connection.id)
        counters.freedConnections.add()
        state.withLock { _ = $0.connections.removeValue(forKey: connection.id) }
        state.signalAll()
    }

    func requestEntered() {
        counters.requests.add()
        unanswered.wrappingAdd(1, ordering: .acquiringAndReleasing)
    }

    func requestLeft() { unanswered.wrappingSubtract(1, ordering: .acquiringAndReleasing) }

    package var urls: [String] { [Endpoint.inProcess(name: name).url] }

    package var unansweredCount: Int { unanswered.load(ordering: .acquiring) }

    /// How many connections there are now.
    package var connectionCount: Int { state.withLock { $0.connections.count } }

    /// What has happened so far.
    package var counts: TransportCounts { counters.counts }

    /// None: a reply is handed over as it is.
    package var undeliveredByteCount: Int { 0 }

    package func stopReceiving() { takesRequests.store(false, ordering: .relaxed) }

    /// Whether requests still run into the receiver; otherwise calls fail as if it were gone.
    var isReceiving: Bool { takesRequests.load(ordering: .relaxed) }

    package func stopAccepting() {
        state.withLock { $0.isAccepting = false }
        Self.listeners.withLock { listeners in
            if listeners[name] === self { listeners[name] = nil }
        }
    }

    package func shutdown() {
        stopAccepting()
        let connections = state.withLock { Array($0.connections.values) }
        for connection in connections {
            connection.close(failingWith: connection.lost, end: .shutdown)
        }
        _ = state.wait(until: MonotonicClock.nanoseconds + 5_000_000_000) { state in
            state.connections.isEmpty ? true : nil
        }
    }
}

extension ConnectionID {
    private static let last = Atomic<UInt64>(0)

    /// An id that no connection of this process has had.
    static func next() -> ConnectionID {
        ConnectionID(rawValue: last.wrappingAdd(1, ordering: .relaxed).newValue)
    }
}
