import Testing
import TransportTestSupport

@testable import TernTransport

private let handshake: [UInt8] = [0, 0x53, 0x50, 0, 0, 0x30, 0, 0]
private let answer: [UInt8] = [0, 0x53, 0x50, 0, 0, 0x31, 0, 0]

/// A message as it stands on a UNIX socket.
private func message(_ id: UInt8, _ body: [UInt8]) -> [UInt8] {
    let length = UInt32(4 + body.count)
    let bytes = (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) }
    return [1, 0, 0, 0, 0] + bytes + [0x80, 0, 0, id] + body
}

/// A server with connections that the test plays the peer of.
private final class Stage {
    let server: StreamServer
    let buffers: BufferPool

    init(
        _ receiver: any RequestReceiver,
        limits: TransportLimits = TransportLimits(),
        memoryByteCount: Int = 1 << 30
    ) {
        buffers = BufferPool(limitByteCount: memoryByteCount)
        server = StreamServer(receiver: receiver, buffers: buffers, limits: limits)
    }

    func connect() -> ScriptedStream {
        let stream = ScriptedStream(framing: .ipc)
        server.serve(stream)
        return stream
    }
}

@Suite struct StreamServerTests {
    @Test func `requests are found wherever their bytes are cut`() {
        let requests =
            message(1, [1, 2, 3]) + message(2, []) + message(3, Array(repeating: 9, count: 40))
        let bytes = handshake + requests
        for cut in 0...bytes.count {
            let stage = Stage(EchoReceiver())
            let stream = stage.connect()
            stream.arrive(Array(bytes[..<cut]))
            stream.arrive(Array(bytes[cut...]))
            #expect(stream.takeAll() == answer + requests)
            #expect(stage.server.unansweredCount == 0)
            #expect(stage.buffers.byteCountInUse == 0)
        }
    }

    @Test func `a large request is announced while it arrives, a small or slow one is not`() {
        let receiver = EchoReceiver()
        let stage = Stage(receiver)
        let stream = stage.connect()
        stream.arrive(handshake + message(1, Array(repeating: 5, count: 1000)))
        let large = message(2, Array(repeating: 7, count: 20_000))
        #expect(receiver.arrivingPartCount == 0)
        stream.arrive(Array(large[..<5000]))
        stream.arrive(Array(large[5000..<5100]))
        #expect(receiver.arrivingPartCount == 1)
        stream.arrive(Array(large[5100..<12_000]))
        #expect(receiver.arrivingPartCount == 2)
        stream.arrive(Array(large[12_000...]))
        #expect(receiver.arrivingPartCount == 2)
        #expect(stream.takeAll().suffix(large.count) == large[...])
    }

    @Test(arguments: [1, 2, 7, 64])
    func `requests that trickle in by few bytes are the same`(_ step: Int) {
        let stage = Stage(EchoReceiver())
        let stream = stage.connect()
        let requests = message(1, Array(1...20)) + message(2, [7]) + message(3, Array(1...99))
        let bytes = handshake + requests
        for start in stride(from: 0, to: bytes.count, by: step) {
            stream.arrive(Array(bytes[start..<min(start + step, bytes.count)]))
        }
        #expect(stream.takeAll() == answer + requests)
    }

    @Test(arguments: [1, 3, 13, 14, 50])
    func `what the system takes by pieces leaves complete and in order`(_ piece: Int) {
        let stage = Stage(EchoReceiver())
        let stream = stage.connect()
        let requests = (0..<30).map { message($0, Array(repeating: $0, count: Int($0))) }
        stream.arrive(handshake + requests.flatMap { $0 })
        while stream.takeWrite(upToByteCount: piece) {}
        #expect(stream.takeAll() == answer + requests.flatMap { $0 })
        #expect(stage.server.unansweredCount == 0)
    }

    @Test func `a reply is owed until its last byte has been taken`() {
        let stage = Stage(EchoReceiver())
        let stream = stage.connect()
        _ = stream.takeAll()
        stream.arrive(handshake + message(1, [1, 2, 3]))
        #expect(stage.server.unansweredCount == 1)
        stream.takeWrite(upToByteCount: 15)
        #expect(stage.server.unansweredCount == 1)
        stream.takeWrite(upToByteCount: 1)
        #expect(stage.server.unansweredCount == 0)
        #expect(stage.server.counters.counts.replyCount == 1)
    }

    @Test func `replies that queue behind a write leave together`() {
        let stage = Stage(EchoReceiver())
        let stream = stage.connect()
        _ = stream.takeAll()
        let before = stream.writeCount
        stream.arrive(handshake + (1...17).flatMap { message($0, [$0]) })
        _ = stream.takeAll()
        // The first alone, then eight at a time.
        #expect(stream.writeCount - before == 3)
    }

    @Test func `no reply overtakes the handshake`() {
        let stage = Stage(EchoReceiver())
        let stream = stage.connect()
        stream.arrive(handshake + message(1, [5]))
        stream.takeWrite(upToByteCount: 3)
        #expect(stream.takeAll() == answer + message(1, [5]))
    }

    @Test func `a long frame is read straight to where it lives, with what follows it`() {
        let receiver = HoldingReceiver()
        let stage = Stage(receiver)
        let stream = stage.connect()
        let body = (0..<500_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        stream.arrive(handshake + message(1, body) + message(2, [1]) + message(3, body))
        #expect(receiver.held.map(\.bytes) == [body, [1], body])
        #expect(receiver.held.map { $0.frameAddress % 64 } == [4, 4, 4])
    }

    @Test func `a peer that lets replies pile up is parted with, and nothing is owed`() {
        let limits = TransportLimits(replyByteCountPerConnection: 10_000)
        let stage = Stage(EchoReceiver(), limits: limits)
        let deaf = stage.connect()
        let other = stage.connect()
        let arrived = deaf.arrive(handshake + (0..<200).flatMap { message($0, [$0]) })
        #expect(arrived == 8 + 200 * 14)
        #expect(deaf.hasEnded)
        #expect(stage.server.unansweredCount == 0)
        #expect(stage.buffers.byteCountInUse == 0)
        #expect(stage.server.counters.counts.sendStallCount == 1)
        other.arrive(handshake + message(1, [1]))
        #expect(other.takeAll() == answer + message(1, [1]))
    }

    @Test func `a frame that is turned away is announced once its header is there`() {
        let limits = TransportLimits(frameByteCount: 100)
        let stage = Stage(EchoReceiver(), limits: limits)
        let stream = stage.connect()
        let long = message(1, Array(repeating: 7, count: 1000))
        stream.arrive(handshake + long.prefix(13 + 63))
        #expect(stream.takeAll() == answer)
        stream.arrive([long[13 + 63]])
        let refusal = Array("too large 1000>100:".utf8) + Array(repeating: 7, count: 64)
        #expect(stream.takeAll() == message(1, refusal))
        stream.arrive(long.dropFirst(13 + 64) + message(2, [5]))
        #expect(stream.takeAll() == message(2, [5]))
        #expect(stage.buffers.byteCountInUse == 0)
    }

    @Test func `nothing is read after a peer has broken the protocol`() {
        let receiver = HoldingReceiver()
        let stage = Stage(receiver)
        let stream = stage.connect()
        stream.arrive(handshake + message(1, [1]) + [2] + message(2, [2]))
        #expect(receiver.held.count == 1)
        #expect(stream.hasEnded)
        #expect(receiver.closedConnections == [receiver.held[0].connection])
        receiver.held[0].echo()
        #expect(stage.server.unansweredCount == 0)
        #expect(stage.server.counters.counts.droppedReplyCount == 1)
    }

    @Test func `a peer that goes in the middle of a frame takes its memory along`() {
        let stage = Stage(HoldingReceiver())
        let stream = stage.connect()
        stream.arrive(handshake + message(1, Array(repeating: 1, count: 5000)).prefix(100))
        #expect(stage.buffers.byteCountInUse > 0)
        stream.disconnect()
        #expect(stage.buffers.byteCountInUse == 0)
        #expect(stage.server.unansweredCount == 0)
    }

    @Test func `a stranger is not reported to the receiver, and is counted`() {
        let receiver = HoldingReceiver()
        let stage = Stage(receiver)
        let stream = stage.connect()
        stream.arrive(Array("GET".utf8))
        #expect(stream.hasEnded)
        #expect(receiver.closedConnections == [])
        let counts = stage.server.counters.counts
        #expect(counts.protocolErrorCount == 1)
        #expect(counts.freedConnectionCount == 1)
    }

    @Test func `an accept that fails is followed by another, after a pause`() {
        let stage = Stage(EchoReceiver())
        let listener = ScriptedListener()
        stage.server.add(listener)
        #expect(listener.acceptCount == 1)
        stage.server.acceptCompleted(.failure(.outOfDescriptors), by: listener)
        let now = MonotonicClock.nanoseconds
        stage.server.sweep(at: now - StreamServer.acceptPauseNanoseconds)
        #expect(listener.acceptCount == 1)
        stage.server.sweep(at: now + StreamServer.acceptPauseNanoseconds)
        #expect(listener.acceptCount == 2)
        stage.server.sweep(at: now + 10 * StreamServer.acceptPauseNanoseconds)
        #expect(listener.acceptCount == 2)
        stage.server.acceptCompleted(.success(ScriptedStream(framing: .ipc)), by: listener)
        #expect(listener.acceptCount == 3)
        stage.server.acceptCompleted(.failure(.reset), by: listener)
        stage.server.stopAccepting()
        stage.server.sweep(at: now + 100 * StreamServer.acceptPauseNanoseconds)
        #expect(listener.acceptCount == 3)
        #expect(listener.isClosed)
    }

    @Test func `as many accepts are out as the listener can have`() {
        let stage = Stage(EchoReceiver())
        let listener = ScriptedListener(acceptLimit: 3)
        stage.server.add(listener)
        #expect(listener.acceptCount == 3)
        stage.server.acceptCompleted(.success(ScriptedStream(framing: .tcp)), by: listener)
        #expect(listener.acceptCount == 4)
        stage.server.stopAccepting()
    }

    @Test func `a connection that comes too late is not served`() {
        let stage = Stage(EchoReceiver())
        stage.server.stopAccepting()
        let stream = stage.connect()
        #expect(stream.takeAll() == [])
        #expect(stage.server.counters.counts.refusedConnectionCount == 1)
        #expect(stage.server.connectionCount == 0)
    }

    @Test func `a shutdown ends every connection and can be repeated`() {
        let stage = Stage(EchoReceiver())
        let streams = (0..<5).map { _ in stage.connect() }
        #expect(stage.server.shutdown(waitingAtMost: 1_000_000_000))
        #expect(streams.allSatisfy { $0.hasEnded })
        #expect(stage.server.shutdown(waitingAtMost: 1_000_000_000))
        #expect(stage.server.connectionCount == 0)
    }
}

/// A listener that counts what it is asked for.
private final class ScriptedListener: ByteStreamListener, @unchecked Sendable {
    let endpoint = Endpoint.ipc(path: "nowhere")
    let acceptLimit: Int
    private(set) var acceptCount = 0
    private(set) var isClosed = false

    init(acceptLimit: Int = 1) { self.acceptLimit = acceptLimit }

    func accept() -> Bool {
        guard !isClosed else { return false }
        acceptCount += 1
        return true
    }

    func close() { isClosed = true }
}
