package import TernTensor

/// The value of a `tensor` field.
///
/// ```
///  0  u8   element type                    8  u64  bytes of the payload
///  1  u8   rank, 0 to 8                   16  u64  size of each axis, outermost first
///  2  u16  bytes of the name                ...    the name
///  4  u32  zero
/// ```
///
/// The payload doesn't stand in the field: see ``PayloadCursor``.
package struct TensorRecord: Sendable {
    /// The bytes before the sizes.
    package static let fixedByteCount = 16

    package let elementType: ElementType
    package let shape: Shape
    /// Where the name stands in the frame.
    package let name: ByteRange
    package let payloadByteCount: Int

    /// The bytes of a record.
    package static func byteCount(rank: Int, nameByteCount: Int) -> Int {
        fixedByteCount + 8 * rank + nameByteCount
    }
}

extension TensorRecord {
    /// Reads and checks a record: everything but the payload's bytes.
    package init(decoding field: Field, with fields: borrowing FieldReader) throws(WireError) {
        let frame = fields.frame
        let start = field.value.offset
        guard field.value.byteCount >= Self.fixedByteCount else {
            throw WireError(
                .fieldLengthMismatch,
                at: start,
                field: field.tag,
                expected: Self.fixedByteCount,
                found: field.value.byteCount
            )
        }
        let typeCode = frame.byte(at: start)
        guard let elementType = ElementType(rawValue: typeCode) else {
            throw WireError(.elementTypeUnknown, at: start, field: field.tag, found: typeCode)
        }
        let rank = Int(frame.byte(at: start + 1))
        guard rank <= Shape.maximumRank else {
            throw WireError(
                .rankTooLarge,
                at: start + 1,
                field: field.tag,
                expected: Shape.maximumRank,
                found: rank
            )
        }
        let reserved: UInt32 = frame.littleEndian(at: start + 4)
        guard reserved == 0 else {
            throw WireError(.fieldNotZero, at: start + 4, field: field.tag, found: reserved)
        }
        let nameByteCount = Int(frame.littleEndian(at: start + 2, as: UInt16.self))
        try fields.requireByteCount(
            Self.byteCount(rank: rank, nameByteCount: nameByteCount),
            of: field
        )
        let nameRange = ByteRange(
            offset: start + Self.fixedByteCount + 8 * rank,
            byteCount: nameByteCount
        )
        try WireText.checkName(nameRange, in: frame, field: field.tag, limits: fields.limits)

        var shape = Shape()
        for axis in 0..<rank {
            let offset = start + Self.fixedByteCount + 8 * axis
            let size: UInt64 = frame.littleEndian(at: offset)
            guard size <= UInt64(Int64.max) else {
                throw WireError(
                    .shapeOverflow,
                    at: offset,
                    field: field.tag,
                    expected: Int64.max,
                    found: size
                )
            }
            shape.append(Int(size))
        }
        let payloadByteCount: UInt64 = frame.littleEndian(at: start + 8)
        try Self.checkSize(
            of: shape,
            elementType: elementType,
            payloadByteCount: payloadByteCount,
            field: field
        )
        // No payload is longer than its frame.
        guard payloadByteCount <= UInt64(frame.byteCount) else {
            throw WireError(
                .payloadOverrun,
                at: start + 8,
                field: field.tag,
                expected: frame.byteCount,
                found: payloadByteCount
            )
        }
        self.init(
            elementType: elementType,
            shape: shape,
            name: nameRange,
            payloadByteCount: Int(payloadByteCount)
        )
    }

    /// Checks that the elements can be counted and, for types of a fixed size, that the payload has
    /// exactly their bytes.
    private static func checkSize(
        of shape: Shape,
        elementType: ElementType,
        payloadByteCount: UInt64,
        field: Field
    ) throws(WireError) {
        let start = field.value.offset
        guard shape.checkedElementCount != nil else {
            throw WireError(
                .shapeOverflow,
                at: start + fixedByteCount,
                field: field.tag,
                expected: Int64.max
            )
        }
        guard elementType.byteCount != nil else { return }
        guard let byteCount = shape.byteCount(of: elementType) else {
            throw WireError(
                .shapeOverflow,
                at: start + fixedByteCount,
                field: field.tag,
                expected: Int64.max
            )
        }
        guard UInt64(byteCount) == payloadByteCount else {
            throw WireError(
                .payloadLengthMismatch,
                at: start + 8,
                field: field.tag,
                expected: byteCount,
                found: payloadByteCount
            )
        }
    }

    /// Reads a record that was checked before.
    ///
    /// - Precondition: `offset` is that of the value of a checked `tensor` field of this frame.
    package init(trusting frame: RawSpan, at offset: Int) {
        guard let elementType = ElementType(rawValue: frame.byte(at: offset)) else {
            preconditionFailure("a tensor record was read that nobody had checked")
        }
        let rank = Int(frame.byte(at: offset + 1))
        var shape = Shape()
        for axis in 0..<rank {
            let size: UInt64 = frame.littleEndian(at: offset + Self.fixedByteCount + 8 * axis)
            shape.append(Int(size))
        }
        self.init(
            elementType: elementType,
            shape: shape,
            name: Self.nameRange(trusting: frame, at: offset),
            payloadByteCount: Int(frame.littleEndian(at: offset + 8, as: UInt64.self))
        )
    }

    /// Finds the name in a record that was checked before.
    package static func nameRange(trusting frame: RawSpan, at offset: Int) -> ByteRange {
        ByteRange(
            offset: offset + fixedByteCount + 8 * Int(frame.byte(at: offset + 1)),
            byteCount: Int(frame.littleEndian(at: offset + 2, as: UInt16.self))
        )
    }
}
