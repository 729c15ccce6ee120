/// How one call is made, beyond what it asks for.
public struct CallOptions: Sendable, Hashable {
    /// How long the call may take; `nil` takes ``TernClient/Configuration/defaultTimeout``.
    ///
    /// It holds on this side even when the server is silent, on the monotonic clock. The server is
    /// told how much of it is left, in microseconds, when the request is handed to the connection.
    public var timeout: Duration?

    /// How urgent the call is among others at the server; larger is more urgent.
    public var priority: Int8

    /// Names the piece of work, so that a server that sees the key again doesn't do it twice.
    public var idempotencyKey: IdempotencyKey?

    /// What the server calls this request in its logs and in the reply.
    public var requestID: String

    /// Whether the reply shall say where the server spent its time.
    public var wantsPhaseTimes: Bool

    /// Collects options; each has a default.
    public init(
        timeout: Duration? = nil,
        priority: Int8 = 0,
        idempotencyKey: IdempotencyKey? = nil,
        requestID: String = "",
        wantsPhaseTimes: Bool = false
    ) {
        self.timeout = timeout
        self.priority = priority
        self.idempotencyKey = idempotencyKey
        self.requestID = requestID
        self.wantsPhaseTimes = wantsPhaseTimes
    }
}

/// 128 bits that name one piece of work.
public struct IdempotencyKey: Sendable, Hashable {
    /// The upper half.
    public var high: UInt64
    /// The lower half.
    public var low: UInt64

    /// Makes a key from its halves; not both 0, which means that there is no key.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Makes a key that nobody has used, from the system's random numbers.
    public static func random() -> IdempotencyKey {
        IdempotencyKey(high: .random(in: 1 ... .max), low: .random(in: 0 ... .max))
    }
}
