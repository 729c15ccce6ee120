package import TernWire

/// Why a request gets an error reply: a code for programs; the thing, what was expected and what
/// was found for people.
package struct RequestFailure: Error, Equatable, Sendable {
    /// The reply that says so.
    package let reply: ErrorReply

    package init(_ reply: ErrorReply) { self.reply = reply }

    package init(
        _ code: StatusCode,
        _ message: String,
        subject: String? = nil,
        expected: String? = nil,
        found: String? = nil,
        retryAfterMicroseconds: UInt64? = nil
    ) {
        reply = ErrorReply(
            code: code,
            message: message,
            subject: subject,
            expected: expected,
            found: found,
            retryAfterMicroseconds: retryAfterMicroseconds
        )
    }

    package init(_ error: WireError) { reply = ErrorReply(error) }
}

extension RequestFailure: CustomStringConvertible {
    /// The code and the sentence.
    package var description: String { "\(reply.code): \(reply.message)" }
}
