package import TernWire

/// Why a request gets an error reply: a code for programs; the thing, what was expected and what
/// was found for people.
package struct RequestFailure: Error, Equatable, Sendable {
    /// The code.
    package let code: StatusCode
    /// One sentence.
    package let message: String
    /// The thing concerned, such as `input 'pixels'`.
    package let subject: String?
    /// What it should have been.
    package let expected: String?
    /// What it was.
    package let found: String?
    /// When trying again may succeed.
    package let retryAfterMicroseconds: UInt64?

    package init(
        _ code: StatusCode,
        _ message: String,
        subject: String? = nil,
        expected: String? = nil,
        found: String? = nil,
        retryAfterMicroseconds: UInt64? = nil
    ) {
        self.code = code
        self.message = message
        self.subject = subject
        self.expected = expected
        self.found = found
        self.retryAfterMicroseconds = retryAfterMicroseconds
    }
}

extension RequestFailure: CustomStringConvertible {
    /// The code and everything known.
    package var description: String {
        var text = "\(code): \(message)"
        if let subject { text += " (\(subject)" + (expected == nil && found == nil ? ")" : "") }
        if subject != nil, expected != nil || found != nil {
            text += ": expected \(expected ?? "nothing"), found \(found ?? "nothing"))"
        }
        return text
    }
}
