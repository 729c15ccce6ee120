/// What precedes a frame, parsed: how long the frame is and whom to answer.
package struct SPMessageHead: Sendable {
    /// The bytes of header and backtrace.
    package let byteCount: Int
    /// The bytes of the frame that follows.
    package let frameByteCount: UInt64
    /// On the answering side hops and request id; on the asking side the request id alone.
    package let address: ReplyAddress

    /// The request id: the last word of the address.
    package var requestID: UInt32 { address.words[address.wordCount - 1] }

    /// Parses the head of the message that begins `bytes`.
    ///
    /// Looks only at what is there; allocates nothing.
    ///
    /// - Parameters:
    ///   - bytes: What has arrived.
    ///   - framing: The kind of stream it arrived on.
    ///   - side: The side that reads. The answering one looks for the word with the top bit set,
    ///     the asking one expects it first.
    ///   - skipByteCountLimit: No message may be longer, not even one that is only skipped.
    /// - Returns: `nil` if the head isn't complete; then nothing is wrong so far.
    /// - Throws: What is wrong, as soon as it can be seen.
    package static func parse(
        _ bytes: RawSpan,
        framing: SPFraming,
        side: SPProtocol,
        skipByteCountLimit: UInt64
    ) throws(SPError) -> SPMessageHead? {
        guard let total = try framing.messageByteCount(in: bytes) else { return nil }
        guard total >= 4 else { throw .messageTooShort(byteCount: total) }
        guard total <= skipByteCountLimit else {
            throw .absurdLength(byteCount: total, limit: skipByteCountLimit)
        }
        var address = ReplyAddress()
        var offset = framing.headerByteCount
        var left = total
        while true {
            guard left >= 4 else { throw .backtraceWithoutEnd }
            guard bytes.byteCount - offset >= 4 else { return nil }
            let word = bytes.bigEndianUInt32(at: offset)
            offset += 4
            left -= 4
            let isRequestID = word >> 31 == 1
            if side == .request, !isRequestID { throw .notARequestID(word) }
            guard isRequestID || address.wordCount < ReplyAddress.maximumWordCount - 1 else {
                throw .tooManyHops(limit: ReplyAddress.maximumWordCount - 1)
            }
            _ = address.append(word)
            if isRequestID { break }
        }
        return SPMessageHead(byteCount: offset, frameByteCount: left, address: address)
    }
}

extension ReplyAddress {
    /// The address of a request that came over no hop.
    package init(requestID: UInt32) {
        self.init()
        _ = append(requestID)
    }
}

/// Hands out request ids: the top bit set, the others counting from a random start.
package struct SPRequestIDs: Sendable {
    private var next: UInt32

    /// Begins anywhere.
    package init() { self.init(startingAt: UInt32.random(in: 0...UInt32.max)) }

    /// Begins at `start`, whose top bit doesn't matter.
    package init(startingAt start: UInt32) { next = start }

    /// The next id that is not in use.
    ///
    /// - Precondition: Fewer than 2^31 ids are in use.
    package mutating func take(isInUse: (UInt32) -> Bool) -> UInt32 {
        while true {
            let id = next | 0x8000_0000
            next &+= 1
            if !isInUse(id) { return id }
        }
    }
}
