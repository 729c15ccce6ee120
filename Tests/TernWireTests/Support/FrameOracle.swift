import TernWire

/// What must hold for any bytes whatever; stops the process where it doesn't.
///
/// Shared by the fuzzer and by the tests that replay what it found.
enum FrameOracle {
    /// Decodes `input` with every decoder that its header selects.
    ///
    /// An accepted frame encodes to one that decodes to the same again, and to the very same bytes if
    /// nothing in it was skipped. A refused frame gets an error reply that can be read.
    static func check(_ input: UnsafeRawBufferPointer) {
        // SAFETY: the caller keeps the memory alive, and nothing of it leaves this call.
        let frame = unsafe input.bytes
        let envelope = ReplyEnvelope(readingFrom: frame)
        do throws(WireError) {
            let encoded = try DecodedFrame(frame).encoded()
            let again = try DecodedFrame(unsafe encoded.span.bytes).encoded()
            precondition(encoded == again, "a frame changed when it was encoded a second time")
            try checkNothingLost(frame, encoded)
        } catch {
            let reply = ErrorReply(error)
            let encoded = reply.encoded(to: envelope)
            let readBack = try? ErrorReply(decoding: unsafe encoded.span.bytes)
            precondition(readBack == reply, "an error reply could not be read back")
        }
    }

    /// Does the same with `input` after repairing what mutation nearly always breaks: the length of
    /// the frame, magic and version.
    static func checkRepaired(_ input: UnsafeRawBufferPointer) {
        guard input.count >= FrameHeader.byteCount else { return }
        // Exactly as long as the frame, so that the address sanitizer sees any read beyond it.
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: input.count, alignment: 1)
        defer { unsafe copy.deallocate() }
        unsafe copy.copyMemory(from: input)
        unsafe copy.storeBytes(of: UInt64(input.count).littleEndian, as: UInt64.self)
        unsafe copy.storeBytes(
            of: FrameHeader.magic.littleEndian,
            toByteOffset: 8,
            as: UInt32.self
        )
        unsafe copy.storeBytes(
            of: FrameHeader.version.littleEndian,
            toByteOffset: 12,
            as: UInt16.self
        )
        unsafe check(UnsafeRawBufferPointer(copy))
    }

    /// A frame whose fields are as long encoded as they were received has none that were skipped; it
    /// must not differ but in the flags that readers ignore, which are in byte 17.
    private static func checkNothingLost(_ frame: RawSpan, _ encoded: [UInt8]) throws(WireError) {
        let encodedFrame = unsafe encoded.span.bytes
        let received = try FrameHeader(decoding: frame)
        let written = try FrameHeader(decoding: encodedFrame)
        guard received.fieldsByteCount == written.fieldsByteCount else { return }
        precondition(
            frame.byteCount == encoded.count,
            "a frame has another length when it is encoded again"
        )
        for offset in encoded.indices where offset != 17 {
            precondition(
                encoded[offset] == frame.byte(at: offset),
                "a frame has other bytes when it is encoded again"
            )
        }
    }
}
