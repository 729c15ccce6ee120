/// The first 60 bytes of every frame.
///
/// ```
///  0  u64  bytes of the whole frame        32  u64  request: budget left, microseconds
///  8  4 B  magic, "TERN"                            reply: when to try again, microseconds
/// 12  u16  version                         40  16 B request: idempotency key
/// 14  u16  kind                            56  i8   request: priority
/// 16  u16  flags                           57  3 B  zero
/// 18  u16  status
/// 20  u32  bytes of the fields
/// 24  u64  correlation id
/// ```
///
/// Everything that decides whether and when to work on a request stands here, so that it can be
/// admitted, refused or put in order without looking at its fields. The first 32 bytes mean the
/// same in every version of the protocol.
package struct FrameHeader: Equatable, Sendable {
    /// The length of a header.
    package static let byteCount = 60
    /// The bytes `TERN` as a little-endian number.
    package static let magic: UInt32 = 0x4E52_4554
    /// The only version there is.
    package static let version: UInt16 = 1

    /// The bytes of the whole frame, header included.
    package var frameByteCount = Self.byteCount
    /// The call; in an error reply perhaps one that this version doesn't know.
    package var kindCode: UInt16
    /// Whether the frame answers a request.
    package var isReply = false
    /// How the call ended; always ``StatusCode/ok`` in a request.
    package var status = StatusCode.ok
    /// The bytes of the fields, which follow the header.
    package var fieldsByteCount = 0
    /// Chosen by the client, returned in the reply.
    package var correlationID: UInt64
    /// Whether the reply shall say how long each phase took; only in a `ModelInfer` request.
    package var wantsPhaseTimes = false
    /// In a request the time budget that is left, in a reply the time after which trying again may
    /// succeed.
    package var microseconds: UInt64?
    /// Only in a request.
    package var idempotencyKey: IdempotencyKey?
    /// Which of the waiting requests goes first: the higher number.
    ///
    /// 0 unless the client has a reason, and in every reply.
    package var priority: Int8 = 0

    package init(kindCode: UInt16, correlationID: UInt64) {
        self.kindCode = kindCode
        self.correlationID = correlationID
    }

    /// The call; `nil` if this version doesn't know it.
    package var kind: MessageKind? { MessageKind(rawValue: kindCode) }

    /// Where the fields end.
    package var fieldsEnd: Int { Self.byteCount + fieldsByteCount }
}

/// The flags of a header; a reader refuses unknown ones among the low eight bits and ignores those
/// among the high eight.
package struct FrameFlags: OptionSet, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The frame is a reply.
    package static let reply = FrameFlags(rawValue: 1 << 0)
    /// Bytes 32 to 39 hold a time.
    package static let hasMicroseconds = FrameFlags(rawValue: 1 << 1)
    /// Bytes 40 to 55 hold an idempotency key.
    package static let hasIdempotencyKey = FrameFlags(rawValue: 1 << 2)
    /// The reply shall have phase times.
    package static let wantsPhaseTimes = FrameFlags(rawValue: 1 << 3)

    /// The bits that a reader must understand, other than those above.
    package static let unknownCritical = FrameFlags(rawValue: 0x00F0)
}

extension FrameHeader {
    /// Writes the header to the start of `bytes`.
    ///
    /// - Precondition: `bytes` is at least ``byteCount`` bytes long.
    package func write(into bytes: inout MutableRawSpan) {
        precondition(bytes.byteCount >= Self.byteCount, "a frame is too short for its header")
        var flags: FrameFlags = []
        if isReply { flags.insert(.reply) }
        if microseconds != nil { flags.insert(.hasMicroseconds) }
        if idempotencyKey != nil { flags.insert(.hasIdempotencyKey) }
        if wantsPhaseTimes { flags.insert(.wantsPhaseTimes) }
        bytes.storeLittleEndian(UInt64(frameByteCount), at: 0)
        bytes.storeLittleEndian(Self.magic, at: 8)
        bytes.storeLittleEndian(Self.version, at: 12)
        bytes.storeLittleEndian(kindCode, at: 14)
        bytes.storeLittleEndian(flags.rawValue, at: 16)
        bytes.storeLittleEndian(status.rawValue, at: 18)
        bytes.storeLittleEndian(UInt32(fieldsByteCount), at: 20)
        bytes.storeLittleEndian(correlationID, at: 24)
        bytes.storeLittleEndian(microseconds ?? 0, at: 32)
        bytes.storeLittleEndian(idempotencyKey?.low ?? 0, at: 40)
        bytes.storeLittleEndian(idempotencyKey?.high ?? 0, at: 48)
        bytes.storeLittleEndian(priority, at: 56)
        bytes.zero(57..<60)
    }
}
