internal import TernTensor

// The sending half: replies from any thread, in any order, written by one at a time.

extension ServerConnection {
    private enum Verdict {
        case queued
        case write
        case drop
        case overflow
    }

    func send(
        _ reply: consuming MessageBuffer,
        to address: ReplyAddress,
        requestByteCount: Int
    ) {
        enqueue(reply, to: address, answering: requestByteCount)
    }

    func abandon(_ address: ReplyAddress, requestByteCount: Int) {
        release(requestByteCount)
        server.counters.abandonedRequests.add()
        server.addUnanswered(-1)
    }

    /// Queues a reply and, if nothing is being written, submits it.
    ///
    /// - Parameters:
    ///   - reply: The frame.
    ///   - address: Where it goes.
    ///   - requestByteCount: What is counted for the request in flight, if it is counted.
    func enqueue(
        _ reply: consuming MessageBuffer,
        to address: ReplyAddress,
        answering requestByteCount: Int?
    ) {
        let prefixByteCount = reply.writePrefix(framing: stream.framing, address: address)
        let now = MonotonicClock.nanoseconds
        let heldByteCountLimit = server.limits.replyByteCountPerConnection
        var reply: MessageBuffer? = consume reply
        var regions = unsafe ByteRegions()
        let verdict: Verdict = shared.withLock { shared in
            if let requestByteCount { shared.inFlight.release(requestByteCount) }
            guard !shared.isClosed, let message = reply.take() else { return .drop }
            guard shared.outbound.heldByteCount <= heldByteCountLimit else { return .overflow }
            shared.outbound.append(message, prefixByteCount: prefixByteCount)
            guard !shared.isWriting else { return .queued }
            shared.isWriting = true
            shared.watch.sendingBegan(at: now)
            unsafe regions = unsafe nextRegions(&shared)
            return .write
        }
        switch verdict {
        case .queued:
            return
        case .write:
            // If the stream is closed by now, its end frees the queue.
            _ = unsafe stream.write(regions)
        case .drop, .overflow:
            server.counters.droppedReplies.add()
            server.addUnanswered(-1)
            if verdict == .overflow { close(.replyQueueFull) }
        }
    }

    func writeCompleted(_ outcome: Result<Int, ByteStreamError>) {
        switch outcome {
        case .failure(let error):
            close(.peerGone(error))
        case .success(let byteCount):
            let now = MonotonicClock.nanoseconds
            var regions = unsafe ByteRegions()
            let finished = shared.withLock { shared in
                let handshake = Swift.min(byteCount, shared.unsentHandshakeByteCount)
                shared.unsentHandshakeByteCount -= handshake
                let finished = shared.outbound.advance(byByteCount: byteCount - handshake)
                unsafe regions = unsafe nextRegions(&shared)
                shared.isWriting = unsafe regions.count > 0
                shared.watch.bytesSent(
                    byteCount,
                    completedMessage: finished > 0,
                    isWithinMessage: shared.isWriting,
                    at: now
                )
                return finished
            }
            server.counters.sentBytes.add(byteCount)
            server.counters.replies.add(finished)
            server.addUnanswered(-finished)
            if unsafe regions.count > 0 { _ = unsafe stream.write(regions) }
        }
    }

    /// What must be written next; nothing if all has left.
    @unsafe func nextRegions(_ shared: inout Shared) -> ByteRegions {
        var regions = unsafe ByteRegions()
        let left = shared.unsentHandshakeByteCount
        unsafe regions.append(
            ByteRegion(
                address: handshake.baseAddress + (SPHandshake.byteCount - left),
                byteCount: left
            )
        )
        unsafe shared.outbound.appendRegions(to: &regions)
        return unsafe regions
    }
}
