// The only place where the bytes of a frame become numbers, and numbers bytes. Every offset is
// checked here, so a wrong one is a trap and never a read beyond the frame.

extension RawSpan {
    /// Reads a little-endian integer at any alignment.
    ///
    /// - Precondition: Its bytes are available at `offset`.
    @inlinable
    package func littleEndian<Number: FixedWidthInteger & BitwiseCopyable>(
        at offset: Int,
        as type: Number.Type = Number.self
    ) -> Number {
        let width = MemoryLayout<Number>.size
        precondition(
            offset >= 0 && byteCount >= width && offset <= byteCount - width,
            "a number was read outside its frame"
        )
        // SAFETY: the range is checked above, and every bit pattern is a valid integer.
        return Number(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: type))
    }

    /// Reads the byte at `offset`.
    ///
    /// - Precondition: There is one.
    @inlinable
    package func byte(at offset: Int) -> UInt8 { littleEndian(at: offset) }

    /// Tells whether `other` holds the same bytes.
    package func hasSameBytes(as other: RawSpan) -> Bool {
        guard byteCount == other.byteCount else { return false }
        var offset = 0
        while byteCount - offset >= 8 {
            let left: UInt64 = littleEndian(at: offset)
            guard left == other.littleEndian(at: offset, as: UInt64.self) else { return false }
            offset += 8
        }
        while offset < byteCount {
            guard byte(at: offset) == other.byte(at: offset) else { return false }
            offset += 1
        }
        return true
    }

    /// Tells whether the bytes spell `text` in UTF-8; allocates nothing for a native string.
    package func spells(_ text: String) -> Bool {
        // SAFETY: only asks for the bytes of code units, which are bytes.
        hasSameBytes(as: unsafe text.utf8Span.span.bytes)
    }
}

extension MutableRawSpan {
    /// Writes a little-endian integer at any alignment.
    ///
    /// - Precondition: Its bytes are available at `offset`.
    @inlinable
    package mutating func storeLittleEndian<Number: FixedWidthInteger & BitwiseCopyable>(
        _ number: Number,
        at offset: Int
    ) {
        storeBytes(of: number.littleEndian, toByteOffset: offset, as: Number.self)
    }

    /// Copies all of `source` to `offset`.
    ///
    /// - Precondition: There is room.
    package mutating func copyBytes(from source: RawSpan, at offset: Int) {
        precondition(
            offset >= 0 && offset <= byteCount && source.byteCount <= byteCount - offset,
            "bytes were written outside their frame"
        )
        guard source.byteCount > 0 else { return }
        // SAFETY: both ranges are in bounds, and a mutable span never overlaps another view.
        unsafe withUnsafeMutableBytes { target in
            unsafe source.withUnsafeBytes { source in
                unsafe UnsafeMutableRawBufferPointer(rebasing: target[offset...])
                    .copyMemory(from: source)
            }
        }
    }

    /// Zeroes the bytes of `range`.
    ///
    /// - Precondition: The range is within the span.
    package mutating func zero(_ range: Range<Int>) {
        for offset in range { storeBytes(of: 0, toByteOffset: offset, as: UInt8.self) }
    }
}
