// The receiving half: from a read's bytes to requests handed on. All of it runs in the read role.

extension ServerConnection {
    /// The prefix of a request that is turned away: enough for the fixed header of a frame.
    private static let refusalPrefixByteCount = 64

    /// A read of a part of a request that is worth waking somebody: not what a peer trickles.
    private static let noteworthyByteCount = 4096

    private enum Continuation {
        case readOn
        case end(ConnectionEnd)
    }

    func readCompleted(_ outcome: Result<Int, ByteStreamError>) {
        switch outcome {
        case .failure(let error):
            close(.peerGone(error))
        case .success(let byteCount):
            server.counters.receivedBytes.add(byteCount)
            guard server.isReceiving else {
                discard(byteCount)
                submitRead()
                return
            }
            switch use(byteCount) {
            case .readOn: submitRead()
            case .end(let end): close(end)
            }
        }
    }

    func submitRead() {
        var regions = unsafe ByteRegions()
        receiver.directByteCount = 0
        if let arriving = receiver.arriving.take() {
            let left = arriving.message.byteCount - arriving.filledByteCount
            receiver.directByteCount = left
            // SAFETY: the memory is the message's, which stays in `receiver` until it is complete
            // or the stream has ended.
            unsafe regions.append(
                ByteRegion(
                    address: arriving.message.frameAddress + arriving.filledByteCount,
                    byteCount: left
                )
            )
            receiver.arriving = consume arriving
        }
        unsafe regions.append(receiver.buffer.room())
        _ = unsafe stream.read(into: regions)
    }

    /// Throws away what a read has brought, and the request that it belonged to.
    ///
    /// A draining server goes on reading, because a peer that blocks in the middle of a request may read
    /// no reply until the rest is taken, and because closing with unread bytes resets a connection
    /// and may cost the peer the end of a reply.
    private func discard(_ byteCount: Int) {
        let direct = Swift.min(byteCount, receiver.directByteCount)
        receiver.buffer.add(byteCount - direct)
        receiver.buffer.remove(receiver.buffer.unreadByteCount)
        if let arriving = receiver.arriving.take() { release(arriving.message.byteCount) }
        shared.withLock { shared in
            shared.watch.bytesReceived(
                byteCount,
                completedMessage: true,
                isWithinMessage: false,
                at: MonotonicClock.nanoseconds
            )
        }
    }

    /// Takes in what a read has brought.
    private func use(_ byteCount: Int) -> Continuation {
        let now = MonotonicClock.nanoseconds
        let direct = Swift.min(byteCount, receiver.directByteCount)
        if direct > 0 {
            receiver.arriving?.filledByteCount += direct
            receiver.inbound.frameBytesArrived(direct)
        }
        receiver.buffer.add(byteCount - direct)
        var completedMessage = false
        do throws(SPError) {
            while try advance(at: now, completedMessage: &completedMessage) {}
        } catch {
            return .end(.protocolError(error))
        }
        if receiver.arriving != nil, byteCount >= Self.noteworthyByteCount {
            server.receiver.requestIsArriving()
        }
        let isWithinMessage =
            receiver.buffer.unreadByteCount > 0 || receiver.arriving != nil
            || receiver.inbound.skipBytesLeft != nil
        let hasHandshake = receiver.hasHandshake
        shared.withLock { shared in
            if hasHandshake { shared.watch.handshakeArrived() }
            shared.watch.bytesReceived(
                byteCount,
                completedMessage: completedMessage,
                isWithinMessage: isWithinMessage,
                at: now
            )
        }
        return .readOn
    }

    /// Takes one step through the received bytes.
    ///
    /// - Returns: Whether there is another to take.
    private func advance(
        at now: UInt64,
        completedMessage: inout Bool
    ) throws(SPError) -> Bool {
        switch try receiver.nextStep() {
        case .needMore:
            return false
        case .handshake(let byteCount):
            receiver.buffer.remove(byteCount)
            receiver.hasHandshake = true
        case .head(let head):
            return decide(on: head)
        case .frame(let byteCount):
            guard var arriving = receiver.arriving.take() else {
                preconditionFailure("a frame arrives that was not accepted")
            }
            // SAFETY: the message has room for all bytes of its frame, and `inbound` never reports
            // more than are left.
            unsafe receiver.buffer.move(
                byteCount,
                to: arriving.message.frameAddress + arriving.filledByteCount
            )
            arriving.filledByteCount += byteCount
            receiver.arriving = consume arriving
        case .frameEnd:
            guard let arriving = receiver.arriving.take() else {
                preconditionFailure("a frame ended that was not accepted")
            }
            completedMessage = true
            handOn(arriving, at: now)
        case .skip(let byteCount):
            receiver.buffer.remove(byteCount)
            completedMessage = receiver.inbound.skipBytesLeft == nil
        }
        return true
    }

    /// Accepts the frame that follows `head` or turns it away.
    ///
    /// - Returns: Whether to go on; not if it is to be turned away and the bytes to say so
    ///   properly haven't arrived.
    private func decide(on head: SPMessageHead) -> Bool {
        let limits = server.limits
        let refusal: TransportRefusal
        if head.frameByteCount > UInt64(limits.frameByteCount) {
            refusal = .tooLarge(byteCount: head.frameByteCount, limit: limits.frameByteCount)
        } else {
            let byteCount = Int(head.frameByteCount)
            if let overload = reserve(byteCount) {
                refusal = overload
            } else if let message = server.buffers.take(byteCount: byteCount) {
                receiver.arriving = Arriving(message: message, address: head.address)
                receiver.inbound.acceptFrame(head)
                receiver.buffer.remove(head.byteCount)
                return true
            } else {
                release(byteCount)
                refusal = .outOfMemory(limit: server.buffers.limitByteCount)
            }
        }
        let available = UInt64(receiver.buffer.unreadByteCount - head.byteCount)
        guard
            available >= Swift.min(head.frameByteCount, UInt64(Self.refusalPrefixByteCount))
        else { return false }
        let prefixByteCount = Int(Swift.min(available, head.frameByteCount))
        server.counters.refusedRequests.add()
        let frame = server.receiver.frame(
            for: refusal,
            prefix: receiver.buffer.unread.extracting(
                head.byteCount..<head.byteCount + prefixByteCount
            )
        )
        receiver.inbound.skipFrame(head)
        receiver.buffer.remove(head.byteCount)
        if let frame {
            server.addUnanswered(1)
            enqueue(frame, to: head.address, answering: nil)
        }
        return true
    }

    private func handOn(_ arriving: consuming Arriving, at now: UInt64) {
        let byteCount = arriving.message.byteCount
        let address = arriving.address
        server.counters.requests.add()
        server.addUnanswered(1)
        server.receiver.receive(
            IncomingRequest(
                message: arriving.message,
                replier: Replier(sink: self, address: address, requestByteCount: byteCount),
                connection: id,
                receivedAtNanoseconds: now
            )
        )
    }

    /// Counts a request in flight if the limits allow it.
    private func reserve(_ byteCount: Int) -> TransportRefusal? {
        shared.withLock { $0.inFlight.reserve(byteCount, limits: server.limits) }
    }

    func release(_ byteCount: Int) {
        shared.withLock { $0.inFlight.release(byteCount) }
    }
}
