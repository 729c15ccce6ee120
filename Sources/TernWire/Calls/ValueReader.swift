/// Reads the parts of a structured value one after the other; used by cold calls only.
///
/// Every step checks that its bytes are there.
struct ValueReader: ~Escapable {
    private let frame: RawSpan
    private let limits: WireLimits
    private let field: Field
    private var cursor: Int

    @_lifetime(copy fields)
    init(_ field: Field, with fields: borrowing FieldReader) {
        frame = fields.frame
        limits = fields.limits
        self.field = field
        cursor = field.value.offset
    }

    mutating func number<Number: FixedWidthInteger & BitwiseCopyable>(
        _ type: Number.Type = Number.self
    ) throws(WireError) -> Number {
        try frame.littleEndian(at: take(MemoryLayout<Number>.size).offset)
    }

    /// A name behind its length of 16 bits.
    mutating func name() throws(WireError) -> String {
        let range = try take(Int(number(UInt16.self)))
        try WireText.checkName(range, in: frame, field: field.tag, limits: limits)
        return WireText.string(range, in: frame)
    }

    /// A text behind its length of 16 bits.
    mutating func text() throws(WireError) -> String {
        let range = try take(Int(number(UInt16.self)))
        try WireText.checkText(range, in: frame, field: field.tag, limits: limits)
        return WireText.string(range, in: frame)
    }

    /// Reports what was read last, a number of `byteCount` bytes, as one that has no meaning.
    func error(
        _ defect: WireDefect,
        last byteCount: Int,
        expected: some BinaryInteger,
        found: some BinaryInteger
    ) -> WireError {
        WireError(
            defect,
            at: cursor - byteCount,
            field: field.tag,
            expected: expected,
            found: found
        )
    }

    /// Checks that nothing is left.
    func finish() throws(WireError) {
        guard cursor == field.value.end else {
            throw WireError(
                .fieldLengthMismatch,
                at: cursor,
                field: field.tag,
                expected: cursor - field.value.offset,
                found: field.value.byteCount
            )
        }
    }

    private mutating func take(_ byteCount: Int) throws(WireError) -> ByteRange {
        guard field.value.end - cursor >= byteCount else {
            throw WireError(
                .fieldLengthMismatch,
                at: cursor,
                field: field.tag,
                expected: cursor - field.value.offset + byteCount,
                found: field.value.byteCount
            )
        }
        let range = ByteRange(offset: cursor, byteCount: byteCount)
        cursor += byteCount
        return range
    }
}

/// Collects the parts of a structured value.
struct ValueBuilder {
    private(set) var bytes: [UInt8] = []

    mutating func append(_ number: some FixedWidthInteger) {
        bytes.append(contentsOf: FrameBuilder.littleEndianBytes(of: number))
    }

    /// Appends a string behind its length of 16 bits.
    mutating func append(_ text: String) {
        append(UInt16(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }
}
