// The seam between a transport and what stands on it, seen from both sides.
//
// A server side accepts connections, turns bytes into requests and hands each to a `RequestReceiver`
// with the means to answer it. A client side sends a request and reports its reply. Neither looks
// into a frame. The in-process transport and the one over nng implement the same protocols, so the
// same tests run over both.

/// Identifies a connection for as long as the process runs; never used twice.
package struct ConnectionID: Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }

    package var description: String { "connection \(rawValue)" }
}

/// The way back to a requester: the words that preceded the frame, outermost hop first, ending with
/// the request id, exactly as they must precede the reply.
package struct ReplyAddress: Sendable {
    /// One request id and at most 15 hops.
    package static let maximumWordCount = 16

    package private(set) var words: InlineArray<16, UInt32>
    package private(set) var wordCount: Int

    package init() {
        words = InlineArray(repeating: 0)
        wordCount = 0
    }

    /// Adds a word behind the others; `false` if there is no room.
    package mutating func append(_ word: UInt32) -> Bool {
        guard wordCount < Self.maximumWordCount else { return false }
        words[wordCount] = word
        wordCount += 1
        return true
    }
}

/// Where replies go: a connection of a transport.
package protocol ReplySink: AnyObject, Sendable {
    /// Sends a reply; from any thread, in any order, never blocking on the network.
    ///
    /// A reply to a connection that is gone is dropped and counted. `requestByteCount` is what the
    /// transport counted for the request's frame.
    func send(
        _ reply: consuming MessageBuffer,
        to address: ReplyAddress,
        requestByteCount: Int
    )

    /// Says that a request will not be answered, which is a defect: the transport frees what it
    /// counted for it and counts the omission.
    func abandon(_ address: ReplyAddress, requestByteCount: Int)
}

/// The right, and the duty, to answer one request exactly once.
package struct Replier: ~Copyable, Sendable {
    /// Gone once the request has been answered.
    private var sink: (any ReplySink)?
    private let address: ReplyAddress
    private let requestByteCount: Int

    package init(sink: any ReplySink, address: ReplyAddress, requestByteCount: Int) {
        self.sink = sink
        self.address = address
        self.requestByteCount = requestByteCount
    }

    /// Answers the request.
    package consuming func reply(_ message: consuming MessageBuffer) {
        sink.take()?.send(message, to: address, requestByteCount: requestByteCount)
    }

    deinit { sink?.abandon(address, requestByteCount: requestByteCount) }
}

/// A request as it arrived.
package struct IncomingRequest: ~Copyable, Sendable {
    /// The frame.
    package var message: MessageBuffer
    /// How to answer.
    package var replier: Replier
    /// Where it came from.
    package let connection: ConnectionID
    /// When its last byte had been read, on the monotonic clock, in nanoseconds.
    package let receivedAtNanoseconds: UInt64

    package init(
        message: consuming MessageBuffer,
        replier: consuming Replier,
        connection: ConnectionID,
        receivedAtNanoseconds: UInt64
    ) {
        self.message = message
        self.replier = replier
        self.connection = connection
        self.receivedAtNanoseconds = receivedAtNanoseconds
    }

    /// Takes the request apart, so that the frame and the right to answer can go separate ways.
    ///
    /// (Only the module that declares a noncopyable structure may consume its parts one by one.)
    package consuming func takeApart<Result: ~Copyable>(
        _ body: (consuming MessageBuffer, consuming Replier) -> Result
    ) -> Result {
        body(message, replier)
    }
}

/// Why a transport itself turned a request away, without handing it on.
package enum TransportRefusal: Sendable, Equatable {
    /// The frame is longer than the limit; it was skipped, not read into memory.
    case tooLarge(byteCount: UInt64, limit: Int)
    /// The connection already has as many requests in flight as it may.
    case tooManyInFlight(limit: Int)
    /// The connection's requests in flight already hold as many bytes as they may.
    case tooManyBytesInFlight(limit: Int)
    /// All message memory is in use.
    case outOfMemory(limit: Int)
}

/// What stands on the server side of a transport.
package protocol RequestReceiver: AnyObject, Sendable {
    /// Takes a request. Runs on one of the transport's few threads: parses and enqueues, nothing
    /// else, and never blocks.
    func receive(_ request: consuming IncomingRequest)

    /// Says that a large request is arriving of which more is to come: whoever will work on it can
    /// wake up meanwhile. A hint, given for each large part, on the same threads as requests.
    func requestIsArriving()

    /// Writes the error frame for a request that the transport turns away.
    ///
    /// - Parameters:
    ///   - refusal: Why.
    ///   - prefix: The first bytes of the frame, as many as had arrived, perhaps none.
    /// - Returns: The frame, or `nil` to drop the request without a word.
    func frame(for refusal: TransportRefusal, prefix: RawSpan) -> MessageBuffer?

    /// Says that a connection is gone; its unfinished work is not wanted any more. No request of
    /// this connection arrives afterwards.
    func connectionClosed(_ connection: ConnectionID)
}

extension RequestReceiver {
    /// Does nothing: for receivers that have nobody to wake.
    package func requestIsArriving() {}
}

/// The server side of a transport.
package protocol RequestListener: AnyObject, Sendable {
    /// The URLs that clients connect to, with the ports that were really bound; at least one.
    var urls: [String] { get }

    /// Accepts no more connections; those there are keep working. Idempotent.
    func stopAccepting()

    /// Takes no more requests from the connections there are, and throws away what arrives, while
    /// replies still leave; idempotent.
    ///
    /// What has been read already may still be handed on. So, unless a request arrives in the same
    /// moment, ``unansweredCount`` only goes down from here: the last step of a drain.
    func stopReceiving()

    /// Tells the number of requests that were handed on, or turned away with an error frame, and
    /// whose reply has not yet left: its last byte is with the system, or its connection is gone.
    var unansweredCount: Int { get }

    /// How many bytes of replies that have left were not yet taken by the peers' side, as far as
    /// the system tells.
    ///
    /// Once nothing is received any more, closing before this is 0 may cost a peer the end of a
    /// reply. Costs a system call for each open descriptor of the process: for a drain.
    var undeliveredByteCount: Int { get }

    /// What it has counted so far.
    var counts: TransportCounts { get }

    /// Closes every connection at once and frees what the transport holds. Idempotent; blocks
    /// until no callback of this transport can run any more.
    func shutdown()
}

extension RequestListener {
    /// The first of ``urls``.
    package var url: String { urls[0] }
}

/// Why a call got no reply.
package enum TransportError: Error, Equatable, Sendable {
    /// The client was closed with the call in flight.
    case closed
    /// There is no connection to the endpoint now; says what the last attempt met.
    case unavailable(endpoint: String, reason: String)
    /// The connection broke after the request had been sent: it may or may not have run.
    case connectionLost(endpoint: String, reason: String)
    /// As many calls are in flight as there may be.
    case tooManyInFlight(limit: Int)
    /// The URL cannot be understood.
    case invalidEndpoint(url: String, reason: String)
    /// All message memory is in use.
    case outOfMemory(limit: Int)
    /// The reply is longer than this side accepts; it was skipped, not read into memory.
    case replyTooLarge(byteCount: UInt64, limit: Int)
}

/// One call of a channel, to give it up.
package struct CallID: Hashable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// The client side of a transport: one connection, kept up, that carries any number of calls.
package protocol RequestChannel: AnyObject, Sendable {
    /// What is run with the outcome, exactly once, on a thread of the transport or of the caller,
    /// with no lock of the transport held. It must not block.
    typealias Completion = @Sendable (consuming Result<MessageBuffer, TransportError>) -> Void

    /// Where message memory for this channel comes from.
    var buffers: BufferPool { get }

    /// Sends a request. Never blocks; waits for a connection that is being made.
    ///
    /// - Returns: The call, for ``abandon(_:)``.
    func call(_ request: consuming MessageBuffer, completion: @escaping Completion) -> CallID

    /// Forgets a call: a reply that still comes is dropped. Tells the server nothing.
    ///
    /// Runs the completion, unless it ran before: with ``TransportError/unavailable(endpoint:reason:)``
    /// if nothing was sent because there is no connection, otherwise with ``TransportError/closed``.
    func abandon(_ call: CallID)

    /// Fails every call in flight with ``TransportError/closed``, frees the connection and returns
    /// at once. Idempotent.
    func close()
}
