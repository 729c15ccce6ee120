/// Takes numbers, texts and lists from the front of bytes that nobody has checked.
///
/// Every length is held against the bytes that are left before memory is taken for it.
struct ByteReader: ~Escapable {
    private let bytes: RawSpan
    private(set) var offset = 0

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) { self.bytes = bytes }

    /// How many bytes are left.
    var remainingByteCount: Int { bytes.byteCount - offset }

    private func require(_ byteCount: Int) throws(ArtefactError) {
        guard byteCount <= remainingByteCount else {
            throw .truncated(
                what: "the structure, at its byte \(offset),",
                expectedByteCount: UInt64(byteCount),
                foundByteCount: UInt64(remainingByteCount)
            )
        }
    }

    @_lifetime(self: copy self)
    mutating func skip(_ byteCount: Int) throws(ArtefactError) {
        try require(byteCount)
        offset += byteCount
    }

    @_lifetime(self: copy self)
    mutating func read<Value: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>()
        throws(ArtefactError) -> Value
    {
        let byteCount = MemoryLayout<Value>.size
        try require(byteCount)
        // SAFETY: the bytes are there, and every bit pattern is a number.
        let value = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: Value.self)
        offset += byteCount
        return Value(littleEndian: value)
    }

    @_lifetime(self: copy self)
    mutating func readInt() throws(ArtefactError) -> Int {
        let bits: UInt64 = try read()
        return Int(Int64(bitPattern: bits))
    }

    @_lifetime(self: copy self)
    mutating func readFloat() throws(ArtefactError) -> Float {
        Float(bitPattern: try read())
    }

    /// A number of things that follow, each of at least so many bytes.
    @_lifetime(self: copy self)
    mutating func readCount(elementByteCount: Int) throws(ArtefactError) -> Int {
        let count: UInt32 = try read()
        guard Int(count) <= remainingByteCount / elementByteCount else {
            throw .truncated(
                what: "a list of \(count) things in the structure",
                expectedByteCount: UInt64(count) * UInt64(elementByteCount),
                foundByteCount: UInt64(remainingByteCount)
            )
        }
        return Int(count)
    }

    @_lifetime(self: copy self)
    mutating func readBytes() throws(ArtefactError) -> [UInt8] {
        let count = try readCount(elementByteCount: 1)
        let slice = bytes.extracting(offset..<offset + count)
        offset += count
        return slice.prefixBytes(count)
    }

    @_lifetime(self: copy self)
    mutating func readText() throws(ArtefactError) -> String {
        let start = offset
        guard let text = String(validating: try readBytes(), as: UTF8.self) else {
            throw .invalid("expected a text at byte \(start) of the structure, found other bytes")
        }
        return text
    }

    /// One of a few kinds.
    @_lifetime(self: copy self)
    mutating func readTag(_ what: String, upTo last: UInt8) throws(ArtefactError) -> UInt8 {
        let tag: UInt8 = try read()
        guard tag <= last else { throw .invalid("expected \(what) up to \(last), found \(tag)") }
        return tag
    }
}

extension RawSpan {
    /// A copy of the first bytes, or of all if there are fewer.
    func prefixBytes(_ count: Int) -> [UInt8] {
        // SAFETY: the bytes are copied during the call.
        unsafe withUnsafeBytes { unsafe Array($0.prefix(count)) }
    }
}
