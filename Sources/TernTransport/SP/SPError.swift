/// How a peer broke the scalability protocol; each ends the connection.
package enum SPError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The first eight bytes are not a handshake of SP version 0.
    case notSP
    /// The peer speaks another pattern; `found` is its protocol number.
    case wrongProtocol(expected: UInt16, found: UInt16)
    /// A message on a UNIX socket begins with an octet other than 1.
    case badMessageType(UInt8)
    /// The announced length is too short for a request id.
    case messageTooShort(byteCount: UInt64)
    /// The announced length exceeds what anyone would send.
    case absurdLength(byteCount: UInt64, limit: UInt64)
    /// The message ended before a word with the top bit set was found.
    case backtraceWithoutEnd
    /// More words precede the request id than there may be hops.
    case tooManyHops(limit: Int)
    /// A reply begins with a word that no request id can be.
    case notARequestID(UInt32)

    package var description: String {
        switch self {
        case .notSP: "not a handshake of SP version 0"
        case .wrongProtocol(let expected, let found):
            "the peer's protocol number is \(found), expected \(expected)"
        case .badMessageType(let octet): "a message of type \(octet), expected 1"
        case .messageTooShort(let byteCount):
            "a message of \(byteCount) bytes, a request id alone has 4"
        case .absurdLength(let byteCount, let limit):
            "a message of \(byteCount) bytes, at most \(limit) are even skipped"
        case .backtraceWithoutEnd: "a message ended before its request id"
        case .tooManyHops(let limit): "a message came over more than \(limit) hops"
        case .notARequestID(let word): "a reply to \(word), which is no request id"
        }
    }
}
