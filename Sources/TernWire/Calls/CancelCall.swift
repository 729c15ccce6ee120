/// Says that a request's answer is not wanted any more.
///
/// The request that is meant is named by its correlation id, among those that arrived on the same
/// connection, or by its idempotency key, on any connection; with both, both must fit. It still gets
/// its one reply: ``StatusCode/cancelled``, or its result if that came first.
package struct CancelRequest: ColdRequest {
    package static let kind = MessageKind.cancel
    package typealias Reply = CancelReply

    /// Names the request that is meant; at least one of both is there.
    package enum Target: Equatable, Sendable {
        case correlationID(UInt64)
        case idempotencyKey(IdempotencyKey)
        case both(correlationID: UInt64, idempotencyKey: IdempotencyKey)

        package var correlationID: UInt64? {
            switch self {
            case .correlationID(let id), .both(let id, _): id
            case .idempotencyKey: nil
            }
        }

        package var idempotencyKey: IdempotencyKey? {
            switch self {
            case .idempotencyKey(let key), .both(_, let key): key
            case .correlationID: nil
            }
        }
    }

    package var target: Target

    package init(_ target: Target) { self.target = target }

    package init(reading fields: inout FieldReader) throws(WireError) {
        var correlationID: UInt64?
        var idempotencyKey: IdempotencyKey?
        while let field = try fields.next() {
            switch field.tag {
            case .targetCorrelationID: correlationID = try fields.uint64(field)
            case .targetIdempotencyKey: idempotencyKey = try fields.idempotencyKey(field)
            default: try fields.skip(field)
            }
        }
        switch (correlationID, idempotencyKey) {
        case (let id?, let key?): target = .both(correlationID: id, idempotencyKey: key)
        case (let id?, nil): target = .correlationID(id)
        case (nil, let key?): target = .idempotencyKey(key)
        case (nil, nil): throw fields.missing(.targetCorrelationID)
        }
    }

    package func appendFields(to frame: inout FrameBuilder) {
        if let id = target.correlationID { frame.append(.targetCorrelationID, id) }
        if let key = target.idempotencyKey {
            frame.append(
                .targetIdempotencyKey,
                FrameBuilder.littleEndianBytes(of: key.low)
                    + FrameBuilder.littleEndianBytes(of: key.high)
            )
        }
    }
}

/// Says whether there was anything to cancel; both answers are a success, so Cancel may be repeated.
package struct CancelReply: ColdReply {
    package static let kind = MessageKind.cancel

    /// Whether the request was known and had not been answered.
    ///
    /// If not, it never arrived, or its reply is on the way or was received.
    package var wasInFlight: Bool

    package init(wasInFlight: Bool) { self.wasInFlight = wasInFlight }

    package init(reading fields: inout FieldReader) throws(WireError) {
        var wasInFlight: Bool?
        while let field = try fields.next() {
            switch field.tag {
            case .wasInFlight: wasInFlight = try fields.bool(field)
            default: try fields.skip(field)
            }
        }
        guard let wasInFlight else { throw fields.missing(.wasInFlight) }
        self.wasInFlight = wasInFlight
    }

    package func appendFields(to frame: inout FrameBuilder) {
        frame.append(.wasInFlight, wasInFlight)
    }
}
