/// Why a connection came to its end.
package enum ConnectionEnd: Sendable, Equatable {
    /// The peer closed it, or it broke.
    case peerGone(ByteStreamError)
    /// The peer broke the protocol.
    case protocolError(SPError)
    /// The peer's handshake did not come in time.
    case handshakeTimeout
    /// Nothing happened on it for a long time.
    case idleTimeout
    /// A message began to arrive and then hardly went on.
    case receiveStall
    /// The peer hardly took what was sent to it.
    case sendStall
    /// The peer let too many replies pile up.
    case replyQueueFull
    /// This end was shut down.
    case shutdown
}

/// Times a connection, as a value: what happened and when goes in, whether to end it comes out.
///
/// All times are nanoseconds of ``MonotonicClock``. Within a message, in either direction, progress
/// is demanded: a window begins with the message and is renewed as long as enough bytes move in it,
/// so that neither silence nor a byte now and then holds memory for long.
package struct ConnectionWatch: Sendable {
    /// How long what may take.
    package struct Limits: Sendable {
        /// From the connection's start until the peer's handshake is there.
        package var handshakeNanoseconds: UInt64
        /// Without a byte in either direction and without a request in flight.
        package var idleNanoseconds: UInt64
        /// The window within which a begun message must make progress.
        package var stallNanoseconds: UInt64
        /// The progress it must make in each window, or else be complete.
        package var stallByteCount: Int

        package init(
            handshakeNanoseconds: UInt64 = 5_000_000_000,
            idleNanoseconds: UInt64 = 60_000_000_000,
            stallNanoseconds: UInt64 = 5_000_000_000,
            stallByteCount: Int = 64 << 10
        ) {
            self.handshakeNanoseconds = handshakeNanoseconds
            self.idleNanoseconds = idleNanoseconds
            self.stallNanoseconds = stallNanoseconds
            self.stallByteCount = stallByteCount
        }
    }

    /// Bytes moved since a moment.
    private struct Window: Sendable {
        var start: UInt64
        var byteCount = 0

        mutating func isStalled(at now: UInt64, limits: Limits) -> Bool {
            guard now >= start, now - start >= limits.stallNanoseconds else { return false }
            if byteCount < limits.stallByteCount { return true }
            self = Window(start: now)
            return false
        }
    }

    private let limits: Limits
    private let start: UInt64
    private var lastActivity: UInt64
    private var isHandshaking = true
    private var receiving: Window?
    private var sending: Window?

    /// Begins with a connection that has just been made.
    package init(limits: Limits, startedAt now: UInt64) {
        self.limits = limits
        start = now
        lastActivity = now
    }

    /// The peer's handshake is there.
    package mutating func handshakeArrived() { isHandshaking = false }

    /// A read has completed.
    ///
    /// - Parameters:
    ///   - byteCount: What it brought.
    ///   - completedMessage: Whether a message became complete by it.
    ///   - isWithinMessage: Whether part of a message is there now and the rest isn't.
    ///   - now: The time.
    package mutating func bytesReceived(
        _ byteCount: Int,
        completedMessage: Bool,
        isWithinMessage: Bool,
        at now: UInt64
    ) {
        lastActivity = now
        guard isWithinMessage else {
            receiving = nil
            return
        }
        if completedMessage || receiving == nil {
            receiving = Window(start: now)
        } else {
            receiving?.byteCount += byteCount
        }
    }

    /// A write was submitted when none was outstanding.
    package mutating func sendingBegan(at now: UInt64) { sending = Window(start: now) }

    /// A write has completed.
    ///
    /// - Parameters:
    ///   - byteCount: What the system took.
    ///   - completedMessage: Whether a message has left completely by it.
    ///   - isWithinMessage: Whether there is more to send.
    ///   - now: The time.
    package mutating func bytesSent(
        _ byteCount: Int,
        completedMessage: Bool,
        isWithinMessage: Bool,
        at now: UInt64
    ) {
        lastActivity = now
        guard isWithinMessage else {
            sending = nil
            return
        }
        if completedMessage || sending == nil {
            sending = Window(start: now)
        } else {
            sending?.byteCount += byteCount
        }
    }

    /// Tells whether the connection has to end.
    ///
    /// - Parameters:
    ///   - now: The time.
    ///   - isBusy: Whether a request is in flight, which nothing is demanded of the peer for.
    /// - Returns: Why it has to, or `nil`.
    package mutating func verdict(at now: UInt64, isBusy: Bool) -> ConnectionEnd? {
        if isHandshaking {
            return now >= start && now - start >= limits.handshakeNanoseconds
                ? .handshakeTimeout : nil
        }
        if receiving?.isStalled(at: now, limits: limits) == true { return .receiveStall }
        if sending?.isStalled(at: now, limits: limits) == true { return .sendStall }
        guard !isBusy, receiving == nil, sending == nil else { return nil }
        return now >= lastActivity && now - lastActivity >= limits.idleNanoseconds
            ? .idleTimeout : nil
    }
}
