/// Why a call failed: a code for programs, and a story for people.
///
/// The server's errors arrive with its code and message unchanged. Failures on the way are given
/// the code that says what a caller can do about them: see ``Code``.
public struct TernError: Error, Sendable, Hashable {
    /// The canonical codes of gRPC, with the numbers that the wire protocol uses.
    ///
    /// New codes may come; a `switch` from outside this package needs a default.
    @nonexhaustive
    public enum Code: UInt8, Sendable, Hashable, CaseIterable {
        /// The caller's task was cancelled, or the call was given up by whoever made it.
        ///
        /// Not for a call that ran out of time: that is ``deadlineExceeded``.
        case cancelled = 1
        /// The reply could not be understood, or the server failed in a way it has no word for.
        case unknown = 2
        /// The request is wrong whatever state the server is in: a missing input, a wrong type.
        ///
        /// Sending it again cannot help.
        case invalidArgument = 3
        /// The time budget was used up before a reply came. The request may have run.
        case deadlineExceeded = 4
        /// There is no such model, version or label.
        case notFound = 5
        /// What should be created is there already.
        case alreadyExists = 6
        /// The caller may not do this.
        case permissionDenied = 7
        /// A queue or a memory limit is full; ``TernError/retryAfter`` says when to try again.
        ///
        /// Not for a server that is gone or leaving: that is ``unavailable``.
        case resourceExhausted = 8
        /// The server must be brought into another state first: a model that isn't loaded.
        case failedPrecondition = 9
        /// The call lost against another one.
        case aborted = 10
        /// An index lies outside what there is.
        case outOfRange = 11
        /// The server or this client doesn't offer this.
        case unimplemented = 12
        /// A defect in the server.
        case internalError = 13
        /// There is no connection, it broke, or the server is leaving. Trying again may help;
        /// ``TernError/mayHaveRun`` says whether the request can have run already.
        case unavailable = 14
        /// Bytes were lost or damaged.
        case dataLoss = 15
        /// The caller did not say who it is.
        case unauthenticated = 16

        /// The name as the protocol spells it, such as `DEADLINE_EXCEEDED`.
        public var name: String {
            switch self {
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
            case .internalError: "INTERNAL"
            case .unavailable: "UNAVAILABLE"
            case .dataLoss: "DATA_LOSS"
            case .unauthenticated: "UNAUTHENTICATED"
            }
        }
    }

    /// Who found the failure.
    public enum Origin: Sendable, Hashable {
        /// The server answered with an error.
        case server
        /// The connection: there was none, it broke, or it was closed.
        case transport
        /// This library: the call was wrong, out of time or cancelled, or the reply was.
        case client
    }

    /// What kind of failure it is.
    public var code: Code

    /// What happened, for people: names the thing, what was expected and what was found.
    public var message: String

    /// The thing that is wrong, such as `input "pixels"`, if the server names one.
    public var subject: String?

    /// What the server expected of it.
    public var expected: String?

    /// What the server found.
    public var found: String?

    /// Who found it.
    public var origin: Origin

    /// How long the server asks to wait before the next attempt, if it says so.
    public var retryAfter: Duration?

    /// Whether the request may have reached the server and run there.
    ///
    /// `false` means that it certainly did not, so sending it again does nothing twice.
    public var mayHaveRun: Bool

    /// Describes a failure.
    public init(
        _ code: Code,
        _ message: String,
        origin: Origin = .client,
        retryAfter: Duration? = nil,
        mayHaveRun: Bool = false
    ) {
        self.code = code
        self.message = message
        self.origin = origin
        self.retryAfter = retryAfter
        self.mayHaveRun = mayHaveRun
    }
}

extension TernError: CustomStringConvertible {
    /// The code's name and the message, such as `NOT_FOUND: there is no model "digits"`.
    public var description: String { "\(code.name): \(message)" }
}
