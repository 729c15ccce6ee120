// One connection of a channel, from the opened stream to its end.
//
// Three groups of state, each with one user at a time:
//  - the reader's: touched in `readCompleted` only, which doesn't overlap itself, and before the
//    first read;
//  - the writer's: touched by whoever holds the right to write. `mayWrite` says whether somebody
//    holds it and is guarded by the channel's lock; it is taken there together with the calls to
//    write, and passes to the completion of the write;
//  - nothing else: what reader and writer both need is behind the channel's lock.
// The channel shows a connection to others before it starts it, so that a close from any thread may come
// first, or at the same moment: `beginning` decides under a lock of its own which of the two wins.
// After `streamEnded` no callback is left, and once no thread prepares a write either (`writers`), what
// was not written is sorted out.

internal import TernTransport

/// Speaks SP on one stream for a channel.
@safe internal final class NNGChannelConnection: ByteStreamHandler, @unchecked Sendable {
    /// How much is read at a time: many small replies, or the beginning of a large one.
    static let readBufferByteCount = 64 << 10

    let attempt: UInt64
    private let stream: any ByteStream
    private let channel: NNGChannel

    private enum Beginning { case waiting, started, closed }

    private let beginning = Locked(Beginning.waiting)

    /// Whether somebody holds the right to write; guarded by the channel's lock.
    var isWriting = true

    // The reader's.
    private var inbound: SPInbound
    private let readBuffer: UnsafeMutableRawPointer
    private var bufferedRange = 0..<0
    private var incoming: MessageBuffer?
    /// The next byte to fill; valid while there is an `incoming` message, whose memory never moves.
    @unsafe private var incomingCursor: UnsafeMutableRawPointer?
    private var incomingRequestID: UInt32 = 0
    private var incomingCall: NNGChannelCall?

    /// The threads that prepare a write from outside the stream's callbacks: such a thread may find out
    /// only when it submits that the stream has ended meanwhile.
    private struct Writers {
        var count = 0
        var hasEnded = false
    }

    private let writers = Locked(Writers())

    // The writer's.
    private let handshake: UnsafeMutableRawPointer
    private var handshakeBytesLeft = SPHandshake.byteCount
    private var batch = NNGChannelBatch()

    init(stream: any ByteStream, attempt: UInt64, channel: NNGChannel) {
        self.stream = stream
        self.attempt = attempt
        self.channel = channel
        inbound = SPInbound(
            framing: stream.framing,
            side: .request,
            skipByteCountLimit: channel.settings.skippedReplyByteCountLimit
        )
        unsafe readBuffer = .allocate(byteCount: Self.readBufferByteCount, alignment: 64)
        unsafe handshake = .allocate(byteCount: SPHandshake.byteCount, alignment: 8)
        let bytes = SPHandshake.bytes(of: .request)
        for index in 0..<SPHandshake.byteCount {
            unsafe handshake.storeBytes(of: bytes[index], toByteOffset: index, as: UInt8.self)
        }
    }

    deinit {
        unsafe readBuffer.deallocate()
        unsafe handshake.deallocate()
    }

    /// Sends the handshake and begins to read, unless the connection was closed before.
    func start() {
        let isStarted = beginning.withLock { beginning in
            guard beginning == .waiting else { return false }
            stream.start(self)
            beginning = .started
            return true
        }
        // A stream that was never started is closed when nobody holds it any more.
        guard isStarted else { return }
        writeHandshake()
        submitRead()
    }

    func close() {
        let isStarted = beginning.withLock { beginning in
            if beginning == .waiting { beginning = .closed }
            return beginning == .started
        }
        if isStarted { stream.close() }
    }

    func streamEnded() {
        unsafe incomingCursor = nil
        incoming = nil
        incomingCall = nil
        channel.connectionEnded(self)
    }

    private func lose(_ reason: String) {
        stream.close()
        channel.connectionLost(self, reason: reason)
    }
}

// MARK: Reading

extension NNGChannelConnection {
    func readCompleted(_ outcome: Result<Int, ByteStreamError>) {
        switch outcome {
        case .failure(let error):
            lose(error.description)
        case .success(let byteCount):
            noteArrival(of: byteCount)
            do throws(SPError) {
                try takeWhatArrived()
            } catch {
                lose("the peer broke the scalability protocol: \(error)")
                return
            }
            submitRead()
        }
    }

    private var buffered: RawSpan {
        @_lifetime(borrow self)
        get {
            // SAFETY: the range is within the buffer, which lives as long as `self`.
            let span = unsafe RawSpan(
                _unsafeStart: readBuffer + bufferedRange.lowerBound,
                byteCount: bufferedRange.count
            )
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// Removes bytes from the front of what is buffered.
    private func drop(_ byteCount: Int) {
        bufferedRange = bufferedRange.lowerBound + byteCount..<bufferedRange.upperBound
    }

    /// Where the next bytes go: first to what is missing of a frame, then to the buffer.
    private func submitRead() {
        var regions = unsafe ByteRegions()
        if bufferedRange.isEmpty { bufferedRange = 0..<0 }
        if let missing = inbound.frameBytesLeft, missing > 0, let cursor = unsafe incomingCursor {
            unsafe regions.append(ByteRegion(address: cursor, byteCount: Int(missing)))
        } else if bufferedRange.lowerBound > 0 {
            // The beginning of a head is left: a few bytes.
            unsafe readBuffer.copyMemory(
                from: readBuffer + bufferedRange.lowerBound,
                byteCount: bufferedRange.count
            )
            bufferedRange = 0..<bufferedRange.count
        }
        unsafe regions.append(
            ByteRegion(
                address: readBuffer + bufferedRange.upperBound,
                byteCount: Self.readBufferByteCount - bufferedRange.upperBound
            )
        )
        // A closed stream takes no read; its end is reported by itself.
        _ = unsafe stream.read(into: regions)
    }

    private func noteArrival(of byteCount: Int) {
        var left = byteCount
        if let missing = inbound.frameBytesLeft, missing > 0, let cursor = unsafe incomingCursor {
            let direct = Int(Swift.min(missing, UInt64(left)))
            inbound.frameBytesArrived(direct)
            unsafe incomingCursor = cursor + direct
            left -= direct
        }
        bufferedRange = bufferedRange.lowerBound..<bufferedRange.upperBound + left
    }

    private func takeWhatArrived() throws(SPError) {
        while true {
            switch try inbound.next(in: buffered) {
            case .needMore:
                return
            case .handshake(let byteCount):
                drop(byteCount)
                channel.handshakeCompleted(self)
            case .head(let head):
                begin(head)
            case .frame(let byteCount):
                // SAFETY: the step names at most what is buffered and what the frame still has
                // room for, and the two don't overlap.
                if let cursor = unsafe incomingCursor {
                    unsafe cursor.copyMemory(
                        from: readBuffer + bufferedRange.lowerBound,
                        byteCount: byteCount
                    )
                    unsafe incomingCursor = cursor + byteCount
                }
                drop(byteCount)
            case .frameEnd:
                deliver()
            case .skip(let byteCount):
                drop(byteCount)
            }
        }
    }

    /// Decides whether a reply is wanted, and has memory for it if so.
    private func begin(_ head: SPMessageHead) {
        drop(head.byteCount)
        let requestID = head.requestID
        let limit = channel.settings.replyByteCountLimit
        guard head.frameByteCount <= UInt64(limit) else {
            channel.refuseReply(
                to: requestID,
                on: self,
                because: .replyTooLarge(byteCount: head.frameByteCount, limit: limit)
            )
            inbound.skipFrame(head)
            return
        }
        // A reply that is all here ends its call now; one that isn't might be given up meanwhile.
        if head.frameByteCount <= UInt64(bufferedRange.count) {
            incomingCall = channel.takeReplied(requestID, on: self)
            guard incomingCall != nil else { return inbound.skipFrame(head) }
        } else if !channel.awaitsReply(requestID, on: self) {
            return inbound.skipFrame(head)
        }
        guard let memory = channel.buffers.take(byteCount: Int(head.frameByteCount)) else {
            let error = TransportError.outOfMemory(limit: channel.buffers.limitByteCount)
            if let call = incomingCall.take() {
                call.complete(with: .failure(error))
            } else {
                channel.refuseReply(to: requestID, on: self, because: error)
            }
            return inbound.skipFrame(head)
        }
        unsafe incomingCursor = unsafe memory.frameAddress
        incoming = consume memory
        incomingRequestID = requestID
        inbound.acceptFrame(head)
    }

    private func deliver() {
        unsafe incomingCursor = nil
        guard let message = incoming.take() else { preconditionFailure("a reply without memory") }
        let call = incomingCall.take() ?? channel.takeReplied(incomingRequestID, on: self)
        call?.complete(with: .success(message))
    }
}

// MARK: Writing

extension NNGChannelConnection {
    private func writeHandshake() {
        var regions = unsafe ByteRegions()
        let written = SPHandshake.byteCount - handshakeBytesLeft
        unsafe regions.append(
            ByteRegion(address: handshake + written, byteCount: handshakeBytesLeft)
        )
        _ = unsafe stream.write(regions)
    }

    /// Adds a call to what is written next; called under the channel's lock.
    ///
    /// - Precondition: The caller holds the right to write and the batch isn't full.
    func add(_ call: NNGChannelCall) { batch.append(call) }

    /// Empties what was written, telling of each call, in order, whether a byte of it has left.
    ///
    /// For whoever holds the right to write.
    func takeBatch(_ body: (NNGChannelCall, _ wasBegun: Bool) -> Void) { batch.removeAll(body) }

    /// Whether no further call fits what is written next.
    var isBatchFull: Bool { batch.isFull }

    /// Writes the calls that were added; called without the lock by whoever took the right to write.
    func writeBatch() {
        let isThere = writers.withLock { writers in
            guard !writers.hasEnded else { return false }
            writers.count += 1
            return true
        }
        // Otherwise what was added has been sorted out with the rest.
        guard isThere else { return }
        batch.writePrefixes(framing: stream.framing, settings: channel.settings)
        writeRest()
        let isLast = writers.withLock { writers in
            writers.count -= 1
            return writers.hasEnded && writers.count == 0
        }
        if isLast { channel.sortOut(self) }
    }

    /// Has the channel sort out what was not written, as soon as no thread prepares a write; called once,
    /// when the stream has ended and the channel adds no more calls.
    func endWriting() {
        let isUnused = writers.withLock { writers in
            writers.hasEnded = true
            return writers.count == 0
        }
        if isUnused { channel.sortOut(self) }
    }

    private func writeRest() {
        // A closed stream takes no write; what is in the batch is sorted out when it has ended.
        _ = unsafe stream.write(batch.rest())
    }

    func writeCompleted(_ outcome: Result<Int, ByteStreamError>) {
        switch outcome {
        case .failure(let error):
            lose(error.description)
        case .success(let byteCount) where handshakeBytesLeft > 0:
            handshakeBytesLeft -= byteCount
            guard handshakeBytesLeft == 0 else { return writeHandshake() }
            if channel.writeNext(self) { writeBatch() }
        case .success(let byteCount):
            guard batch.advance(by: byteCount) else { return writeRest() }
            if channel.writeNext(self) { writeBatch() }
        }
    }
}
