internal import Synchronization
internal import TernTransport
internal import TernWire

extension TernClient {
    /// The longest deadline there is, so that times can be added without care.
    private static let longestTimeoutNanoseconds: UInt64 = 1 << 60

    /// Makes one call: writes the request, waits for the reply, and checks that it is a success.
    ///
    /// - Parameters:
    ///   - kind: The call.
    ///   - options: The deadline, and more.
    ///   - encode: Writes the request.
    /// - Returns: The reply's frame, with a checked header.
    /// - Throws: What the server answered, or why there was no answer.
    internal func exchange(
        _ kind: MessageKind,
        options: CallOptions,
        encode: (RequestOptions) throws(TernError) -> MessageBuffer
    ) async throws(TernError) -> ReplyFrame {
        let timeout = options.timeout ?? configuration.defaultTimeout
        let nanoseconds = Swift.min(timeout.wholeNanoseconds, Self.longestTimeoutNanoseconds)
        guard nanoseconds > 0 else {
            throw TernError(.deadlineExceeded, "the \(kind.name) call was given no time")
        }
        let deadline = MonotonicClock.nanoseconds + nanoseconds
        let correlationID = lastCorrelationID.add(1, ordering: .relaxed).newValue
        let key = options.idempotencyKey.map {
            TernWire.IdempotencyKey(low: $0.low, high: $0.high)
        }
        let message = try encode(
            RequestOptions(
                correlationID: correlationID,
                budgetMicroseconds: Swift.max(nanoseconds / 1000, 1),
                idempotencyKey: key,
                priority: options.priority
            )
        )
        let call = PendingCall(channel: channel, deadlineNanoseconds: deadline)
        switch await call.outcome(of: message) {
        case .success(let frame):
            try check(frame, kind: kind, correlationID: correlationID)
            return frame
        case .failure(let failure):
            if case .cancelled(wasSent: true) = failure {
                sendCancel(of: correlationID, idempotencyKey: key)
            }
            throw TernError(failure, kind: kind, endpoint: endpoint, timeout: timeout)
        }
    }

    /// Checks that a reply belongs to the call and is no error.
    private func check(
        _ frame: ReplyFrame,
        kind: MessageKind,
        correlationID: UInt64
    ) throws(TernError) {
        let header = try understood(kind) { () throws(WireError) in
            try FrameHeader.ofWhole(frame.bytes, limits: limits)
        }
        // The server answers with id 0 when it could not read the request's header.
        guard
            header.correlationID == correlationID
                || (header.correlationID == 0 && header.status != .ok)
        else {
            throw TernError(
                .internalError,
                "\(endpoint) answered \(kind.name) with the reply to another call: correlation id "
                    + "\(header.correlationID), expected \(correlationID)",
                mayHaveRun: true
            )
        }
        guard header.status == .ok else {
            throw TernError(
                try understood(kind) { () throws(WireError) in
                    try ErrorReply(decoding: frame.bytes, limits: limits)
                }
            )
        }
    }

    /// Runs `body`, which reads a reply.
    internal func understood<Value>(
        _ kind: MessageKind,
        _ body: () throws(WireError) -> Value
    ) throws(TernError) -> Value {
        do throws(WireError) {
            return try body()
        } catch {
            throw TernError(reply: error, to: kind, from: endpoint)
        }
    }

    /// Makes a call that is not on the hot path.
    internal func exchange<Request: ColdRequest>(
        _ request: Request,
        options: CallOptions
    ) async throws(TernError) -> Request.Reply {
        let buffers = channel.buffers
        let frame = try await exchange(Request.kind, options: options) {
            (requestOptions: RequestOptions) throws(TernError) in
            try buffers.message(of: request.encoded(requestOptions))
        }
        return try understood(Request.kind) { () throws(WireError) in
            try Request.Reply(decoding: frame.bytes, limits: limits)
        }
    }

    /// Tells the server that a reply is not wanted any more; nobody waits for its answer.
    private func sendCancel(of target: UInt64, idempotencyKey: TernWire.IdempotencyKey?) {
        let request = CancelRequest(
            idempotencyKey.map { .both(correlationID: target, idempotencyKey: $0) }
                ?? .correlationID(target)
        )
        let id = lastCorrelationID.add(1, ordering: .relaxed).newValue
        let bytes = request.encoded(RequestOptions(correlationID: id))
        // Without memory for it the server will notice by the deadline.
        guard let message = try? channel.buffers.message(of: bytes) else { return }
        Notice(channel: channel).send(message)
    }
}

extension BufferPool {
    /// Copies a frame into message memory.
    fileprivate func message(of bytes: [UInt8]) throws(TernError) -> MessageBuffer {
        guard var message = take(byteCount: bytes.count) else {
            throw TernError(
                .resourceExhausted,
                "all \(limitByteCount) bytes of message memory are in use"
            )
        }
        var target = message.mutableBytes
        // SAFETY: only asks for the bytes of bytes.
        target.copyBytes(from: unsafe bytes.span.bytes, at: 0)
        return message
    }
}

extension Duration {
    /// The duration in nanoseconds, rounded down; 0 if it is negative.
    internal var wholeNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (product, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let rest = UInt64(attoseconds) / 1_000_000_000
        return overflow || product > .max - rest ? .max : product + rest
    }
}

/// A request whose reply nobody waits for; forgotten after a while.
@safe private final class Notice: Alarm, @unchecked Sendable {
    private static let patienceNanoseconds: UInt64 = 5_000_000_000

    private let channel: any RequestChannel
    /// Written before the alarm is set, read when it rings.
    private var name = CallID(rawValue: 0)

    init(channel: any RequestChannel) { self.channel = channel }

    func send(_ message: consuming MessageBuffer) {
        name = channel.call(message) { _ in AlarmClock.shared.takeBack(self) }
        AlarmClock.shared.set(self, at: MonotonicClock.nanoseconds + Self.patienceNanoseconds)
    }

    override func ring() { channel.abandon(name) }
}
