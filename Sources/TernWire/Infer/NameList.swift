/// Where the `wanted_output` fields of a checked frame stand.
package struct NameListIndex: Equatable, Sendable {
    /// The offset of the first field, at its tag.
    fileprivate var firstFieldOffset = 0
    package fileprivate(set) var count = 0

    /// Checks one field and that its name is new.
    mutating func read(_ field: Field, with fields: borrowing FieldReader) throws(WireError) {
        let limit = fields.limits.wantedOutputCount
        guard count < limit else {
            throw WireError(
                .wantedOutputCountTooLarge,
                at: field.value.offset,
                field: field.tag,
                expected: limit,
                found: count + 1
            )
        }
        let name = fields.frame.bytes(in: try fields.name(field))
        if count == 0 { firstFieldOffset = field.value.offset - Field.headerByteCount }
        var others = NameIterator(frame: fields.frame, index: self)
        while let other = others.next() {
            guard !name.hasSameBytes(as: other) else {
                throw WireError(.nameDuplicate, at: field.value.offset, field: field.tag)
            }
        }
        count += 1
    }
}

/// The names of a checked frame's `wanted_output` fields, one after the other; allocates nothing.
package struct NameIterator: ~Escapable {
    private let frame: RawSpan
    private var fieldOffset: Int
    /// How many names are still to come.
    package private(set) var remainingCount: Int

    @_lifetime(copy frame)
    init(frame: RawSpan, index: NameListIndex) {
        self.frame = frame
        fieldOffset = index.firstFieldOffset
        remainingCount = index.count
    }

    /// Steps to the next name; `nil` after the last.
    @_lifetime(copy self)
    package mutating func next() -> RawSpan? {
        guard remainingCount > 0 else { return nil }
        remainingCount -= 1
        let name = ByteRange(
            offset: fieldOffset + Field.headerByteCount,
            byteCount: Int(frame.littleEndian(at: fieldOffset + 4, as: UInt32.self))
        )
        fieldOffset = name.end
        return frame.bytes(in: name)
    }
}
