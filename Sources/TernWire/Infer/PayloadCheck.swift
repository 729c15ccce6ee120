internal import TernTensor

/// Checks the bytes of payloads: those types whose bytes can be wrong.
package enum PayloadCheck {
    /// Checks the padding before a payload and the payload itself.
    ///
    /// - Parameters:
    ///   - record: The tensor's record, checked.
    ///   - payload: Where its payload stands; within the frame.
    ///   - previousEnd: Where what precedes the payload ends.
    ///   - frame: The frame.
    ///   - limits: What to accept.
    /// - Throws: The first defect found.
    package static func check(
        _ record: TensorRecord,
        payload: ByteRange,
        previousEnd: Int,
        in frame: RawSpan,
        limits: WireLimits
    ) throws(WireError) {
        if payload.byteCount > 0 {
            for offset in previousEnd..<payload.offset where frame.byte(at: offset) != 0 {
                throw WireError(.paddingNotZero, at: offset, found: frame.byte(at: offset))
            }
        }
        switch record.elementType {
        case .bool:
            try checkBooleans(payload, in: frame)
        case .bytes:
            try checkByteStrings(
                payload,
                in: frame,
                elementCount: record.shape.elementCount,
                limits: limits
            )
        default:
            break
        }
    }

    /// Checks that every byte is 0 or 1, eight at a time.
    private static func checkBooleans(_ payload: ByteRange, in frame: RawSpan) throws(WireError) {
        var offset = payload.offset
        while payload.end - offset >= 8 {
            let word: UInt64 = frame.littleEndian(at: offset)
            // The loop below says which byte it is.
            guard word & 0xFEFE_FEFE_FEFE_FEFE == 0 else { break }
            offset += 8
        }
        while offset < payload.end {
            let byte = frame.byte(at: offset)
            guard byte <= 1 else {
                throw WireError(
                    .boolOutOfRange,
                    at: offset,
                    field: .tensor,
                    expected: 1,
                    found: byte
                )
            }
            offset += 1
        }
    }

    /// Checks that the payload is exactly `elementCount` byte strings, each behind its length.
    private static func checkByteStrings(
        _ payload: ByteRange,
        in frame: RawSpan,
        elementCount: Int,
        limits: WireLimits
    ) throws(WireError) {
        guard elementCount <= limits.bytesElementCount else {
            throw WireError(
                .bytesElementCountTooLarge,
                at: payload.offset,
                field: .tensor,
                expected: limits.bytesElementCount,
                found: elementCount
            )
        }
        var offset = payload.offset
        var index = 0
        while offset < payload.end {
            guard index < elementCount else {
                throw WireError(
                    .bytesElementCountMismatch,
                    at: offset,
                    field: .tensor,
                    expected: elementCount,
                    found: index + 1
                )
            }
            guard payload.end - offset >= 4 else {
                throw WireError(
                    .bytesElementTruncated,
                    at: offset,
                    field: .tensor,
                    expected: 4,
                    found: payload.end - offset
                )
            }
            let byteCount = Int(frame.littleEndian(at: offset, as: UInt32.self))
            guard byteCount <= limits.bytesElementByteCount else {
                throw WireError(
                    .bytesElementTooLong,
                    at: offset,
                    field: .tensor,
                    expected: limits.bytesElementByteCount,
                    found: byteCount
                )
            }
            guard byteCount <= payload.end - offset - 4 else {
                throw WireError(
                    .bytesElementTruncated,
                    at: offset,
                    field: .tensor,
                    expected: byteCount,
                    found: payload.end - offset - 4
                )
            }
            offset += 4 + byteCount
            index += 1
        }
        guard index == elementCount else {
            throw WireError(
                .bytesElementCountMismatch,
                at: payload.end,
                field: .tensor,
                expected: elementCount,
                found: index
            )
        }
    }
}
