internal import TernTensor

/// Writes fields and payloads side by side into a frame whose length was measured.
///
/// Holds positions only; the memory is handed to each call, and every write is checked against it.
/// Fields must come in ascending order of their tags, as the protocol wants them.
struct FrameWriter {
    /// Where the next field starts.
    private(set) var fieldCursor = FrameHeader.byteCount
    private var payloads: PayloadCursor
    private let measure: FrameMeasure
    private var previousTag = FieldTag(rawValue: 0)

    /// Writes the header, completed with the sizes of `measure`.
    init(_ header: FrameHeader, measure: FrameMeasure, into bytes: inout MutableRawSpan) {
        precondition(
            bytes.byteCount == measure.byteCount,
            "a frame must be written into exactly as many bytes as were measured"
        )
        var header = header
        header.frameByteCount = measure.byteCount
        header.fieldsByteCount = measure.fieldsByteCount
        header.write(into: &bytes)
        payloads = PayloadCursor(fieldsEnd: header.fieldsEnd)
        self.measure = measure
    }

    /// Writes a field's tag and length; its value is for the caller to write.
    ///
    /// - Returns: Where the value starts.
    mutating func beginField(
        _ tag: FieldTag,
        byteCount: Int,
        into bytes: inout MutableRawSpan
    ) -> Int {
        precondition(tag.rawValue >= previousTag.rawValue, "fields must be written in tag order")
        previousTag = tag
        let valueOffset = fieldCursor + Field.headerByteCount
        precondition(
            byteCount <= FrameHeader.byteCount + measure.fieldsByteCount - valueOffset,
            "more fields were written than were measured"
        )
        bytes.storeLittleEndian(tag.rawValue, at: fieldCursor)
        bytes.storeLittleEndian(UInt16(0), at: fieldCursor + 2)
        bytes.storeLittleEndian(UInt32(byteCount), at: fieldCursor + 4)
        fieldCursor = valueOffset + byteCount
        return valueOffset
    }

    mutating func write(_ tag: FieldTag, _ value: RawSpan, into bytes: inout MutableRawSpan) {
        let offset = beginField(tag, byteCount: value.byteCount, into: &bytes)
        bytes.copyBytes(from: value, at: offset)
    }

    mutating func write(_ tag: FieldTag, _ value: UInt64, into bytes: inout MutableRawSpan) {
        let offset = beginField(tag, byteCount: 8, into: &bytes)
        bytes.storeLittleEndian(value, at: offset)
    }

    /// Writes a tensor's field and the padding before its payload.
    ///
    /// - Returns: Where the payload stands, for the caller to write.
    mutating func writeTensor(
        name: RawSpan,
        elementType: ElementType,
        shape: Shape,
        payloadByteCount: Int,
        into bytes: inout MutableRawSpan
    ) -> ByteRange {
        let fieldByteCount = TensorRecord.byteCount(
            rank: shape.rank,
            nameByteCount: name.byteCount
        )
        let offset = beginField(.tensor, byteCount: fieldByteCount, into: &bytes)
        bytes.storeLittleEndian(elementType.rawValue, at: offset)
        bytes.storeLittleEndian(UInt8(shape.rank), at: offset + 1)
        bytes.storeLittleEndian(UInt16(name.byteCount), at: offset + 2)
        bytes.storeLittleEndian(UInt32(0), at: offset + 4)
        bytes.storeLittleEndian(UInt64(payloadByteCount), at: offset + 8)
        var cursor = offset + TensorRecord.fixedByteCount
        for axis in 0..<shape.rank {
            bytes.storeLittleEndian(UInt64(shape[axis]), at: cursor)
            cursor += 8
        }
        bytes.copyBytes(from: name, at: cursor)

        let previousEnd = payloads.end
        let payload = payloads.advance(byteCount: payloadByteCount)
        precondition(payload.end <= bytes.byteCount, "more payloads were written than measured")
        if payload.byteCount > 0 { bytes.zero(previousEnd..<payload.offset) }
        return payload
    }

    /// Checks that everything measured has been written.
    func finish() {
        precondition(
            fieldCursor == FrameHeader.byteCount + measure.fieldsByteCount
                && payloads.end == measure.byteCount,
            "less was written than was measured"
        )
    }
}
