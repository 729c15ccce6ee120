import Testing
import TransportTestSupport

@testable import TernTransport

private func head(
    _ bytes: [UInt8],
    framing: SPFraming = .ipc,
    side: SPProtocol = .reply,
    limit: UInt64 = 1 << 32
) throws(SPError) -> SPMessageHead? {
    try SPMessageHead.parse(
        bytes.raw,
        framing: framing,
        side: side,
        skipByteCountLimit: limit
    )
}

private func header(_ framing: SPFraming, _ length: UInt64) -> [UInt8] {
    let length = (0..<8).map { UInt8(truncatingIfNeeded: length >> (56 - 8 * $0)) }
    return (framing == .ipc ? [1] : []) + length
}

private func words(_ words: [UInt32]) -> [UInt8] {
    words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) } }
}

@Suite struct HandshakeTests {
    @Test func `each side's handshake is eight bytes that name it`() {
        let request = SPHandshake.bytes(of: .request)
        let reply = SPHandshake.bytes(of: .reply)
        #expect(request.indices.map { request[$0] } == [0, 0x53, 0x50, 0, 0, 0x30, 0, 0])
        #expect(reply.indices.map { reply[$0] } == [0, 0x53, 0x50, 0, 0, 0x31, 0, 0])
    }

    @Test(arguments: 0..<8)
    func `a handshake cut short is waited for`(_ available: Int) throws {
        let bytes = Array([0, 0x53, 0x50, 0, 0, 0x30, 0, 0][..<available]) as [UInt8]
        #expect(try !SPHandshake.check(bytes.raw, isFrom: .request))
    }

    @Test(arguments: [0, 1, 2, 3, 6, 7])
    func `a stranger is recognised by its first wrong byte`(_ index: Int) {
        var bytes: [UInt8] = [0, 0x53, 0x50, 0, 0, 0x30, 0, 0]
        bytes[index] ^= 0x41
        #expect(throws: SPError.notSP) {
            try SPHandshake.check(Array(bytes[...index]).raw, isFrom: .request)
        }
    }

    @Test func `a peer of another pattern is told apart from a stranger`() {
        let publisher: [UInt8] = [0, 0x53, 0x50, 0, 0, 0x20, 0, 0]
        #expect(throws: SPError.wrongProtocol(expected: 0x30, found: 0x20)) {
            try SPHandshake.check(publisher.raw, isFrom: .request)
        }
    }
}

@Suite struct MessageHeadTests {
    @Test(arguments: [SPFraming.ipc, .tcp], 0...15)
    func `a head is understood once it is complete, over any number of hops`(
        _ framing: SPFraming,
        _ hops: Int
    ) throws {
        let address = (0..<hops).map { UInt32($0) * 7 + 1 } + [0x8000_1234]
        let bytes = header(framing, UInt64(address.count * 4 + 100)) + words(address)
        for available in 0..<bytes.count {
            #expect(try head(Array(bytes[..<available]), framing: framing) == nil)
        }
        let head = try #require(try head(bytes, framing: framing))
        #expect(head.byteCount == bytes.count)
        #expect(head.frameByteCount == 100)
        #expect(head.requestID == 0x8000_1234)
        #expect((0..<head.address.wordCount).map { head.address.words[$0] } == address)
    }

    @Test func `more than fifteen hops are refused before the request id is there`() {
        let bytes = header(.tcp, 1000) + words(Array(repeating: 1, count: 16))
        #expect(throws: SPError.tooManyHops(limit: 15)) { try head(bytes, framing: .tcp) }
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func `a message too short for a request id is refused by its length`(_ length: UInt64) {
        #expect(throws: SPError.messageTooShort(byteCount: length)) {
            try head(header(.ipc, length))
        }
    }

    @Test(arguments: [4, 5, 6, 7, 8, 11] as [UInt64])
    func `a backtrace that never ends is refused`(_ length: UInt64) {
        let bytes = header(.ipc, length) + words(Array(repeating: 5, count: Int(length / 4)))
        #expect(throws: SPError.backtraceWithoutEnd) { try head(bytes) }
    }

    @Test(arguments: [1 << 63, .max, (1 << 32) + 1] as [UInt64])
    func `a length beyond all reason is refused by its length`(_ length: UInt64) {
        #expect(throws: SPError.absurdLength(byteCount: length, limit: 1 << 32)) {
            try head(header(.tcp, length), framing: .tcp)
        }
    }

    @Test(arguments: [0, 2, 0xFF] as [UInt8])
    func `a wrong message type is refused by its first byte`(_ type: UInt8) {
        #expect(throws: SPError.badMessageType(type)) { try head([type]) }
    }

    @Test func `the asking side takes nothing but a request id`() throws {
        let bytes = header(.tcp, 12) + words([7, 0x8000_0001])
        #expect(throws: SPError.notARequestID(7)) {
            try head(bytes, framing: .tcp, side: .request)
        }
        let reply = try #require(
            try head(header(.tcp, 4) + words([0xFFFF_FFFF]), framing: .tcp, side: .request)
        )
        #expect(reply.requestID == 0xFFFF_FFFF)
        #expect(reply.frameByteCount == 0)
    }

    @Test(arguments: [SPFraming.ipc, .tcp], [1, 2, 16])
    func `what a reply is prefixed with is what its request was`(
        _ framing: SPFraming,
        _ wordCount: Int
    ) {
        let pool = BufferPool(limitByteCount: 1 << 20)
        guard var message = pool.message([1, 2, 3]) else { return }
        let address = (1..<wordCount).map { UInt32($0) } + [0x8000_0000]
        var replyAddress = ReplyAddress()
        for word in address { _ = replyAddress.append(word) }
        let count = message.writePrefix(framing: framing, address: replyAddress)
        let prefix = unsafe Array(
            UnsafeRawBufferPointer(start: message.frameAddress - count, count: count + 3)
        )
        let expected = header(framing, UInt64(wordCount * 4 + 3)) + words(address) + [1, 2, 3]
        #expect(prefix == expected)
    }

    @Test func `request ids have the top bit and pass over those in use`() {
        var ids = SPRequestIDs(startingAt: 0x7FFF_FFFE)
        let taken = [
            ids.take { _ in false }, ids.take { _ in false }, ids.take { $0 == 0x8000_0000 },
        ]
        #expect(taken == [0xFFFF_FFFE, 0xFFFF_FFFF, 0x8000_0001])
    }
}

@Suite struct InboundTests {
    /// What a stream of messages came to.
    private struct Reading: Equatable {
        var handshakes = 0
        var frames: [[UInt8]] = []
        var skipped = 0
    }

    /// Reads `bytes` in two pieces, split at `split`; frames whose first byte is 9 are skipped.
    private func read(
        _ bytes: [UInt8],
        splitAt split: Int,
        skipLonger limit: UInt64
    ) throws
        -> Reading
    {
        var inbound = SPInbound(framing: .ipc, side: .reply)
        var reading = Reading()
        var buffer: [UInt8] = []
        var frame: [UInt8] = []
        for piece in [bytes[..<split], bytes[split...]] {
            buffer += piece
            loop: while true {
                switch try inbound.next(in: buffer.raw) {
                case .needMore: break loop
                case .handshake(let count):
                    reading.handshakes += 1
                    buffer.removeFirst(count)
                case .head(let head):
                    if head.frameByteCount > limit {
                        inbound.skipFrame(head)
                    } else {
                        inbound.acceptFrame(head)
                        frame = []
                    }
                    buffer.removeFirst(head.byteCount)
                case .frame(let count):
                    frame += buffer[..<count]
                    buffer.removeFirst(count)
                case .frameEnd:
                    reading.frames.append(frame)
                case .skip(let count):
                    reading.skipped += count
                    buffer.removeFirst(count)
                }
            }
        }
        return reading
    }

    @Test func `the same messages are found wherever the stream is split`() throws {
        let handshake: [UInt8] = [0, 0x53, 0x50, 0, 0, 0x30, 0, 0]
        let first = header(.ipc, 9) + words([0x8000_0001]) + [1, 2, 3, 4, 5]
        let empty = header(.ipc, 8) + words([3, 0x8000_0002])
        let long = header(.ipc, 24) + words([0x8000_0003]) + Array(repeating: 9, count: 20)
        let last = header(.ipc, 5) + words([0x8000_0004]) + [6]
        let bytes = handshake + first + empty + long + last
        let expected = Reading(handshakes: 1, frames: [[1, 2, 3, 4, 5], [], [6]], skipped: 20)
        for split in 0...bytes.count {
            #expect(try read(bytes, splitAt: split, skipLonger: 10) == expected)
        }
    }

    @Test func `frame bytes that arrive directly count like those from the buffer`() throws {
        var inbound = SPInbound(framing: .tcp, side: .request)
        let handshake: [UInt8] = [0, 0x53, 0x50, 0, 0, 0x31, 0, 0]
        _ = try inbound.next(in: handshake.raw)
        let bytes = header(.tcp, 14) + words([0x8000_0001])
        guard case .head(let head) = try inbound.next(in: bytes.raw) else {
            Issue.record("no head")
            return
        }
        inbound.acceptFrame(head)
        inbound.frameBytesArrived(4)
        #expect(inbound.frameBytesLeft == 6)
        inbound.frameBytesArrived(6)
        let nothing: [UInt8] = []
        guard case .frameEnd = try inbound.next(in: nothing.raw) else {
            Issue.record("the frame did not end")
            return
        }
        #expect(inbound.frameBytesLeft == nil)
    }
}
