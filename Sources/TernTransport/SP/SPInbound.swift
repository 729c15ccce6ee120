/// The receiving half of an SP connection, as a value: bytes in, what they mean out, no I/O inside.
///
/// The owner keeps a buffer of what has arrived and asks ``next(in:)`` until more is needed. The
/// bytes a step names are at the front of the buffer and are the owner's to remove. At a head the
/// owner decides whether the frame is wanted: ``acceptFrame(_:)`` or ``skipFrame(_:)``. Body bytes
/// that the owner reads straight to their destination are reported by ``frameBytesArrived(_:)``.
package struct SPInbound: Sendable {
    /// What the bytes at the front of the buffer are.
    package enum Step: Sendable {
        /// Nothing complete; keep what is there and read on.
        case needMore
        /// The peer's handshake, so many bytes of it.
        case handshake(byteCount: Int)
        /// The head of a message; comes again until the frame is accepted or skipped.
        case head(SPMessageHead)
        /// Bytes of the accepted frame, at least 1.
        case frame(byteCount: Int)
        /// The accepted frame is complete.
        case frameEnd
        /// Bytes of a skipped frame, at least 1.
        case skip(byteCount: Int)
    }

    private enum State: Sendable {
        case handshake
        case head
        case frame(left: UInt64)
        case skip(left: UInt64)
    }

    private var state = State.handshake

    /// How messages are delimited.
    package let framing: SPFraming
    /// The side that reads.
    package let side: SPProtocol
    /// No message may be longer, not even one that is only skipped.
    package let skipByteCountLimit: UInt64

    /// Begins before the handshake.
    package init(framing: SPFraming, side: SPProtocol, skipByteCountLimit: UInt64 = 1 << 40) {
        self.framing = framing
        self.side = side
        self.skipByteCountLimit = skipByteCountLimit
    }

    /// Whether the peer's handshake is still awaited.
    package var isHandshaking: Bool {
        if case .handshake = state { true } else { false }
    }

    /// How many bytes of the accepted frame are still to come, or `nil` between frames.
    package var frameBytesLeft: UInt64? {
        if case .frame(let left) = state { left } else { nil }
    }

    /// How many bytes of a skipped frame are still to come, or `nil`.
    package var skipBytesLeft: UInt64? {
        if case .skip(let left) = state { left } else { nil }
    }

    /// Says what begins `bytes`.
    ///
    /// - Parameter bytes: What has arrived and was not removed.
    /// - Returns: The next step; states advance by it.
    /// - Throws: How the peer broke the protocol; the connection must be closed.
    package mutating func next(in bytes: RawSpan) throws(SPError) -> Step {
        switch state {
        case .handshake:
            guard try SPHandshake.check(bytes, isFrom: side.peer) else { return .needMore }
            state = .head
            return .handshake(byteCount: SPHandshake.byteCount)
        case .head:
            let head = try SPMessageHead.parse(
                bytes,
                framing: framing,
                side: side,
                skipByteCountLimit: skipByteCountLimit
            )
            return head.map { .head($0) } ?? .needMore
        case .frame(let left):
            guard left > 0 else {
                state = .head
                return .frameEnd
            }
            guard bytes.byteCount > 0 else { return .needMore }
            let taken = Int(Swift.min(left, UInt64(bytes.byteCount)))
            state = .frame(left: left - UInt64(taken))
            return .frame(byteCount: taken)
        case .skip(let left):
            guard left > 0 else {
                state = .head
                return try next(in: bytes)
            }
            guard bytes.byteCount > 0 else { return .needMore }
            let taken = Int(Swift.min(left, UInt64(bytes.byteCount)))
            state = left == UInt64(taken) ? .head : .skip(left: left - UInt64(taken))
            return .skip(byteCount: taken)
        }
    }

    /// Takes the frame of the head last reported; its head's bytes are now the owner's to remove.
    package mutating func acceptFrame(_ head: SPMessageHead) {
        guard case .head = state else { preconditionFailure("no message's head was reported") }
        state = .frame(left: head.frameByteCount)
    }

    /// Passes over the frame of the head last reported; its head's bytes are the owner's to remove.
    package mutating func skipFrame(_ head: SPMessageHead) {
        guard case .head = state else { preconditionFailure("no message's head was reported") }
        state = head.frameByteCount == 0 ? .head : .skip(left: head.frameByteCount)
    }

    /// Notes that bytes of the accepted frame were read straight to their destination.
    ///
    /// - Precondition: At most as many as are left.
    package mutating func frameBytesArrived(_ byteCount: Int) {
        guard case .frame(let left) = state, byteCount >= 0, UInt64(byteCount) <= left else {
            preconditionFailure("more bytes of a frame arrived than it has")
        }
        state = .frame(left: left - UInt64(byteCount))
    }
}
