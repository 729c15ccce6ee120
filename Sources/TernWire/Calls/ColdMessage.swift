/// A message that is not on the hot path: an ordinary struct, with strings and arrays of its own.
package protocol ColdMessage: Equatable, Sendable {
    /// The call.
    static var kind: MessageKind { get }

    /// Appends the fields, in ascending order of their tags.
    func appendFields(to frame: inout FrameBuilder)

    /// Reads the fields to the last, skipping unknown ones.
    init(reading fields: inout FieldReader) throws(WireError)
}

/// A request that is not on the hot path.
package protocol ColdRequest: ColdMessage {
    /// What a successful call returns.
    associatedtype Reply: ColdReply
}

/// A successful reply that is not on the hot path.
package protocol ColdReply: ColdMessage {}

extension ColdRequest {
    /// Makes the frame.
    package func encoded(_ options: RequestOptions) -> [UInt8] {
        var frame = FrameBuilder(options.header(Self.kind))
        appendFields(to: &frame)
        return frame.finish()
    }

    /// Reads and checks a request.
    ///
    /// - Parameters:
    ///   - frame: The frame, from its first byte to its last.
    ///   - limits: What to accept.
    /// - Throws: The first defect found.
    package init(decoding frame: RawSpan, limits: WireLimits = .standard) throws(WireError) {
        let header = try FrameHeader.ofWhole(frame, limits: limits)
        try header.require(Self.kind, isReply: false)
        try self.init(readingBodyOf: frame, header: header, limits: limits)
    }
}

extension ColdReply {
    /// Makes the frame.
    package func encoded(correlationID: UInt64) -> [UInt8] {
        var header = FrameHeader(kindCode: Self.kind.rawValue, correlationID: correlationID)
        header.isReply = true
        var frame = FrameBuilder(header)
        appendFields(to: &frame)
        return frame.finish()
    }

    /// Reads and checks a successful reply.
    ///
    /// - Parameters:
    ///   - frame: The frame, from its first byte to its last.
    ///   - limits: What to accept.
    /// - Throws: The first defect found; ``WireDefect/statusUnexpected`` if it is an error reply.
    package init(decoding frame: RawSpan, limits: WireLimits = .standard) throws(WireError) {
        let header = try FrameHeader.ofWhole(frame, limits: limits)
        try header.requireSuccess(Self.kind)
        try self.init(readingBodyOf: frame, header: header, limits: limits)
    }
}

extension ColdMessage {
    /// Reads the fields of a checked header; such a message has no payloads.
    init(readingBodyOf frame: RawSpan, header: FrameHeader, limits: WireLimits) throws(WireError) {
        var fields = FieldReader(frame: frame, header: header, limits: limits)
        try self.init(reading: &fields)
        guard header.fieldsEnd == frame.byteCount else {
            throw WireError(
                .trailingBytes,
                at: header.fieldsEnd,
                expected: header.fieldsEnd,
                found: frame.byteCount
            )
        }
    }
}

/// Collects a cold message's fields.
package struct FrameBuilder {
    private var header: FrameHeader
    private var bytes: [UInt8]

    package init(_ header: FrameHeader) {
        self.header = header
        bytes = Array(repeating: 0, count: FrameHeader.byteCount)
    }

    package mutating func append(_ tag: FieldTag, _ value: some Collection<UInt8>) {
        append(tag.rawValue)
        append(UInt16(0))
        append(UInt32(value.count))
        bytes.append(contentsOf: value)
    }

    package mutating func append(_ tag: FieldTag, _ value: String) { append(tag, value.utf8) }

    package mutating func append(_ tag: FieldTag, _ value: UInt64) {
        append(tag, Self.littleEndianBytes(of: value))
    }

    package mutating func append(_ tag: FieldTag, _ value: Bool) { append(tag, [value ? 1 : 0]) }

    /// The bytes of a number, lowest first.
    package static func littleEndianBytes(of number: some FixedWidthInteger) -> [UInt8] {
        (0..<number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }

    private mutating func append(_ number: some FixedWidthInteger) {
        bytes.append(contentsOf: Self.littleEndianBytes(of: number))
    }

    /// Completes the header.
    package consuming func finish() -> [UInt8] {
        header.frameByteCount = bytes.count
        header.fieldsByteCount = bytes.count - FrameHeader.byteCount
        var frame = bytes
        var elements = frame.mutableSpan
        // SAFETY: every byte pattern is a valid UInt8.
        var span = unsafe elements.mutableBytes
        header.write(into: &span)
        return frame
    }
}
