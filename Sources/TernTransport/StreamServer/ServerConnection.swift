// One client's connection, on any byte stream.
//
// Two halves that meet only under the lock:
//
//  - Receiving. `receiver` is touched by whoever holds the read role: `begin` until it submits the
//    first read, then the read's completion until it submits the next; the stream's end takes it
//    last. The stream orders these (StreamLife), so no lock is needed. All complete requests of a
//    read are handed on inside its completion; then the next read is submitted, and so on until the
//    stream is closed.
//  - Sending. Any thread queues replies under the lock. `isWriting` is the write role: whoever
//    finds it free takes it and submits what is queued, outside the lock; the write's completion
//    submits the next or puts it back. Replies that queue meanwhile leave together. A message is
//    freed only by the holder of the role, when it has left, or at the stream's end, when nothing
//    is outstanding.
//
// Life: open -> closed -> ended. `isClosed` is set under the lock, before the stream is closed;
// from then on nothing is queued, so the stream's end finds everything that must be freed.
//
// Lock order: this lock before a buffer pool's; never together with the server's.

internal import TernTensor

/// The server's end of one connection.
final class ServerConnection: ByteStreamHandler, ReplySink, @unchecked Sendable {
    /// A request whose frame is arriving.
    struct Arriving: ~Copyable {
        var message: MessageBuffer
        var filledByteCount = 0
        let address: ReplyAddress
    }

    /// What the read role owns.
    struct Receiver: ~Copyable {
        var buffer = ReceiveBuffer()
        var inbound: SPInbound
        var arriving: Arriving?
        var hasHandshake = false
        /// How much of the outstanding read goes to the arriving frame, before the buffer.
        var directByteCount = 0

        mutating func nextStep() throws(SPError) -> SPInbound.Step {
            var inbound = inbound
            let step = try inbound.next(in: buffer.unread)
            self.inbound = inbound
            return step
        }
    }

    struct Shared: ~Copyable {
        var outbound = OutboundQueue()
        var unsentHandshakeByteCount = SPHandshake.byteCount
        var isWriting = true
        var isClosed = false
        var hasBegun = false
        var inFlight = RequestsInFlight()
        var watch: ConnectionWatch
    }

    /// The bytes that every connection begins with.
    private static let handshakeMemory: AlignedBuffer = {
        let memory = AlignedBuffer(byteCount: SPHandshake.byteCount)
        let bytes = SPHandshake.bytes(of: .reply)
        unsafe memory.withMutableBytes { memory in
            for index in bytes.indices { unsafe memory[index] = bytes[index] }
        }
        return memory
    }()

    let id: ConnectionID
    let stream: any ByteStream
    let server: StreamServer
    let handshake: AlignedBuffer
    var receiver: Receiver
    let shared: Locked<Shared>

    init(id: ConnectionID, stream: any ByteStream, server: StreamServer) {
        self.id = id
        self.stream = stream
        self.server = server
        handshake = Self.handshakeMemory
        receiver = Receiver(
            inbound: SPInbound(
                framing: stream.framing,
                side: .reply,
                skipByteCountLimit: server.limits.skippedMessageByteCount
            )
        )
        shared = Locked(
            Shared(
                watch: ConnectionWatch(
                    limits: server.limits.times,
                    startedAt: MonotonicClock.nanoseconds
                )
            )
        )
    }

    /// Sends the handshake and begins to read.
    func begin() {
        stream.start(self)
        var regions = unsafe ByteRegions()
        let isClosed = shared.withLock { shared in
            shared.hasBegun = true
            unsafe regions = unsafe nextRegions(&shared)
            return shared.isClosed
        }
        if isClosed { return stream.close() }
        _ = unsafe stream.write(regions)
        submitRead()
    }

    /// Ends the connection, if it hasn't been ended before.
    func close(_ end: ConnectionEnd) {
        let (isFirst, hasBegun) = shared.withLock { shared in
            defer { shared.isClosed = true }
            return (!shared.isClosed, shared.hasBegun)
        }
        guard isFirst else { return }
        server.counters.countEnd(end)
        // A stream that wasn't started is closed by `begin`.
        if hasBegun { stream.close() }
    }

    /// Ends the connection if it has used up one of its times.
    func sweep(at now: UInt64) {
        let end = shared.withLock { shared in
            shared.watch.verdict(
                at: now,
                isBusy: shared.inFlight.count > 0 || !shared.outbound.isEmpty
            )
        }
        if let end { close(end) }
    }

    func streamEnded() {
        let dropped = shared.withLock { shared in
            shared.isClosed = true
            return shared.outbound.removeAll()
        }
        receiver.arriving = nil
        server.counters.droppedReplies.add(dropped)
        server.addUnanswered(-dropped)
        server.connectionEnded(self, hadHandshake: receiver.hasHandshake)
    }
}
