// The floor SP stands on: bytes in order, both ways, and nothing else.
//
// A stream is driven by completion: `read` and `write` submit one operation each and return at once;
// its outcome arrives at the stream's handler, on a thread of whatever drives the stream. At most one
// read and one write are outstanding. An operation moves at least one byte and may move fewer than
// asked for.
//
// States of a stream: open -> closing -> ended.
//  - open: operations may be submitted.
//  - closing, from the first `close()`: nothing can be submitted any more (`read` and `write` answer
//    `false`), what is outstanding completes soon, with an error or with what it had done.
//  - ended: nothing is outstanding, `streamEnded()` has been called, once, as the last call the
//    handler ever gets from this stream; the stream has let go of its handler and its descriptor.
//
// That nothing is submitted after `close()` is the stream's own business, decided under the lock that
// `close()` takes too. Callers need no lock of theirs around it.

/// A piece of memory to read into or write from.
@unsafe package struct ByteRegion {
    package var address: UnsafeMutableRawPointer
    package var byteCount: Int

    @inlinable
    package init(address: UnsafeMutableRawPointer, byteCount: Int) {
        unsafe self.address = unsafe address
        unsafe self.byteCount = byteCount
    }
}

/// The pieces of one vectored operation, in order; a value without heap storage.
@unsafe package struct ByteRegions {
    /// As many pieces as one operation can have.
    package static let maximumCount = 8

    @usableFromInline var storage: InlineArray<8, ByteRegion?>

    /// How many pieces there are.
    package private(set) var count = 0

    /// The bytes of all pieces together.
    package private(set) var byteCount = 0

    /// No piece.
    package init() { unsafe storage = InlineArray(repeating: nil) }

    /// Whether no further piece can be added.
    package var isFull: Bool { unsafe count == Self.maximumCount }

    /// Adds a piece behind the others; a piece without bytes is left out.
    ///
    /// - Precondition: There is room.
    package mutating func append(_ region: ByteRegion) {
        guard unsafe region.byteCount > 0 else { return }
        unsafe storage[count] = unsafe region
        unsafe count += 1
        unsafe byteCount += region.byteCount
    }

    /// The piece at `index`, which must be below ``count``.
    package subscript(index: Int) -> ByteRegion {
        unsafe storage[index]!
    }
}

/// Why a stream operation did not do what was asked.
package enum ByteStreamError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The stream, listener or dialer was closed at this end.
    case closed
    /// The peer ended the connection in order.
    case disconnected
    /// The connection broke.
    case reset
    /// Nobody listens at the address.
    case refused
    /// The address doesn't exist.
    case notFound
    /// Another socket has the address.
    case addressInUse
    /// The system forbids it.
    case notPermitted
    /// The process or the system has no descriptor left.
    case outOfDescriptors
    /// The system has no memory left for it.
    case outOfMemory
    /// Anything else, in the words of whatever drives the stream.
    case other(code: Int32, message: String)

    package var description: String {
        switch self {
        case .closed: "closed at this end"
        case .disconnected: "the peer closed the connection"
        case .reset: "the connection broke"
        case .refused: "nobody listens there"
        case .notFound: "no such address"
        case .addressInUse: "the address is in use"
        case .notPermitted: "not permitted"
        case .outOfDescriptors: "no file descriptors left"
        case .outOfMemory: "no memory left"
        case .other(_, let message): message
        }
    }
}

/// What drives a stream's owner.
///
/// Calls for reads and calls for writes may overlap; calls of one kind
/// don't.
package protocol ByteStreamHandler: AnyObject, Sendable {
    /// A read has ended, with the number of bytes read, at least 1, or with an error, after which
    /// the owner should close the stream.
    func readCompleted(_ outcome: Result<Int, ByteStreamError>)

    /// A write has ended, with the number of bytes handed to the system, at least 1, or with an
    /// error, after which the owner should close the stream.
    func writeCompleted(_ outcome: Result<Int, ByteStreamError>)

    /// The stream was closed and nothing is outstanding; the last call.
    func streamEnded()
}

/// A connection as bytes.
package protocol ByteStream: AnyObject, Sendable {
    /// How messages are delimited on this kind of stream.
    var framing: SPFraming { get }

    /// Who is at the other end, for logs.
    var peerDescription: String { get }

    /// Names the handler, which the stream holds until it has ended. Called once, before anything
    /// else.
    func start(_ handler: any ByteStreamHandler)

    /// Submits a read; the memory must stay in place until it completes. Allocates nothing.
    ///
    /// - Precondition: No read is outstanding and there is at least one piece.
    /// - Returns: `false` if the stream is closed: then nothing was submitted and no completion
    ///   follows.
    func read(into regions: ByteRegions) -> Bool

    /// Submits a write; the memory must stay in place until it completes. Allocates nothing.
    ///
    /// - Precondition: No write is outstanding and there is at least one piece.
    /// - Returns: `false` if the stream is closed: then nothing was submitted and no completion
    ///   follows.
    func write(_ regions: ByteRegions) -> Bool

    /// Ends the connection at once. Idempotent, from any thread, also from within a completion;
    /// doesn't wait.
    func close()
}

/// What a listener reports to.
package protocol ByteStreamListenerHandler: AnyObject, Sendable {
    /// An accept has ended: with a connection, not yet started, or with an error. The listener is
    /// still usable after every error but ``ByteStreamError/closed``.
    func acceptCompleted(
        _ outcome: Result<any ByteStream, ByteStreamError>,
        by listener: any ByteStreamListener
    )

    /// The listener was closed and nothing is outstanding; the last call for it.
    func listenerEnded(_ listener: any ByteStreamListener)
}

/// Where connections come in.
package protocol ByteStreamListener: AnyObject, Sendable {
    /// The address that peers can connect to, with the port that was really bound.
    var endpoint: Endpoint { get }

    /// How many accepts can be outstanding at once.
    var acceptLimit: Int { get }

    /// Submits an accept.
    ///
    /// - Precondition: Fewer than ``acceptLimit`` are outstanding.
    /// - Returns: `false` if the listener is closed: then no completion follows.
    func accept() -> Bool

    /// Stops listening at once. Idempotent; doesn't wait.
    func close()
}

/// What a dialer reports to.
package protocol ByteStreamDialerHandler: AnyObject, Sendable {
    /// A dial has ended: with a connection, not yet started, or with an error.
    func dialCompleted(_ outcome: Result<any ByteStream, ByteStreamError>)

    /// The dialer was closed and nothing is outstanding; the last call.
    func dialerEnded()
}

/// Where connections are made.
package protocol ByteStreamDialer: AnyObject, Sendable {
    /// The address that is dialled.
    var endpoint: Endpoint { get }

    /// Submits one attempt to connect.
    ///
    /// - Precondition: None is outstanding.
    /// - Returns: `false` if the dialer is closed: then no completion follows.
    func dial() -> Bool

    /// Gives up at once. Idempotent; doesn't wait.
    func close()
}
