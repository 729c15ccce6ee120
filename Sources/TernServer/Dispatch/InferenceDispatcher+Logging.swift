internal import Logging
internal import TernTransport
internal import TernWire

extension InferenceDispatcher {
    /// Reports a request that failed, with what is needed to find it again at the client.
    func logFailure(
        _ failure: RequestFailure,
        of request: borrowing ModelInferRequestView,
        connection: ConnectionID
    ) {
        let level = Self.level(of: failure)
        guard log.isOn(level) else { return }
        var metadata = Self.metadata(of: failure, connection: connection)
        metadata["correlation_id"] = String(request.correlationID)
        metadata["model"] = request.modelName.text
        if let id = request.requestID { metadata["request_id"] = id.text }
        log.write(level, failure.reply.message, metadata)
    }

    /// Reports a request that failed and cannot be understood.
    func logFailure(_ failure: RequestFailure, connection: ConnectionID) {
        log.write(
            Self.level(of: failure),
            failure.reply.message,
            Self.metadata(of: failure, connection: connection)
        )
    }

    /// What the server has to answer for is an error; wrong requests are news; being busy, late or
    /// cancelled is ordinary, and most frequent just when there is no time to write about it.
    private static func level(of failure: RequestFailure) -> Logger.Level {
        switch failure.reply.code {
        case .internal, .unknown, .dataLoss: .error
        case .resourceExhausted, .deadlineExceeded, .cancelled, .unavailable: .debug
        default: .info
        }
    }

    private static func metadata(
        of failure: RequestFailure,
        connection: ConnectionID
    ) -> [String: String] {
        ["code": failure.reply.code.name, "connection": String(connection.rawValue)]
    }
}
