internal import TernTransport
internal import TernWire

extension TernError {
    /// What the server answered.
    internal init(_ reply: ErrorReply) {
        // Every code of the wire but 0, which no error has, is one of ours.
        let code = Code(rawValue: UInt8(truncatingIfNeeded: reply.code.rawValue)) ?? .unknown
        self.init(
            code,
            reply.message,
            origin: .server,
            retryAfter: reply.retryAfterMicroseconds.map { .microseconds(Int64(clamping: $0)) },
            mayHaveRun: code.mayFollowWork
        )
        subject = reply.subject
        expected = reply.expected
        found = reply.found
    }

    /// A request that the server would refuse.
    internal init(request error: WireError) {
        self.init(.invalidArgument, "the request cannot be sent: \(error)")
        subject = error.subject
        expected = error.expectedDescription
        found = error.foundDescription
    }

    /// A reply that isn't one.
    internal init(reply error: WireError, to kind: MessageKind, from endpoint: String) {
        self.init(
            .internalError,
            "the reply of \(endpoint) to \(kind.name) cannot be understood: \(error)",
            mayHaveRun: true
        )
    }

    /// A call without a reply.
    internal init(
        _ failure: CallFailure,
        kind: MessageKind,
        endpoint: String,
        timeout: Duration
    ) {
        switch failure {
        case .cancelled(let wasSent):
            self.init(
                .cancelled,
                "the task of the \(kind.name) call was cancelled",
                mayHaveRun: wasSent
            )
        case .deadlineExceeded:
            self.init(
                .deadlineExceeded,
                "\(endpoint) did not answer \(kind.name) within \(timeout)",
                mayHaveRun: true
            )
        case .notConnected(let reason):
            self.init(
                .unavailable,
                "no connection to \(endpoint) within \(timeout): \(reason)",
                origin: .transport
            )
        case .transport(let error):
            self.init(error, endpoint: endpoint)
        }
    }

    /// A call that the transport could not make, or a channel that could not be made.
    internal init(_ error: TransportError, endpoint: String) {
        switch error {
        case .closed:
            self.init(
                .unavailable,
                "the client of \(endpoint) was closed",
                origin: .transport,
                mayHaveRun: true
            )
        case .unavailable(_, let reason):
            self.init(
                .unavailable,
                "no connection to \(endpoint): \(reason)",
                origin: .transport
            )
        case .connectionLost(_, let reason):
            self.init(
                .unavailable,
                "the connection to \(endpoint) broke before the reply came: \(reason)",
                origin: .transport,
                mayHaveRun: true
            )
        case .tooManyInFlight(let limit):
            self.init(
                .resourceExhausted,
                "\(limit) calls are in flight, which is the limit of this client",
                origin: .transport
            )
        case .invalidEndpoint(let url, let reason):
            self.init(
                .invalidArgument,
                "the endpoint \"\(url)\" cannot be used: \(reason)",
                origin: .transport
            )
        case .outOfMemory(let limit):
            self.init(
                .resourceExhausted,
                "requests and replies hold \(limit) bytes, which is the limit of this client",
                origin: .transport,
                mayHaveRun: true
            )
        case .replyTooLarge(let byteCount, let limit):
            self.init(
                .resourceExhausted,
                "the reply has \(byteCount) bytes, this client accepts \(limit)",
                origin: .transport,
                mayHaveRun: true
            )
        }
    }
}

extension TernError.Code {
    /// Whether a server that answers with this code may have run the request; the others say that
    /// it refused to.
    fileprivate var mayFollowWork: Bool {
        switch self {
        case .cancelled, .unknown, .deadlineExceeded, .aborted, .internalError, .dataLoss: true
        default: false
        }
    }
}
