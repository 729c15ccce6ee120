internal import Logging
internal import TernTransport
internal import TernWire

extension InferenceDispatcher {
    /// Reports a request that failed, with what is needed to find it again at the client.
    ///
    /// What the server has to answer for is an error; wrong requests are news; being busy, late or
    /// cancelled is ordinary, and most frequent just when there is no time to write about it.
    func logFailure(
        _ failure: RequestFailure,
        of request: borrowing ModelInferRequestView?,
        connection: ConnectionID
    ) {
        let level: Logger.Level =
            switch failure.reply.code {
            case .internal, .unknown, .dataLoss: .error
            case .resourceExhausted, .deadlineExceeded, .cancelled, .unavailable: .debug
            default: .info
            }
        guard log.isOn(level) else { return }
        var metadata = [
            "code": failure.reply.code.name,
            "connection": String(connection.rawValue),
        ]
        if let request {
            metadata["correlation_id"] = String(request.correlationID)
            metadata["model"] = request.modelName.text
            if let id = request.requestID { metadata["request_id"] = id.text }
        }
        log.write(level, failure.reply.message, metadata)
    }
}
