import TernWire
import Testing

struct FrameHeaderTests {
    private let request = Vector.valid(named: "server-ready-request").frame

    @Test(arguments: 0..<FrameHeader.byteCount)
    func `a header cut short reports how much is missing`(_ available: Int) {
        let cut = Array(request[..<available])
        #expect(throws: WireError(.frameTruncated, at: 0, expected: 60, found: available)) {
            try FrameHeader(decoding: unsafe cut.span.bytes)
        }
    }

    @Test func `a header can be read before the rest of the frame is there`() throws {
        let frame = Vector.valid(named: "infer-request").frame
        let prefix = Array(frame[..<FrameHeader.byteCount])
        let header = try FrameHeader(decoding: unsafe prefix.span.bytes)
        #expect(header.frameByteCount == frame.count)
        #expect(header.kind == .modelInfer)
        #expect(!header.isReply)
    }

    @Test func `a frame as long as the limit is accepted, a byte more is not`() throws {
        var limits = WireLimits()
        limits.frameByteCount = 100
        var frame = request
        frame[0] = 100
        _ = try FrameHeader(decoding: unsafe frame.span.bytes, limits: limits)
        frame[0] = 101
        #expect(throws: WireError(.frameTooLarge, at: 0, expected: 100, found: 101)) {
            try FrameHeader(decoding: unsafe frame.span.bytes, limits: limits)
        }
    }

    @Test func `the status of a reply is found without looking at its fields`() throws {
        let frame = Vector.valid(named: "error-overloaded").frame
        let prefix = Array(frame[..<FrameHeader.byteCount])
        let header = try FrameHeader(decoding: unsafe prefix.span.bytes)
        #expect(header.status == .resourceExhausted)
        #expect(header.microseconds == 1800)
    }

    @Test func `an error reply can be addressed from 32 bytes of a later version`() {
        var frame = request
        frame[12] = 9
        frame[14] = 200
        let prefix = Array(frame[..<32])
        let envelope = ReplyEnvelope(readingFrom: unsafe prefix.span.bytes)
        #expect(envelope.kindCode == 200)
        #expect(envelope.correlationID == .max)
    }

    @Test(arguments: [0, 1, 31])
    func `too few bytes are answered without kind and correlation id`(_ available: Int) {
        let prefix = Array(request[..<available])
        let envelope = ReplyEnvelope(readingFrom: unsafe prefix.span.bytes)
        #expect(envelope.kindCode == 0)
        #expect(envelope.correlationID == 0)
    }

    @Test func `the reply to another version says which one is spoken`() {
        let reply = ErrorReply(WireError(.versionUnsupported, at: 12, expected: 1, found: 9))
        #expect(reply.code == .unimplemented)
        #expect(reply.supportedVersions == [1])
        #expect(reply.found == "9")
    }

    @Test func `every single bit of a header matters or is ignored on purpose`() throws {
        let original = try FrameHeader(decoding: unsafe request.span.bytes)
        for bit in 0..<FrameHeader.byteCount * 8 {
            var changed = request
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            let header = try? FrameHeader(decoding: unsafe changed.span.bytes)
            let isIgnorable = bit / 8 == 17
            #expect((header == original) == isIgnorable, "bit \(bit)")
        }
    }
}
