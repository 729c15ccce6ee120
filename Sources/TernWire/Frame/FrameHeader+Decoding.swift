extension FrameHeader {
    /// Reads and checks a header at the start of `bytes`.
    ///
    /// Only the first ``byteCount`` bytes are looked at, so a reader of a stream can call this before
    /// the rest has arrived; nothing is allocated.
    ///
    /// - Parameters:
    ///   - bytes: The start of a frame.
    ///   - limits: What to accept.
    /// - Throws: The first defect found, in the order of the specification.
    /// - Complexity: O(1).
    package init(
        decoding bytes: RawSpan,
        limits: WireLimits = .standard
    ) throws(WireError) {
        guard bytes.byteCount >= Self.byteCount else {
            throw WireError(
                .frameTruncated,
                at: 0,
                expected: Self.byteCount,
                found: bytes.byteCount
            )
        }
        let magic: UInt32 = bytes.littleEndian(at: 8)
        guard magic == Self.magic else {
            throw WireError(.magicMismatch, at: 8, expected: Self.magic, found: magic)
        }
        let version: UInt16 = bytes.littleEndian(at: 12)
        guard version == Self.version else {
            throw WireError(.versionUnsupported, at: 12, expected: Self.version, found: version)
        }
        let announced: UInt64 = bytes.littleEndian(at: 0)
        guard announced >= UInt64(Self.byteCount) else {
            throw WireError(.frameTooSmall, at: 0, expected: Self.byteCount, found: announced)
        }
        guard announced <= UInt64(limits.frameByteCount) else {
            throw WireError(
                .frameTooLarge,
                at: 0,
                expected: limits.frameByteCount,
                found: announced
            )
        }
        self.init(
            kindCode: bytes.littleEndian(at: 14),
            correlationID: bytes.littleEndian(at: 24)
        )
        frameByteCount = Int(announced)
        try readFlagsAndStatus(from: bytes)
        try readScheduling(from: bytes)

        let fields: UInt32 = bytes.littleEndian(at: 20)
        guard fields <= limits.fieldsByteCount else {
            throw WireError(
                .fieldsTooLarge,
                at: 20,
                expected: limits.fieldsByteCount,
                found: fields
            )
        }
        guard Int(fields) <= frameByteCount - Self.byteCount else {
            throw WireError(
                .fieldsOverrun,
                at: 20,
                expected: frameByteCount - Self.byteCount,
                found: fields
            )
        }
        fieldsByteCount = Int(fields)
    }

    /// Flags, then kind, then status: what a kind or status means depends on the direction.
    private mutating func readFlagsAndStatus(from bytes: RawSpan) throws(WireError) {
        let flags = FrameFlags(rawValue: bytes.littleEndian(at: 16))
        guard flags.isDisjoint(with: .unknownCritical) else {
            let unknown = flags.intersection(.unknownCritical).rawValue
            throw WireError(.flagUnknown, at: 16, found: unknown)
        }
        isReply = flags.contains(.reply)
        wantsPhaseTimes = flags.contains(.wantsPhaseTimes)

        let code: UInt16 = bytes.littleEndian(at: 18)
        guard let status = StatusCode(rawValue: code) else {
            throw WireError(.statusUnknown, at: 18, expected: 16, found: code)
        }
        self.status = status
        guard isReply || status == .ok else {
            throw WireError(.statusUnexpected, at: 18, expected: 0, found: code)
        }
        // An error reply to a call that nobody knows has that call's code, or 0.
        guard kind != nil || (isReply && status != .ok) else {
            throw WireError(.kindUnknown, at: 14, found: kindCode)
        }
        guard !wantsPhaseTimes || (!isReply && kind == .modelInfer) else {
            throw WireError(.flagUnexpected, at: 16, found: FrameFlags.wantsPhaseTimes.rawValue)
        }
        guard !isReply || !flags.contains(.hasIdempotencyKey) else {
            throw WireError(.flagUnexpected, at: 16, found: FrameFlags.hasIdempotencyKey.rawValue)
        }
        // Only a failure has a time after which trying again makes sense.
        guard !isReply || status != .ok || !flags.contains(.hasMicroseconds) else {
            throw WireError(.flagUnexpected, at: 16, found: FrameFlags.hasMicroseconds.rawValue)
        }
    }

    /// Bytes 32 to 59, where what a flag says is absent must be zero.
    private mutating func readScheduling(from bytes: RawSpan) throws(WireError) {
        let flags = FrameFlags(rawValue: bytes.littleEndian(at: 16))
        let time: UInt64 = bytes.littleEndian(at: 32)
        if flags.contains(.hasMicroseconds) {
            microseconds = time
        } else if time != 0 {
            throw WireError(.headerNotZero, at: 32, found: time)
        }
        let key = IdempotencyKey(
            low: bytes.littleEndian(at: 40),
            high: bytes.littleEndian(at: 48)
        )
        if flags.contains(.hasIdempotencyKey) {
            idempotencyKey = key
        } else if key.low != 0 || key.high != 0 {
            throw WireError(.headerNotZero, at: 40, found: key.low | key.high)
        }
        priority = bytes.littleEndian(at: 56)
        guard !isReply || priority == 0 else {
            throw WireError(.headerNotZero, at: 56, found: UInt8(bitPattern: priority))
        }
        for offset in 57..<60 where bytes.byte(at: offset) != 0 {
            throw WireError(.headerNotZero, at: offset, found: bytes.byte(at: offset))
        }
    }

    /// Reads and checks the header of a frame that is there as a whole.
    ///
    /// - Parameters:
    ///   - frame: The frame, from its first byte to its last.
    ///   - limits: What to accept.
    /// - Returns: The header.
    /// - Throws: As ``init(decoding:limits:)``, and ``WireDefect/frameLengthMismatch`` if the frame
    ///   is not as long as it says.
    package static func ofWhole(
        _ frame: RawSpan,
        limits: WireLimits
    ) throws(WireError) -> FrameHeader {
        let header = try FrameHeader(decoding: frame, limits: limits)
        guard header.frameByteCount == frame.byteCount else {
            throw WireError(
                .frameLengthMismatch,
                at: 0,
                expected: header.frameByteCount,
                found: frame.byteCount
            )
        }
        return header
    }

    /// Checks that the frame is the message that the caller wants to read.
    package func require(_ kind: MessageKind, isReply: Bool) throws(WireError) {
        guard self.isReply == isReply else {
            throw WireError(
                .directionUnexpected,
                at: 16,
                expected: isReply ? 1 : 0,
                found: self.isReply ? 1 : 0
            )
        }
        guard kindCode == kind.rawValue else {
            throw WireError(.kindUnexpected, at: 14, expected: kind.rawValue, found: kindCode)
        }
    }
}

extension FrameHeader {
    /// Checks that the frame is the reply of a call that succeeded.
    package func requireSuccess(_ kind: MessageKind) throws(WireError) {
        try require(kind, isReply: true)
        guard status == .ok else {
            throw WireError(.statusUnexpected, at: 18, expected: 0, found: status.rawValue)
        }
    }
}

/// What the error reply to a frame needs of it: read from any bytes, without complaint.
package struct ReplyEnvelope: Equatable, Sendable {
    /// The kind of the request, perhaps an unknown one; 0 if it cannot be read.
    package let kindCode: UInt16
    /// The correlation id of the request; 0 if it cannot be read.
    package let correlationID: UInt64

    /// Reads what there is.
    ///
    /// - Parameter prefix: A frame or its first bytes; 32 that start with the right magic suffice,
    ///   whatever the version.
    package init(readingFrom prefix: RawSpan) {
        if prefix.byteCount >= 32, prefix.littleEndian(at: 8, as: UInt32.self) == FrameHeader.magic
        {
            kindCode = prefix.littleEndian(at: 14)
            correlationID = prefix.littleEndian(at: 24)
        } else {
            kindCode = 0
            correlationID = 0
        }
    }

    package init(_ header: FrameHeader) {
        kindCode = header.kindCode
        correlationID = header.correlationID
    }
}
