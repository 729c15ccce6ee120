/// The life of a channel's connection, as a value: events in, actions out, no I/O and no clock.
///
/// ```
/// idle -> dialing -> handshaking -> ready -> idle
///   ^        |            |          |
///   |        v            v          v (lost before it was of any use)
///   +---- backingOff <----+----------+        any state -> closed
/// ```
///
/// A channel dials only when somebody waits: when the first call comes, when calls wait after a
/// pause, and once when it is made. Attempts are numbered; what is reported of an earlier one is
/// ignored. The pause after the n-th failure in a row is drawn evenly from 0 to
/// `initialBackoff * 2^(n-1)`, at most `maximumBackoff` (full jitter); the driver draws.
package struct NNGChannelLife: Sendable {
    /// Where a channel stands.
    package enum State: Sendable, Equatable {
        /// No connection, and nobody who waits for one.
        case idle
        /// An attempt to connect is under way.
        case dialing
        /// Connected; the peer's handshake is awaited.
        case handshaking
        /// Messages can be sent.
        case ready
        /// A failed attempt is being waited out.
        case backingOff
        /// For good.
        case closed
    }

    /// What the driver must do now.
    package enum Action: Sendable, Equatable {
        /// Nothing.
        case none
        /// Dial, under the number of the attempt.
        case dial(attempt: UInt64)
        /// Report ``pauseElapsed(attempt:someoneWaits:)`` after a random time up to the given one.
        case pause(attempt: UInt64, atMostNanoseconds: UInt64)
        /// Send what waits.
        case send
    }

    private let initialBackoffNanoseconds: UInt64
    private let maximumBackoffNanoseconds: UInt64

    /// Where the channel stands.
    package private(set) var state = State.idle

    /// The number of the current attempt, or of the last one.
    package private(set) var attempt: UInt64 = 0

    /// How many attempts have failed since a connection was last of use.
    package private(set) var failuresInARow = 0

    /// What the last attempt or connection ended with; `nil` if nothing has failed yet.
    package private(set) var lastFailure: String?

    private var wasOfUse = false

    /// Begins idle.
    package init(initialBackoffNanoseconds: UInt64, maximumBackoffNanoseconds: UInt64) {
        self.initialBackoffNanoseconds = initialBackoffNanoseconds
        self.maximumBackoffNanoseconds = maximumBackoffNanoseconds
    }

    /// Whether messages can be sent.
    package var isReady: Bool { state == .ready }

    /// Someone wants a connection: a call came, or the channel shall be ready for one.
    package mutating func connectionWanted() -> Action {
        switch state {
        case .idle: dial()
        case .ready: .send
        case .dialing, .handshaking, .backingOff, .closed: .none
        }
    }

    /// A stream was opened.
    ///
    /// - Returns: Whether it is wanted; if not, the driver closes it.
    package mutating func dialed(attempt: UInt64) -> Bool {
        guard attempt == self.attempt, state == .dialing else { return false }
        state = .handshaking
        return true
    }

    /// The peer's handshake was right.
    package mutating func handshakeCompleted(attempt: UInt64) -> Action {
        guard attempt == self.attempt, state == .handshaking else { return .none }
        state = .ready
        wasOfUse = false
        return .send
    }

    /// The peer has answered a call, so the connection is a good one.
    package mutating func replyArrived(attempt: UInt64) {
        guard !wasOfUse, attempt == self.attempt, state == .ready else { return }
        wasOfUse = true
        failuresInARow = 0
        lastFailure = nil
    }

    /// The attempt failed, took too long, or its connection broke.
    ///
    /// - Parameters:
    ///   - attempt: Its number.
    ///   - reason: Why, for people.
    ///   - someoneWaits: Whether calls wait for a connection.
    /// - Returns: `nil` if this was known already, or the attempt is an earlier one.
    package mutating func failed(attempt: UInt64, reason: String, someoneWaits: Bool) -> Action? {
        guard attempt == self.attempt else { return nil }
        switch state {
        case .idle, .backingOff, .closed:
            return nil
        case .ready where wasOfUse:
            lastFailure = reason
            state = .idle
            return someoneWaits ? dial() : Action.none
        case .dialing, .handshaking, .ready:
            lastFailure = reason
            state = .backingOff
            failuresInARow += 1
            return .pause(attempt: attempt, atMostNanoseconds: pauseLimitNanoseconds)
        }
    }

    /// The pause after a failure is over.
    package mutating func pauseElapsed(attempt: UInt64, someoneWaits: Bool) -> Action {
        guard attempt == self.attempt, state == .backingOff else { return .none }
        state = .idle
        return someoneWaits ? dial() : .none
    }

    /// Ends it.
    ///
    /// - Returns: `false` if it had ended before.
    package mutating func close() -> Bool {
        guard state != .closed else { return false }
        state = .closed
        return true
    }

    private mutating func dial() -> Action {
        attempt += 1
        state = .dialing
        return .dial(attempt: attempt)
    }

    private var pauseLimitNanoseconds: UInt64 {
        let doublings = Swift.min(failuresInARow - 1, 40)
        let (product, overflow) = initialBackoffNanoseconds.multipliedReportingOverflow(
            by: 1 << UInt64(doublings)
        )
        return overflow ? maximumBackoffNanoseconds : Swift.min(product, maximumBackoffNanoseconds)
    }
}
