internal import TernTensor

/// A range of bytes within a frame.
package struct ByteRange: Equatable, Sendable {
    package let offset: Int
    package let byteCount: Int

    package init(offset: Int, byteCount: Int) {
        self.offset = offset
        self.byteCount = byteCount
    }

    package var end: Int { offset + byteCount }
}

extension RawSpan {
    /// The bytes of `range`.
    ///
    /// - Precondition: The range is within the span.
    @_lifetime(copy self)
    package func bytes(in range: ByteRange) -> RawSpan {
        extracting(range.offset..<range.offset + range.byteCount)
    }
}

/// One field: a tag and where its value stands.
package struct Field: Equatable, Sendable {
    /// The bytes before a value: tag, two zero bytes, and the length of the value.
    package static let headerByteCount = 8

    package let tag: FieldTag
    package let value: ByteRange
}

/// Walks the fields of a frame and checks the rules that hold for all of them: within bounds, in
/// ascending order, at most as many as the limit, single ones only once, unknown critical ones refused.
///
/// Allocates nothing. Values are read by the methods that take a field, which check its length.
package struct FieldReader: ~Escapable {
    package let frame: RawSpan
    package let limits: WireLimits
    private let end: Int
    private var cursor: Int
    private var fieldCount = 0
    private var previousTag: FieldTag?

    /// Starts at the first field.
    ///
    /// - Parameters:
    ///   - frame: A whole frame.
    ///   - header: The header of that frame, checked.
    ///   - limits: What to accept.
    @_lifetime(copy frame)
    package init(frame: RawSpan, header: FrameHeader, limits: WireLimits) {
        precondition(header.fieldsEnd <= frame.byteCount, "a header was read from another frame")
        self.frame = frame
        self.limits = limits
        cursor = FrameHeader.byteCount
        end = header.fieldsEnd
    }

    /// Steps to the next field; `nil` after the last.
    package mutating func next() throws(WireError) -> Field? {
        guard cursor < end else { return nil }
        guard fieldCount < limits.fieldCount else {
            throw WireError(
                .fieldCountTooLarge,
                at: cursor,
                expected: limits.fieldCount,
                found: fieldCount + 1
            )
        }
        guard end - cursor >= Field.headerByteCount else {
            throw WireError(
                .fieldTruncated,
                at: cursor,
                expected: Field.headerByteCount,
                found: end - cursor
            )
        }
        let tag = FieldTag(rawValue: frame.littleEndian(at: cursor))
        let reserved: UInt16 = frame.littleEndian(at: cursor + 2)
        guard reserved == 0 else {
            throw WireError(.fieldNotZero, at: cursor + 2, field: tag, found: reserved)
        }
        if let previousTag {
            guard tag.rawValue >= previousTag.rawValue else {
                throw WireError(
                    .fieldOutOfOrder,
                    at: cursor,
                    field: tag,
                    expected: previousTag.rawValue,
                    found: tag.rawValue
                )
            }
            guard tag != previousTag || tag.isRepeatable else {
                throw WireError(.fieldRepeated, at: cursor, field: tag, expected: 1, found: 2)
            }
        }
        let announced: UInt32 = frame.littleEndian(at: cursor + 4)
        let valueStart = cursor + Field.headerByteCount
        guard Int(announced) <= end - valueStart else {
            throw WireError(
                .fieldTruncated,
                at: cursor + 4,
                field: tag,
                expected: announced,
                found: end - valueStart
            )
        }
        cursor = valueStart + Int(announced)
        fieldCount += 1
        previousTag = tag
        return Field(tag: tag, value: ByteRange(offset: valueStart, byteCount: Int(announced)))
    }

    /// Passes over a field that the message doesn't have, unless it is critical.
    package func skip(_ field: Field) throws(WireError) {
        guard !field.tag.isCritical else {
            throw WireError(
                .fieldUnknown,
                at: field.value.offset - Field.headerByteCount,
                field: field.tag,
                found: field.tag.rawValue
            )
        }
    }
}

// Values of one field.
extension FieldReader {
    /// Checks that the value has exactly `byteCount` bytes.
    package func requireByteCount(_ byteCount: Int, of field: Field) throws(WireError) {
        guard field.value.byteCount == byteCount else {
            throw WireError(
                .fieldLengthMismatch,
                at: field.value.offset,
                field: field.tag,
                expected: byteCount,
                found: field.value.byteCount
            )
        }
    }

    package func uint64(_ field: Field) throws(WireError) -> UInt64 {
        try requireByteCount(8, of: field)
        return frame.littleEndian(at: field.value.offset)
    }

    package func bool(_ field: Field) throws(WireError) -> Bool {
        try requireByteCount(1, of: field)
        let byte = frame.byte(at: field.value.offset)
        guard byte <= 1 else {
            throw WireError(
                .valueOutOfRange,
                at: field.value.offset,
                field: field.tag,
                expected: 1,
                found: byte
            )
        }
        return byte == 1
    }

    /// A model's version: from 1 to the largest positive 64-bit number.
    package func modelVersion(_ field: Field) throws(WireError) -> UInt64 {
        let version = try uint64(field)
        guard version >= 1 && version <= UInt64(Int64.max) else {
            throw WireError(
                .valueOutOfRange,
                at: field.value.offset,
                field: field.tag,
                expected: 1,
                found: version
            )
        }
        return version
    }

    package func idempotencyKey(_ field: Field) throws(WireError) -> IdempotencyKey {
        try requireByteCount(16, of: field)
        return IdempotencyKey(
            low: frame.littleEndian(at: field.value.offset),
            high: frame.littleEndian(at: field.value.offset + 8)
        )
    }

    /// Checks a name and says where it stands.
    package func name(_ field: Field) throws(WireError) -> ByteRange {
        try WireText.checkName(field.value, in: frame, field: field.tag, limits: limits)
        return field.value
    }

    /// A name as a string of its own.
    package func nameString(_ field: Field) throws(WireError) -> String {
        WireText.string(try name(field), in: frame)
    }

    /// A text for people as a string of its own.
    package func textString(_ field: Field) throws(WireError) -> String {
        try WireText.checkText(field.value, in: frame, field: field.tag, limits: limits)
        return WireText.string(field.value, in: frame)
    }

    /// Reports a field that the message must have.
    package func missing(_ tag: FieldTag) -> WireError {
        WireError(.fieldMissing, at: end, field: tag, expected: 1, found: 0)
    }
}
