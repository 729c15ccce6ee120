extension RawSpan {
    /// The byte at `offset`.
    ///
    /// - Precondition: There is one.
    internal func byte(at offset: Int) -> UInt8 {
        precondition(offset >= 0 && offset < byteCount, "a byte was read outside its bytes")
        // SAFETY: the range is checked above, and every bit pattern is a valid UInt8.
        return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
    }

    /// Whether these bytes are exactly those of `other`.
    internal func hasSameBytes(as other: [UInt8]) -> Bool {
        guard byteCount == other.count else { return false }
        for offset in 0..<byteCount where byte(at: offset) != other[offset] { return false }
        return true
    }

    /// The bytes as text; those that are not UTF-8 are replaced. Allocates: not for the hot path.
    internal var text: String {
        unsafe withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }
}
