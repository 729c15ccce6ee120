// The client side of SP over a byte stream: one connection, kept up, that carries any number of
// calls.
//
// The channel's lock guards the calls, the life of the connection, and the right to write. It is
// held for table look-ups only: never while the system is called, memory is taken or a completion
// runs. Lock order: the channel's lock before none; streams, pools and the alarm clock take theirs
// on their own.
//
// Who runs a completion: whoever has removed the call from the table, after letting go of the lock.
// That is the reader for a reply; the reader or writer that saw the connection break, for calls that
// were sent; `streamEnded` for calls that were being written; or a caller of `abandon` and `close`.

package import TernTransport

/// The client side of SP over libnng's byte streams.
///
/// Dials only when somebody waits (``NNGChannelLife``). Calls made while there is no connection
/// wait for one, in order, for as long as nobody gives them up. When a connection breaks, the calls
/// that were sent on it fail at once; those of which nothing was written wait for the next one.
@safe package final class NNGChannel: RequestChannel, @unchecked Sendable {
    /// Limits and times of a channel.
    package struct Settings: Sendable {
        /// How long an attempt to connect may take, handshake included.
        package var connectTimeoutNanoseconds: UInt64 = 5_000_000_000
        /// The pause after the first failure is at most this.
        package var initialBackoffNanoseconds: UInt64 = 10_000_000
        /// No pause is longer.
        package var maximumBackoffNanoseconds: UInt64 = 1_000_000_000
        /// The most calls without an outcome.
        package var callsInFlightLimit = 16_384
        /// A longer reply is skipped and its call fails.
        package var replyByteCountLimit = 256 << 20
        /// A reply that is longer still breaks the connection.
        package var skippedReplyByteCountLimit: UInt64 = 4 << 30
        /// The bytes of all requests and replies at one time.
        package var memoryByteCountLimit = 1 << 30

        /// Changes a request that had to wait for longer than ``lateAfterNanoseconds``, before it
        /// is written; told for how long since it was handed over, or since the last time.
        ///
        /// Runs on a thread of the transport and must not block.
        package var adjustLateRequest:
            @Sendable (inout MessageBuffer, _ nanoseconds: UInt64) -> Void =
                { _, _ in }

        package init() {}
    }

    /// A request that waited for less than this leaves as it is.
    package static let lateAfterNanoseconds: UInt64 = 50_000

    private struct State: ~Copyable {
        var life: NNGChannelLife
        var calls: NNGChannelCalls
        var connection: NNGChannelConnection?
        var dialing: NNGChannelAttempt?
        var alarm: Alarm?
    }

    /// What was decided under the lock and is to be done after it.
    private enum Effect {
        case none
        case write(NNGChannelConnection)
        case dial(attempt: UInt64)
        case pause(attempt: UInt64, atMostNanoseconds: UInt64)
    }

    package typealias MakeDialer =
        @Sendable (
            any ByteStreamDialerHandler
        ) -> Result<any ByteStreamDialer, ByteStreamError>

    package let endpoint: Endpoint
    package let settings: Settings
    package let buffers: BufferPool
    private let makeDialer: MakeDialer
    private let state: Locked<State>

    /// Makes a channel that connects through libnng, and begins to connect.
    ///
    /// - Parameters:
    ///   - url: An `ipc`, `abstract` or `tcp` URL.
    ///   - settings: Limits and times.
    /// - Throws: ``TransportError/invalidEndpoint(url:reason:)``.
    package convenience init(
        url: String,
        settings: Settings = Settings()
    ) throws(TransportError) {
        let endpoint = try Endpoint(url: url)
        switch endpoint {
        case .inProcess:
            throw .invalidEndpoint(url: url, reason: "a name within a process has no byte stream")
        case .tcp(let host, let port) where host.isEmpty || port == 0:
            throw .invalidEndpoint(url: url, reason: "a client needs a host and a port")
        case .tcp, .ipc, .abstract:
            break
        }
        self.init(endpoint: endpoint, settings: settings) { handler in
            do throws(ByteStreamError) {
                return .success(try NNGByteStreamDialer(endpoint: endpoint, handler: handler))
            } catch {
                return .failure(error)
            }
        }
    }

    /// Makes a channel over whatever dialers `makeDialer` makes, one for each attempt.
    package init(
        endpoint: Endpoint,
        settings: Settings,
        makeDialer: @escaping MakeDialer
    ) {
        self.endpoint = endpoint
        self.settings = settings
        self.makeDialer = makeDialer
        buffers = BufferPool(limitByteCount: settings.memoryByteCountLimit)
        state = Locked(
            State(
                life: NNGChannelLife(
                    initialBackoffNanoseconds: settings.initialBackoffNanoseconds,
                    maximumBackoffNanoseconds: settings.maximumBackoffNanoseconds
                ),
                calls: NNGChannelCalls(limit: settings.callsInFlightLimit)
            )
        )
        perform(state.withLock { Self.effect(of: $0.life.connectionWanted(), &$0) })
    }

    /// Where the channel stands; for tests and for people.
    package var lifeState: NNGChannelLife.State { state.withLock { $0.life.state } }

    /// How many calls have no outcome yet.
    package var callsInFlightCount: Int { state.withLock { $0.calls.count } }

    // MARK: Calls

    package func call(
        _ request: consuming MessageBuffer,
        completion: @escaping Completion
    ) -> CallID {
        let now = MonotonicClock.nanoseconds
        var request: MessageBuffer? = consume request
        var effect = Effect.none
        var refusal: TransportError?
        let id: CallID = state.withLock { state in
            guard state.life.state != .closed else {
                refusal = .closed
                return CallID(rawValue: 0)
            }
            guard state.calls.count < state.calls.limit else {
                refusal = .tooManyInFlight(limit: state.calls.limit)
                return CallID(rawValue: 0)
            }
            let call = state.calls.add(
                request.take()!,
                atNanoseconds: now,
                completion: completion
            )
            effect = Self.effect(of: state.life.connectionWanted(), &state)
            return call.id
        }
        if let refusal {
            completion(.failure(refusal))
        } else {
            perform(effect)
        }
        return id
    }

    package func abandon(_ id: CallID) {
        var unavailable: TransportError?
        let abandoned: NNGChannelCall? = state.withLock { state in
            guard let (call, stage) = state.calls.abandon(id) else { return nil }
            if stage == .waiting && !state.life.isReady {
                unavailable = .unavailable(
                    endpoint: endpoint.url,
                    reason: state.life.lastFailure ?? "still connecting"
                )
            }
            return call
        }
        guard let abandoned else { return }
        // Its request is freed with the call, or by the writer if it is being written.
        abandoned.complete(with: .failure(unavailable ?? .closed))
    }

    package func close() {
        var connection: NNGChannelConnection?
        var dialing: NNGChannelAttempt?
        var alarm: Alarm?
        let calls: [NNGChannelCall] = state.withLock { state in
            guard state.life.close() else { return [] }
            connection = state.connection.take()
            dialing = state.dialing.take()
            alarm = state.alarm.take()
            return state.calls.takeAll()
        }
        if let alarm { AlarmClock.shared.takeBack(alarm) }
        dialing?.close()
        connection?.close()
        for call in calls { call.complete(with: .failure(.closed)) }
    }

    // MARK: Effects

    /// Turns what the life decided into what is to be done, under the lock.
    private static func effect(of action: NNGChannelLife.Action, _ state: inout State) -> Effect {
        switch action {
        case .none: return .none
        case .dial(let attempt): return .dial(attempt: attempt)
        case .pause(let attempt, let limit):
            return .pause(attempt: attempt, atMostNanoseconds: limit)
        case .send:
            guard let connection = state.connection, !connection.isWriting,
                fill(connection, from: &state)
            else { return .none }
            connection.isWriting = true
            return .write(connection)
        }
    }

    /// Moves waiting calls to what `connection` writes next; whether there were any.
    private static func fill(_ connection: NNGChannelConnection, from state: inout State) -> Bool {
        var hasCalls = false
        while !connection.isBatchFull, let call = state.calls.takeForWriting() {
            connection.add(call)
            hasCalls = true
        }
        return hasCalls
    }

    private func perform(_ effect: Effect) {
        switch effect {
        case .none: break
        case .write(let connection): connection.writeBatch()
        case .dial(let attempt): dial(attempt)
        case .pause(let attempt, let limit): pause(attempt, atMostNanoseconds: limit)
        }
    }

    private func dial(_ number: UInt64) {
        let attempt = NNGChannelAttempt(number: number, channel: self)
        let alarm = NNGChannelAlarm(.connectTimedOut, attempt: number, channel: self)
        let isWanted = state.withLock { state in
            guard state.life.attempt == number, state.life.state == .dialing else { return false }
            state.dialing = attempt
            state.alarm = alarm
            return true
        }
        guard isWanted else { return }
        switch makeDialer(attempt) {
        case .failure(let error):
            attemptFailed(number, reason: error.description)
        case .success(let dialer):
            let due = MonotonicClock.nanoseconds + settings.connectTimeoutNanoseconds
            AlarmClock.shared.set(alarm, at: due)
            attempt.dial(with: dialer)
        }
    }

    private func pause(_ attempt: UInt64, atMostNanoseconds limit: UInt64) {
        let alarm = NNGChannelAlarm(.pauseElapsed, attempt: attempt, channel: self)
        let isWanted = state.withLock { state in
            guard state.life.attempt == attempt, state.life.state == .backingOff else {
                return false
            }
            state.alarm = alarm
            return true
        }
        guard isWanted else { return }
        let due = MonotonicClock.nanoseconds + UInt64.random(in: 0...limit)
        AlarmClock.shared.set(alarm, at: due)
    }
}

// MARK: What attempts report

extension NNGChannel {
    func dialed(_ stream: any ByteStream, attempt: UInt64) {
        let connection = NNGChannelConnection(stream: stream, attempt: attempt, channel: self)
        let isWanted = state.withLock { state in
            guard state.life.dialed(attempt: attempt) else { return false }
            state.connection = connection
            state.dialing = nil
            return true
        }
        // A stream that was never started is closed when nobody holds it any more.
        if isWanted { connection.start() }
    }

    func attemptFailed(_ attempt: UInt64, reason: String) {
        giveUpConnection(attempt, reason: reason)
    }

    func connectTimedOut(attempt: UInt64) {
        let seconds = Double(settings.connectTimeoutNanoseconds) / 1e9
        giveUpConnection(attempt, reason: "no connection within \(seconds) s", unlessReady: true)
    }

    func pauseElapsed(attempt: UInt64) {
        perform(
            state.withLock { state in
                state.alarm = nil
                let action = state.life.pauseElapsed(
                    attempt: attempt,
                    someoneWaits: state.calls.someoneWaits
                )
                return Self.effect(of: action, &state)
            }
        )
    }

    /// Ends an attempt or its connection, and fails the calls that were sent on it.
    private func giveUpConnection(_ attempt: UInt64, reason: String, unlessReady: Bool = false) {
        var connection: NNGChannelConnection?
        var dialing: NNGChannelAttempt?
        var alarm: Alarm?
        var lost: [NNGChannelCall] = []
        let effect: Effect = state.withLock { state in
            if unlessReady && state.life.isReady { return .none }
            guard
                let action = state.life.failed(
                    attempt: attempt,
                    reason: reason,
                    someoneWaits: state.calls.someoneWaits
                )
            else { return .none }
            connection = state.connection.take()
            dialing = state.dialing.take()
            alarm = state.alarm.take()
            lost = state.calls.takeSent()
            return Self.effect(of: action, &state)
        }
        if let alarm { AlarmClock.shared.takeBack(alarm) }
        dialing?.close()
        connection?.close()
        for call in lost {
            call.complete(
                with:
                    .failure(.connectionLost(endpoint: endpoint.url, reason: reason))
            )
        }
        perform(effect)
    }
}

// MARK: What connections report

extension NNGChannel {
    func handshakeCompleted(_ connection: NNGChannelConnection) {
        var alarm: Alarm?
        let effect: Effect = state.withLock { state in
            let action = state.life.handshakeCompleted(attempt: connection.attempt)
            guard action != .none else { return .none }
            alarm = state.alarm.take()
            return Self.effect(of: action, &state)
        }
        if let alarm { AlarmClock.shared.takeBack(alarm) }
        perform(effect)
    }

    func connectionLost(_ connection: NNGChannelConnection, reason: String) {
        giveUpConnection(connection.attempt, reason: reason)
    }

    func awaitsReply(_ requestID: UInt32, on connection: NNGChannelConnection) -> Bool {
        state.withLock { $0.connection === connection && $0.calls.awaitsReply(requestID) }
    }

    /// Removes the call that a reply is for; a late or foreign reply has none.
    func takeReplied(
        _ requestID: UInt32,
        on connection: NNGChannelConnection
    ) -> NNGChannelCall? {
        state.withLock { state in
            guard state.connection === connection else { return nil }
            guard let call = state.calls.takeReplied(requestID) else { return nil }
            state.life.replyArrived(attempt: connection.attempt)
            return call
        }
    }

    func refuseReply(
        to requestID: UInt32,
        on connection: NNGChannelConnection,
        because error: TransportError
    ) {
        takeReplied(requestID, on: connection)?.complete(with: .failure(error))
    }

    /// Notes that a batch was written and fills the next; if there is none, the right to write ends.
    func writeNext(_ connection: NNGChannelConnection) -> Bool {
        // Requests go back to the pool after the lock has been let go of.
        var written = InlineArray<8, NNGChannelCall?>(repeating: nil)
        var writtenCount = 0
        connection.takeBatch { call, _ in
            written[writtenCount] = call
            writtenCount += 1
        }
        for index in 0..<writtenCount { written[index]?.request = nil }
        var lost: [NNGChannelCall] = []
        var reason = ""
        let hasMore = state.withLock { state in
            let isCurrent = state.connection === connection
            for index in 0..<writtenCount {
                guard let call = written[index] else { continue }
                if isCurrent {
                    state.calls.wasWritten(call)
                } else if state.calls.takeBroken(call) {
                    lost.append(call)
                }
            }
            if !isCurrent { reason = state.life.lastFailure ?? "the connection was closed" }
            guard isCurrent, state.life.isReady, Self.fill(connection, from: &state) else {
                connection.isWriting = false
                return false
            }
            return true
        }
        for call in lost {
            call.complete(with: .failure(.connectionLost(endpoint: endpoint.url, reason: reason)))
        }
        return hasMore
    }

    /// The stream has ended.
    func connectionEnded(_ connection: NNGChannelConnection) {
        // First, so that no call is added to the connection any more.
        giveUpConnection(connection.attempt, reason: "the connection was closed")
        connection.endWriting()
    }

    /// Sorts out what was being written when the connection ended: what had begun to leave is lost,
    /// the rest waits for the next connection.
    func sortOut(_ connection: NNGChannelConnection) {
        var begun: [NNGChannelCall] = []
        var untouched: [NNGChannelCall] = []
        connection.takeBatch { call, wasBegun in
            if wasBegun { begun.append(call) } else { untouched.append(call) }
        }
        guard !begun.isEmpty || !untouched.isEmpty else { return }
        var lost: [NNGChannelCall] = []
        var reason = ""
        let effect: Effect = state.withLock { state in
            lost = begun.filter { state.calls.takeBroken($0) }
            for call in untouched.reversed() { state.calls.putBack(call) }
            reason = state.life.lastFailure ?? "the connection was closed"
            guard state.calls.someoneWaits else { return .none }
            return Self.effect(of: state.life.connectionWanted(), &state)
        }
        for call in lost {
            call.complete(with: .failure(.connectionLost(endpoint: endpoint.url, reason: reason)))
        }
        perform(effect)
    }
}
