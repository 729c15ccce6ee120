internal import TernTransport
internal import TernWire

/// Where a transport's requests come in: the hot path, and everything else.
internal final class ServerReceiver: RequestReceiver {
    private let inference: InferenceDispatcher
    private let control: ControlCalls

    init(inference: InferenceDispatcher, control: ControlCalls) {
        self.inference = inference
        self.control = control
    }

    func receive(_ request: consuming IncomingRequest) {
        // Looks at the kind only; whoever reads the frame checks all of it.
        let envelope = ReplyEnvelope(readingFrom: request.message.bytes)
        if envelope.kindCode == MessageKind.modelInfer.rawValue {
            inference.receive(request)
        } else {
            control.receive(request, envelope: envelope)
        }
    }

    func requestIsArriving() { inference.prepareForWork() }

    func frame(for refusal: TransportRefusal, prefix: RawSpan) -> MessageBuffer? {
        inference.counters.count(.refused)
        let failure = RequestFailure(refusal)
        let envelope = ReplyEnvelope(readingFrom: prefix)
        return inference.frames.message(failure.reply.encoded(to: envelope))
    }

    func connectionClosed(_ connection: ConnectionID) {
        inference.abandon(of: connection)
    }
}

extension RequestFailure {
    /// What a client is told whose request a transport turned away.
    fileprivate init(_ refusal: TransportRefusal) {
        switch refusal {
        case .tooLarge(let byteCount, let limit):
            self.init(
                .invalidArgument,
                "the frame is too long",
                subject: "frame length",
                expected: "at most \(limit) bytes",
                found: "\(byteCount) bytes"
            )
        case .tooManyInFlight(let limit):
            self.init(
                .resourceExhausted,
                "the connection has too many requests in flight",
                subject: "connection",
                expected: "at most \(limit) requests without a reply",
                found: "one more",
                retryAfterMicroseconds: 1_000
            )
        case .tooManyBytesInFlight(let limit):
            self.init(
                .resourceExhausted,
                "the connection's requests in flight are too large",
                subject: "connection",
                expected: "at most \(limit) bytes without a reply",
                found: "more",
                retryAfterMicroseconds: 1_000
            )
        case .outOfMemory(let limit):
            self.init(
                .resourceExhausted,
                "the memory for requests is used up",
                subject: "request memory",
                expected: "at most \(limit) bytes in use",
                found: "more",
                retryAfterMicroseconds: 10_000
            )
        }
    }
}
