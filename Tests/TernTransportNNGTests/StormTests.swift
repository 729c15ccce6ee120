import TernTransport
import TernTransportNNG
import Testing
import TransportTestSupport

/// Answers requests on threads of its own, in no particular order.
private final class ThreadedReceiver: RequestReceiver {
    private struct State {
        var waiting: [HoldingReceiver.Held] = []
        var isFinished = false
        var random = SystemRandomNumberGenerator()
    }

    private let state = Monitor(State())
    private let seen = Locked<Set<ConnectionID>>([])
    private let closed = Locked<Set<ConnectionID>>([])
    private let afterClose = Locked(0)

    func receive(_ request: consuming IncomingRequest) {
        let connection = request.connection
        if closed.withLock({ $0.contains(connection) }) { afterClose.withLock { $0 += 1 } }
        seen.withLock { _ = $0.insert(connection) }
        let held = HoldingReceiver.Held(request)
        state.withLock { $0.waiting.append(held) }
        state.signalAll()
    }

    func frame(for refusal: TransportRefusal, prefix: RawSpan) -> MessageBuffer? { nil }

    func connectionClosed(_ connection: ConnectionID) {
        closed.withLock { _ = $0.insert(connection) }
    }

    /// Requests that came after their connection's end had been reported.
    var lateCount: Int { afterClose.withLock { $0 } }

    /// Whether the end of every connection that sent a request was reported.
    ///
    /// A peer that resets at once may take even its handshake back; nothing is reported of it.
    var heardOfEveryEnd: Bool { seen.withLock { $0 }.isSubset(of: closed.withLock { $0 }) }

    func finish() {
        state.withLock { $0.isFinished = true }
        state.signalAll()
    }

    func answerUntilFinished() {
        while true {
            let next: HoldingReceiver.Held?? = state.wait(until: .max / 2) { state in
                guard !state.waiting.isEmpty else { return state.isFinished ? .some(nil) : nil }
                let index = Int.random(in: state.waiting.indices, using: &state.random)
                return state.waiting.remove(at: index)
            }
            guard let held = next ?? nil else { return }
            held.echo()
        }
    }
}

@Suite(.serialized) struct StormTests {
    /// Connects, asks, hears some of the answers and goes, in one of several ways.
    private static func visit(_ fixture: Fixture, seed: Int) throws {
        let peer = try fixture.rawPeer()
        try peer.handshake()
        let requests = seed % 7 + 1
        let body = [UInt8](repeating: UInt8(seed % 256), count: [10, 3000, 90_000][seed % 3])
        for id in 0..<requests {
            try peer.send(peer.request([0x8000_0000 | UInt32(id)], body))
        }
        for _ in 0..<(seed % (requests + 1)) {
            guard let reply = try peer.receiveMessage() else {
                throw RawPeer.Failure(description: "the server closed")
            }
            guard Array(reply.dropFirst(4)) == body else {
                throw RawPeer.Failure(description: "a reply has another's bytes")
            }
        }
        peer.close(resetting: seed % 2 == 0)
    }

    @Test(arguments: World.sockets)
    func `replies from many threads to peers that come and go go nowhere else`(
        _ world: World
    ) throws {
        let receiver = ThreadedReceiver()
        let fixture = try Fixture(world, receiver: receiver)
        let failures = Locked<[String]>([])
        runOnThreads(8) { thread in
            guard thread >= 5 else {
                for round in 0..<12 {
                    do {
                        try Self.visit(fixture, seed: thread * 31 + round * 17)
                    } catch {
                        failures.withLock { $0.append("\(error)") }
                    }
                }
                let isLast = eventually { fixture.counts.freedConnectionCount >= 60 }
                if !isLast { failures.withLock { $0.append("connections are left") } }
                receiver.finish()
                return
            }
            receiver.answerUntilFinished()
        }
        #expect(failures.withLock { $0 } == [])
        #expect(receiver.lateCount == 0)
        #expect(receiver.heardOfEveryEnd)
        let counts = fixture.counts
        #expect(counts.openedConnectionCount == 60)
        #expect(counts.closedConnectionCount == 60)
        #expect(counts.freedConnectionCount == 60)
        #expect(fixture.listener.unansweredCount == 0)
        #expect(eventually { fixture.buffers.byteCountInUse == 0 })
    }

    @Test(arguments: World.sockets)
    func `a shutdown in the middle of traffic ends everything`(_ world: World) throws {
        for round in 0..<5 {
            let receiver = ThreadedReceiver()
            let fixture = try Fixture(world, receiver: receiver)
            runOnThreads(5) { thread in
                switch thread {
                case 0:
                    pause(milliseconds: 3 + round * 3)
                    fixture.listener.shutdown()
                    receiver.finish()
                case 1, 2:
                    receiver.answerUntilFinished()
                default:
                    // Ends with an error, sooner or later: nobody listens any more.
                    for seed in 0..<1000 {
                        do { try Self.visit(fixture, seed: seed) } catch { return }
                    }
                }
            }
            let counts = fixture.counts
            #expect(counts.openedConnectionCount == counts.freedConnectionCount)
            #expect(counts.openedConnectionCount == counts.closedConnectionCount)
            #expect(fixture.listener.unansweredCount == 0)
            #expect(receiver.lateCount == 0)
            #expect(eventually { fixture.buffers.byteCountInUse == 0 })
        }
    }

    @Test(arguments: World.allCases)
    func `a transport that was shut down lets go of its receiver`(_ world: World) throws {
        weak var receiver: EchoReceiver?
        do {
            let held = EchoReceiver()
            receiver = held
            let fixture = try Fixture(world, receiver: held)
            if world != .inProcess { try Self.visit(fixture, seed: 3) }
            fixture.listener.shutdown()
        }
        #expect(eventually { receiver == nil })
    }

    @Test(arguments: World.sockets)
    func `every request that was taken on is answered before a drain is over`(
        _ world: World
    ) throws {
        let receiver = HoldingReceiver()
        let fixture = try Fixture(world, receiver: receiver)
        let peer = try fixture.rawPeer()
        try peer.handshake()
        let body = [UInt8](repeating: 5, count: 700_000)
        for id in 0..<6 as Range<UInt32> { try peer.send(peer.request([0x8000_0000 | id], body)) }
        let held = try #require(receiver.waitForRequests(6))
        fixture.listener.stopAccepting()
        for request in held { request.echo() }
        #expect(fixture.listener.unansweredCount > 0)
        let drained = Locked(false)
        let received = Locked(0)
        runOnThreads(2) { thread in
            if thread == 0 {
                let isDrained = eventually { fixture.listener.unansweredCount == 0 }
                fixture.listener.shutdown()
                drained.withLock { $0 = isDrained }
            } else {
                pause(milliseconds: 20)
                while let reply = try? peer.receiveMessage(), reply.count == body.count + 4 {
                    received.withLock { $0 += 1 }
                }
            }
        }
        #expect(drained.withLock { $0 })
        #expect(received.withLock { $0 } == 6)
    }
}
