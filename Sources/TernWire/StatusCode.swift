/// How a call ended: gRPC's canonical codes, with their names and numbers.
///
/// `Protocol/error-codes.json` says of each when it is used and when its neighbour is used instead.
@nonexhaustive
public enum StatusCode: UInt16, Sendable, Hashable, CaseIterable {
    /// The call succeeded.
    case ok = 0
    /// The caller gave the call up.
    case cancelled = 1
    /// Something failed that nobody has a code for; ``internal`` if it is a defect of the server.
    case unknown = 2
    /// The request is wrong whatever state the server is in.
    case invalidArgument = 3
    /// The time budget ran out first.
    case deadlineExceeded = 4
    /// No such model, version or label.
    case notFound = 5
    /// What should be made is there already.
    case alreadyExists = 6
    /// The caller is known and may not do this.
    case permissionDenied = 7
    /// A queue, pool or quota is full now; the reply says when to try again.
    case resourceExhausted = 8
    /// The server, or the model, must first get into another state.
    case failedPrecondition = 9
    /// The call lost against another at the same time and may be repeated from its beginning.
    case aborted = 10
    /// An index is past the end of what there is now.
    case outOfRange = 11
    /// The server doesn't know this kind of call, version, flag or field.
    case unimplemented = 12
    /// A defect of the server.
    case `internal` = 13
    /// Nobody is there to answer now; trying again soon is likely to work.
    case unavailable = 14
    /// Data is lost or damaged for good.
    case dataLoss = 15
    /// The caller didn't say who it is.
    case unauthenticated = 16

    /// The canonical name, such as `INVALID_ARGUMENT`.
    public var name: String {
        switch self {
        case .ok: "OK"
        case .cancelled: "CANCELLED"
        case .unknown: "UNKNOWN"
        case .invalidArgument: "INVALID_ARGUMENT"
        case .deadlineExceeded: "DEADLINE_EXCEEDED"
        case .notFound: "NOT_FOUND"
        case .alreadyExists: "ALREADY_EXISTS"
        case .permissionDenied: "PERMISSION_DENIED"
        case .resourceExhausted: "RESOURCE_EXHAUSTED"
        case .failedPrecondition: "FAILED_PRECONDITION"
        case .aborted: "ABORTED"
        case .outOfRange: "OUT_OF_RANGE"
        case .unimplemented: "UNIMPLEMENTED"
        case .internal: "INTERNAL"
        case .unavailable: "UNAVAILABLE"
        case .dataLoss: "DATA_LOSS"
        case .unauthenticated: "UNAUTHENTICATED"
        }
    }
}

extension StatusCode: CustomStringConvertible {
    /// The same as ``name``.
    public var description: String { name }
}
