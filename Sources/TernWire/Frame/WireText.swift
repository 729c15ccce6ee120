/// The rules for the two kinds of strings in a frame.
///
/// A *name* identifies something and ends up in logs, paths and comparisons: 1 byte up to the
/// limit, UTF-8, no control characters (U+0000 to U+001F, U+007F). A *text* is for people: UTF-8
/// up to the limit, perhaps empty.
package enum WireText {
    /// Checks the name at `range`; allocates nothing.
    package static func checkName(
        _ range: ByteRange,
        in frame: RawSpan,
        field: FieldTag?,
        limits: WireLimits
    ) throws(WireError) {
        guard range.byteCount > 0 else {
            throw WireError(.nameEmpty, at: range.offset, field: field, expected: 1, found: 0)
        }
        guard range.byteCount <= limits.nameByteCount else {
            throw WireError(
                .nameTooLong,
                at: range.offset,
                field: field,
                expected: limits.nameByteCount,
                found: range.byteCount
            )
        }
        var union: UInt8 = 0
        for offset in range.offset..<range.end {
            let byte = frame.byte(at: offset)
            guard byte >= 0x20 && byte != 0x7F else {
                throw WireError(.nameHasControlCharacter, at: offset, field: field, found: byte)
            }
            union |= byte
        }
        guard union < 0x80 || isUTF8(frame.bytes(in: range)) else {
            throw WireError(.nameNotUTF8, at: range.offset, field: field)
        }
    }

    /// Checks a name that is about to be sent, by the same rules.
    ///
    /// - Parameters:
    ///   - name: The name.
    ///   - field: The field it is meant for, named in the error.
    ///   - limits: What the peer accepts.
    /// - Throws: What a reader would throw, with offsets counted from the start of the name.
    package static func checkName(
        _ name: String,
        for field: FieldTag,
        limits: WireLimits
    ) throws(WireError) {
        // SAFETY: only asks for the bytes of code units, which are bytes.
        let bytes = unsafe name.utf8Span.span.bytes
        let range = ByteRange(offset: 0, byteCount: bytes.byteCount)
        try checkName(range, in: bytes, field: field, limits: limits)
    }

    /// Checks the text at `range`.
    package static func checkText(
        _ range: ByteRange,
        in frame: RawSpan,
        field: FieldTag?,
        limits: WireLimits
    ) throws(WireError) {
        guard range.byteCount <= limits.textByteCount else {
            throw WireError(
                .textTooLong,
                at: range.offset,
                field: field,
                expected: limits.textByteCount,
                found: range.byteCount
            )
        }
        guard isUTF8(frame.bytes(in: range)) else {
            throw WireError(.textNotUTF8, at: range.offset, field: field)
        }
    }

    /// Copies checked bytes into a string.
    package static func string(_ range: ByteRange, in frame: RawSpan) -> String {
        unsafe frame.bytes(in: range).withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }

    private static func isUTF8(_ bytes: RawSpan) -> Bool {
        let codeUnits = Span<UInt8>(_bytes: bytes)
        do throws(UTF8.ValidationError) {
            _ = try UTF8Span(validating: codeUnits)
            return true
        } catch {
            return false
        }
    }
}

extension RawSpan {
    /// The bytes as a string, which is meant for names and texts that were checked.
    package var utf8String: String {
        WireText.string(ByteRange(offset: 0, byteCount: byteCount), in: self)
    }
}
