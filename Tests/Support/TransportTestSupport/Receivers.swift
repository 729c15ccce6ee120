package import TernTransport

/// Bytes of an error frame that a test receiver writes: the refusal in words, then the prefix.
private func refusalFrame(
    for refusal: TransportRefusal,
    prefix: RawSpan,
    from pool: BufferPool
) -> MessageBuffer? {
    let text =
        switch refusal {
        case .tooLarge(let byteCount, let limit): "too large \(byteCount)>\(limit):"
        case .tooManyInFlight(let limit): "too many \(limit):"
        case .tooManyBytesInFlight(let limit): "too many bytes \(limit):"
        case .outOfMemory(let limit): "out of memory \(limit):"
        }
    return pool.message(Array(text.utf8) + prefix.array)
}

extension BufferPool {
    /// A message with these bytes; `nil` if the pool is exhausted.
    package func message(_ bytes: [UInt8]) -> MessageBuffer? {
        guard let message = take(byteCount: bytes.count) else { return nil }
        unsafe bytes.withUnsafeBytes { source in
            // SAFETY: the message has exactly as many bytes as the array.
            unsafe message.frameAddress.copyMemory(
                from: source.baseAddress ?? UnsafeRawPointer(message.frameAddress),
                byteCount: source.count
            )
        }
        return message
    }
}

extension Array<UInt8> {
    /// The elements as raw bytes.
    package var raw: RawSpan {
        @_lifetime(borrow self)
        get {
            // SAFETY: the span depends on the array, as the one it comes from does.
            unsafe _overrideLifetime(span.bytes, borrowing: self)
        }
    }
}

extension RawSpan {
    /// A copy of the bytes.
    package var array: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount)
        for index in 0..<byteCount { bytes.append(byte(at: index)) }
        return bytes
    }
}

/// Answers each request with its own message, at once, on the transport's thread.
package final class EchoReceiver: RequestReceiver {
    private let closed = Locked<[ConnectionID]>([])
    private let refusals = BufferPool(limitByteCount: 1 << 20)
    private let arrivingParts = Locked(0)

    package init() {}

    package func requestIsArriving() { arrivingParts.withLock { $0 += 1 } }

    /// How often a part of a request was announced.
    package var arrivingPartCount: Int { arrivingParts.withLock { $0 } }

    package func receive(_ request: consuming IncomingRequest) {
        request.takeApart { message, replier in replier.reply(message) }
    }

    package func frame(for refusal: TransportRefusal, prefix: RawSpan) -> MessageBuffer? {
        refusalFrame(for: refusal, prefix: prefix, from: refusals)
    }

    package func connectionClosed(_ connection: ConnectionID) {
        closed.withLock { $0.append(connection) }
    }

    /// The connections whose end was reported.
    package var closedConnections: [ConnectionID] { closed.withLock { $0 } }
}

/// Keeps requests until the test answers them.
package final class HoldingReceiver: RequestReceiver {
    /// A request in a test's hands.
    package final class Held: @unchecked Sendable {
        private var request: IncomingRequest?

        /// Whence it came.
        package let connection: ConnectionID
        /// A copy of its frame.
        package let bytes: [UInt8]
        /// Where its frame lies.
        package let frameAddress: UInt
        /// When it arrived.
        package let receivedAtNanoseconds: UInt64

        /// Takes a request into the test's hands.
        package init(_ request: consuming IncomingRequest) {
            connection = request.connection
            bytes = request.message.bytes.array
            frameAddress = unsafe UInt(bitPattern: request.message.frameAddress)
            receivedAtNanoseconds = request.receivedAtNanoseconds
            self.request = consume request
        }

        /// Answers with the request's own message.
        package func echo() {
            guard let request = request.take() else { return }
            request.takeApart { message, replier in replier.reply(message) }
        }

        /// Answers with other bytes.
        package func answer(_ bytes: [UInt8], from pool: BufferPool) {
            guard let request = request.take() else { return }
            request.takeApart { _, replier in
                guard let message = pool.message(bytes) else { return }
                replier.reply(message)
            }
        }

        /// Destroys the request without an answer.
        package func forget() { request = nil }
    }

    private struct State {
        var held: [Held] = []
        var closed: [ConnectionID] = []
    }

    private let state = Monitor(State())
    private let refusals = BufferPool(limitByteCount: 1 << 20)

    package init() {}

    package func receive(_ request: consuming IncomingRequest) {
        let held = Held(request)
        state.withLock { $0.held.append(held) }
        state.signalAll()
    }

    package func frame(for refusal: TransportRefusal, prefix: RawSpan) -> MessageBuffer? {
        refusalFrame(for: refusal, prefix: prefix, from: refusals)
    }

    package func connectionClosed(_ connection: ConnectionID) {
        state.withLock { $0.closed.append(connection) }
        state.signalAll()
    }

    /// What is held now.
    package var held: [Held] { state.withLock { $0.held } }

    /// The connections whose end was reported.
    package var closedConnections: [ConnectionID] { state.withLock { $0.closed } }

    /// Waits until `count` requests have come; all that are held, or `nil` after a minute.
    package func waitForRequests(_ count: Int) -> [Held]? {
        state.wait(until: MonotonicClock.nanoseconds + 60_000_000_000) { state in
            state.held.count >= count ? state.held : nil
        }
    }

    /// Waits until `count` connections were reported closed, a minute at most.
    package func waitForClosedConnections(_ count: Int) -> [ConnectionID]? {
        state.wait(until: MonotonicClock.nanoseconds + 60_000_000_000) { state in
            state.closed.count >= count ? state.closed : nil
        }
    }
}

/// Waits until `condition` holds, a minute at most.
///
/// - Parameter condition: Asked again and again.
/// - Returns: Whether it came to hold.
package func eventually(_ condition: () -> Bool) -> Bool {
    let deadline = MonotonicClock.nanoseconds + 60_000_000_000
    while !condition() {
        if MonotonicClock.nanoseconds > deadline { return false }
        pause(milliseconds: 1)
    }
    return true
}
