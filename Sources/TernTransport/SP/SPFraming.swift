/// How messages are delimited on a stream.
package enum SPFraming: Sendable {
    /// On UNIX sockets: an octet 1, then the length, 64 bits, big-endian.
    case ipc
    /// On TCP: the length, 64 bits, big-endian.
    case tcp

    /// The largest of all header lengths.
    package static let maximumHeaderByteCount = 9

    /// The bytes before each message.
    package var headerByteCount: Int { self == .ipc ? 9 : 8 }

    /// Reads the length of the message that begins `bytes`: everything behind the header, that is
    /// backtrace and frame.
    ///
    /// - Parameter bytes: What has arrived.
    /// - Returns: `nil` if the header isn't complete.
    /// - Throws: ``SPError/badMessageType(_:)``.
    package func messageByteCount(in bytes: RawSpan) throws(SPError) -> UInt64? {
        if self == .ipc, bytes.byteCount > 0, bytes.byte(at: 0) != 1 {
            throw .badMessageType(bytes.byte(at: 0))
        }
        guard bytes.byteCount >= headerByteCount else { return nil }
        return bytes.bigEndianUInt64(at: headerByteCount - 8)
    }
}

extension MessageBuffer {
    /// Writes what precedes this frame on the wire into the headroom: header, then the address.
    ///
    /// - Parameters:
    ///   - framing: The kind of stream it will leave on.
    ///   - address: For a request its id alone; for a reply the words of its request.
    /// - Returns: How many bytes were written; they end where the frame begins.
    package mutating func writePrefix(framing: SPFraming, address: ReplyAddress) -> Int {
        let prefixByteCount = framing.headerByteCount + address.wordCount * 4
        precondition(prefixByteCount <= Self.prefixByteCount)
        let message = UInt64(address.wordCount * 4 + byteCount)
        // SAFETY: at most 9 + 16 * 4 bytes before the frame, of at least 132.
        var cursor = unsafe frameAddress - prefixByteCount
        if framing == .ipc {
            unsafe cursor.storeBytes(of: 1, as: UInt8.self)
            unsafe cursor += 1
        }
        unsafe cursor.storeBytes(of: message.bigEndian, as: UInt64.self)
        unsafe cursor += 8
        for index in 0..<address.wordCount {
            unsafe cursor.storeBytes(of: address.words[index].bigEndian, as: UInt32.self)
            unsafe cursor += 4
        }
        return prefixByteCount
    }
}

extension RawSpan {
    /// The byte at `offset`, which must be inside.
    @inlinable
    package func byte(at offset: Int) -> UInt8 {
        precondition(offset >= 0 && offset < byteCount)
        // SAFETY: the offset is checked above, and every bit pattern is a valid UInt8.
        return unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    /// Reads a big-endian integer at any alignment.
    ///
    /// - Precondition: Four bytes are available at `offset`.
    @inlinable
    package func bigEndianUInt32(at offset: Int) -> UInt32 {
        precondition(offset >= 0 && byteCount - offset >= 4)
        // SAFETY: the range is checked above, and every bit pattern is a valid UInt32.
        let raw = unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self)
        return UInt32(bigEndian: raw)
    }

    /// Reads a big-endian integer at any alignment.
    ///
    /// - Precondition: Eight bytes are available at `offset`.
    @inlinable
    package func bigEndianUInt64(at offset: Int) -> UInt64 {
        precondition(offset >= 0 && byteCount - offset >= 8)
        // SAFETY: the range is checked above, and every bit pattern is a valid UInt64.
        let raw = unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
        return UInt64(bigEndian: raw)
    }
}
