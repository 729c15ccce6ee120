package import TernTensor

/// One tensor of a received frame: names and payload are views, nothing is copied.
package struct TensorView: ~Escapable {
    /// The name, UTF-8.
    package let name: RawSpan
    package let elementType: ElementType
    package let shape: Shape
    /// The elements, dense and row-major; those of ``ElementType/bool`` are 0 or 1, and those of
    /// ``ElementType/bytes`` are each preceded by their length.
    ///
    /// On a cache line if the frame starts 4 bytes past one; otherwise at any alignment.
    package let payload: RawSpan

    @_lifetime(copy frame)
    init(_ record: TensorRecord, payload: ByteRange, in frame: RawSpan) {
        name = frame.bytes(in: record.name)
        elementType = record.elementType
        shape = record.shape
        self.payload = frame.bytes(in: payload)
    }
}

/// Where the tensors of a checked frame stand; plain numbers.
package struct TensorListIndex: Equatable, Sendable {
    /// The offset of the first tensor's field, at its tag.
    var firstFieldOffset = 0
    package fileprivate(set) var count = 0
    var fieldsEnd: Int

    init(fieldsEnd: Int) { self.fieldsEnd = fieldsEnd }
}

/// The tensors of a checked frame, one after the other.
///
/// Copy it to walk them again. Allocates nothing.
package struct TensorIterator: ~Escapable {
    private let frame: RawSpan
    private var fieldOffset: Int
    private var payloads: PayloadCursor
    /// How many tensors are still to come.
    package private(set) var remainingCount: Int

    @_lifetime(copy frame)
    init(frame: RawSpan, index: TensorListIndex) {
        self.frame = frame
        fieldOffset = index.firstFieldOffset
        remainingCount = index.count
        payloads = PayloadCursor(fieldsEnd: index.fieldsEnd)
    }

    /// Steps to the next tensor; `nil` after the last.
    @_lifetime(copy self)
    package mutating func next() -> TensorView? {
        guard remainingCount > 0 else { return nil }
        remainingCount -= 1
        let valueByteCount: UInt32 = frame.littleEndian(at: fieldOffset + 4)
        let record = TensorRecord(trusting: frame, at: fieldOffset + Field.headerByteCount)
        fieldOffset += Field.headerByteCount + Int(valueByteCount)
        let payload = payloads.advance(byteCount: record.payloadByteCount)
        return TensorView(record, payload: payload, in: frame)
    }
}

/// Checks the tensors of a frame as their fields come by.
struct TensorListReader: ~Escapable {
    private(set) var index: TensorListIndex
    private var payloads: PayloadCursor

    @_lifetime(immortal)
    init(header: FrameHeader) {
        index = TensorListIndex(fieldsEnd: header.fieldsEnd)
        payloads = PayloadCursor(fieldsEnd: header.fieldsEnd)
    }

    /// Checks one `tensor` field, its payload, and that its name is new.
    mutating func read(_ field: Field, with fields: borrowing FieldReader) throws(WireError) {
        let limit = fields.limits.tensorCount
        guard index.count < limit else {
            throw WireError(
                .tensorCountTooLarge,
                at: field.value.offset,
                field: field.tag,
                expected: limit,
                found: index.count + 1
            )
        }
        let frame = fields.frame
        let record = try TensorRecord(decoding: field, with: fields)
        if index.count == 0 { index.firstFieldOffset = field.value.offset - Field.headerByteCount }
        try requireNewName(record.name, in: frame)
        index.count += 1

        let previousEnd = payloads.end
        let payload = payloads.advance(byteCount: record.payloadByteCount)
        guard payload.end <= frame.byteCount else {
            throw WireError(
                .payloadOverrun,
                at: payload.offset,
                field: field.tag,
                expected: payload.byteCount,
                found: max(frame.byteCount - payload.offset, 0)
            )
        }
        try PayloadCheck.check(
            record,
            payload: payload,
            previousEnd: previousEnd,
            in: frame,
            limits: fields.limits
        )
    }

    /// Checks that the frame ends where its last payload does.
    func finish(frame: RawSpan) throws(WireError) {
        guard payloads.end == frame.byteCount else {
            throw WireError(
                .trailingBytes,
                at: payloads.end,
                expected: payloads.end,
                found: frame.byteCount
            )
        }
    }

    /// Compares with every tensor before; their fields stand next to one another.
    private func requireNewName(_ name: ByteRange, in frame: RawSpan) throws(WireError) {
        let bytes = frame.bytes(in: name)
        var fieldOffset = index.firstFieldOffset
        for _ in 0..<index.count {
            let valueOffset = fieldOffset + Field.headerByteCount
            let other = TensorRecord.nameRange(trusting: frame, at: valueOffset)
            guard !bytes.hasSameBytes(as: frame.bytes(in: other)) else {
                throw WireError(.nameDuplicate, at: name.offset, field: .tensor)
            }
            fieldOffset =
                valueOffset + Int(frame.littleEndian(at: fieldOffset + 4, as: UInt32.self))
        }
    }
}
