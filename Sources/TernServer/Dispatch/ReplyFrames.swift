internal import TernTransport
internal import TernWire

/// Makes reply frames and sends them.
///
/// An error reply is written over the frame of the request that it answers, so a server whose
/// memory for replies is used up can still say so. A reply that doesn't fit there comes from a pool
/// of its own.
internal final class ReplyFrames: Sendable {
    /// Memory for the replies of models.
    let outputs: BufferPool
    /// Memory for everything else.
    let control: BufferPool

    init(limits: ServerLimits) {
        outputs = BufferPool(limitByteCount: limits.replyByteCount)
        control = BufferPool(
            limitByteCount: limits.controlReplyByteCount,
            idleByteCountLimitPerClass: 1 << 20
        )
    }

    /// Answers a request with an error.
    func fail(
        _ request: consuming IncomingRequest,
        _ failure: RequestFailure,
        to envelope: ReplyEnvelope
    ) {
        answer(request, with: failure.reply.encoded(to: envelope), to: envelope)
    }

    /// Answers a request with a frame that is ready.
    func answer(
        _ request: consuming IncomingRequest,
        with frame: [UInt8],
        to envelope: ReplyEnvelope
    ) {
        request.takeApart { message, replier in
            replier.reply(self.message(frame, to: envelope, over: message))
        }
    }

    /// Writes an error reply over the frame of its request.
    func error(
        _ failure: RequestFailure,
        to envelope: ReplyEnvelope,
        over request: consuming MessageBuffer
    ) -> MessageBuffer {
        message(failure.reply.encoded(to: envelope), to: envelope, over: request)
    }

    /// Puts a frame into the memory of the request it answers, or into the pool's.
    func message(
        _ frame: [UInt8],
        to envelope: ReplyEnvelope,
        over request: consuming MessageBuffer
    ) -> MessageBuffer {
        if frame.count <= request.capacity {
            return Self.filled(request, with: frame)
        }
        if let buffer = control.take(byteCount: frame.count) {
            return Self.filled(buffer, with: frame)
        }
        // The smallest block has room for this one, whatever the ids are.
        let refusal = RequestFailure(
            .resourceExhausted,
            "the memory for replies is used up",
            retryAfterMicroseconds: 10_000
        )
        return Self.filled(request, with: refusal.reply.encoded(to: envelope))
    }

    /// Puts a small frame into the pool's memory; `nil` if that is used up.
    func message(_ frame: [UInt8]) -> MessageBuffer? {
        guard let buffer = control.take(byteCount: frame.count) else { return nil }
        return Self.filled(buffer, with: frame)
    }

    private static func filled(
        _ buffer: consuming MessageBuffer,
        with frame: [UInt8]
    ) -> MessageBuffer {
        buffer.resize(toByteCount: frame.count)
        var bytes = buffer.mutableBytes
        // SAFETY: only asks for the bytes of bytes.
        bytes.copyBytes(from: unsafe frame.span.bytes, at: 0)
        return buffer
    }
}
