// The server side of SP over byte streams, whoever drives them.
//
// Threads: listeners report on the stream driver's threads; `sweep` is called by one timer thread;
// the rest by anyone. The monitor guards the tables; it is never held while a connection, a listener
// or the receiver is called.
//
// Life of a listener here: accepting -> (paused -> accepting)* -> closed -> ended. An accept that
// fails doesn't end it: after a pause, long enough for descriptors to come free and short enough to go
// unnoticed, the sweep submits the next.

internal import Synchronization

/// Accepts connections and serves requests that arrive on them.
package final class StreamServer: ByteStreamListenerHandler, @unchecked Sendable {
    /// How long an endpoint rests after an accept failed.
    package static let acceptPauseNanoseconds: UInt64 = 20_000_000

    private struct PausedListener {
        let listener: any ByteStreamListener
        let resumeTime: UInt64
    }

    private struct State {
        var connections: [ConnectionID: ServerConnection] = [:]
        var listeners: [ObjectIdentifier: any ByteStreamListener] = [:]
        var paused: [PausedListener] = []
        var isAccepting = true
    }

    private let state = Monitor(State())
    private let unanswered = Atomic<Int>(0)
    private let readsOn = Atomic<Bool>(true)
    private let listenerEnd: @Sendable (any ByteStreamListener) -> Void
    private let sweepRequest: @Sendable (UInt64) -> Void

    let receiver: any RequestReceiver
    let buffers: BufferPool
    let limits: TransportLimits

    /// What has happened so far.
    package let counters = TransportCounters()

    /// Makes a server without endpoints.
    ///
    /// - Parameters:
    ///   - receiver: Takes the requests.
    ///   - buffers: Where the memory of requests comes from.
    ///   - limits: What is taken on at most.
    ///   - listenerEnd: Run when a listener has ended and holds nothing any more.
    ///   - sweepRequest: Run when ``sweep(at:)`` should be called at a certain time rather than
    ///     with the next regular tick.
    package init(
        receiver: any RequestReceiver,
        buffers: BufferPool,
        limits: TransportLimits,
        listenerEnd: @escaping @Sendable (any ByteStreamListener) -> Void = { _ in },
        sweepRequest: @escaping @Sendable (UInt64) -> Void = { _ in }
    ) {
        self.receiver = receiver
        self.buffers = buffers
        self.limits = limits
        self.listenerEnd = listenerEnd
        self.sweepRequest = sweepRequest
    }

    /// The requests that were handed on, or turned away with an error frame, whose reply has
    /// neither left nor been dropped.
    package var unansweredCount: Int { unanswered.load(ordering: .acquiring) }

    /// How many connections there are now.
    package var connectionCount: Int { state.withLock { $0.connections.count } }

    // Releasing: whoever sees 0 also sees the replies' completions.
    func addUnanswered(_ amount: Int) {
        unanswered.wrappingAdd(amount, ordering: .acquiringAndReleasing)
    }

    // MARK: Endpoints

    /// Begins to accept what comes in at `listener`, whose handler this server is.
    package func add(_ listener: any ByteStreamListener) {
        let isAccepting = state.withLock { state in
            state.listeners[ObjectIdentifier(listener)] = listener
            return state.isAccepting
        }
        if isAccepting {
            for _ in 0..<listener.acceptLimit { _ = listener.accept() }
        } else {
            listener.close()
        }
    }

    package func acceptCompleted(
        _ outcome: Result<any ByteStream, ByteStreamError>,
        by listener: any ByteStreamListener
    ) {
        switch outcome {
        case .success(let stream):
            serve(stream)
            _ = listener.accept()
        case .failure(.closed):
            return
        case .failure:
            counters.failedAccepts.add()
            let resumeTime = MonotonicClock.nanoseconds + Self.acceptPauseNanoseconds
            state.withLock {
                $0.paused.append(PausedListener(listener: listener, resumeTime: resumeTime))
            }
            sweepRequest(resumeTime)
        }
    }

    package func listenerEnded(_ listener: any ByteStreamListener) {
        listenerEnd(listener)
        state.withLock { _ = $0.listeners.removeValue(forKey: ObjectIdentifier(listener)) }
        state.signalAll()
    }

    /// Serves a connection that was made, unless there are too many; then it is closed.
    package func serve(_ stream: any ByteStream) {
        let id = ConnectionID.next()
        let connection = ServerConnection(id: id, stream: stream, server: self)
        let isWelcome = state.withLock { state in
            guard state.isAccepting, state.connections.count < limits.connectionCount else {
                return false
            }
            state.connections[id] = connection
            return true
        }
        guard isWelcome else {
            // Nothing was started: letting go of the stream closes it.
            counters.refusedConnections.add()
            return
        }
        counters.openedConnections.add()
        connection.begin()
    }

    func connectionEnded(_ connection: ServerConnection, hadHandshake: Bool) {
        if hadHandshake { receiver.connectionClosed(connection.id) }
        counters.freedConnections.add()
        state.withLock { _ = $0.connections.removeValue(forKey: connection.id) }
        state.signalAll()
    }

    // MARK: Time

    /// Ends the connections that have used up one of their times.
    ///
    /// Also lets endpoints accept again whose pause is over. Called every quarter of a second or so, by one thread.
    package func sweep(at now: UInt64) {
        let (connections, resumed) = state.withLock { state in
            let resumed = state.paused.filter { $0.resumeTime <= now }.map(\.listener)
            if !resumed.isEmpty { state.paused.removeAll { $0.resumeTime <= now } }
            return (Array(state.connections.values), resumed)
        }
        for listener in resumed { _ = listener.accept() }
        for connection in connections { connection.sweep(at: now) }
    }

    // MARK: The end

    /// Accepts no more connections, while those there are keep working; idempotent.
    package func stopAccepting() {
        let listeners = state.withLock { state in
            state.isAccepting = false
            state.paused = []
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.close() }
    }

    /// Lets connections throw away what they read, while their replies still leave; idempotent.
    ///
    /// Relaxed: what a callback that runs at this moment has read may still be handed on.
    package func stopReceiving() { readsOn.store(false, ordering: .relaxed) }

    /// Whether what connections read is used.
    var isReceiving: Bool { readsOn.load(ordering: .relaxed) }

    /// Closes everything and waits until nothing of it can call back any more.
    ///
    /// Must not be called from within the receiver. Idempotent.
    ///
    /// - Parameter limitNanoseconds: The longest wait.
    /// - Returns: Whether all has ended; if not, something in the stream driver hangs.
    @discardableResult
    package func shutdown(waitingAtMost limitNanoseconds: UInt64) -> Bool {
        stopAccepting()
        // Nothing is added any more: `serve` asks `isAccepting` under the same lock.
        let connections = state.withLock { Array($0.connections.values) }
        for connection in connections { connection.close(.shutdown) }
        return state.wait(until: MonotonicClock.nanoseconds + limitNanoseconds) { state in
            state.connections.isEmpty && state.listeners.isEmpty ? true : nil
        } ?? false
    }
}
