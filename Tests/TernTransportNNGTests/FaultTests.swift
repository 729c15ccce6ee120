import TernTransport
import TernTransportNNG
import Testing
import TransportTestSupport

/// What peers do that no library would.
@Suite(.serialized) struct FaultTests {
    /// How a peer comes and goes without ever being one.
    enum Stranger: CaseIterable, Sendable {
        case close, reset, finish, garbage, halfHandshake, wrongProtocol, halfHead

        func visit(_ peer: RawPeer) throws {
            switch self {
            case .close: peer.close()
            case .reset: peer.close(resetting: true)
            case .finish:
                peer.finishSending()
                peer.close(resetting: true)
            case .garbage:
                try? peer.send(Array("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
                peer.close()
            case .halfHandshake:
                try? peer.send([0, 0x53, 0x50])
                peer.close()
            case .wrongProtocol:
                try? peer.send([0, 0x53, 0x50, 0, 0, 0x20, 0, 0])
                peer.close()
            case .halfHead:
                try? peer.send([0, 0x53, 0x50, 0, 0, 0x30, 0, 0, 1, 0, 0])
                peer.close()
            }
        }
    }

    @Test(arguments: World.sockets, Stranger.allCases)
    func `strangers who come and go leave nothing behind`(
        _ world: World,
        _ stranger: Stranger
    ) throws {
        let fixture = try Fixture(world, receiver: EchoReceiver())
        try expectService(fixture)
        #expect(eventually { fixture.counts.freedConnectionCount == 1 })
        let before = openSocketCount()
        for _ in 0..<50 { try stranger.visit(try fixture.rawPeer()) }
        try expectService(fixture)
        #expect(eventually { fixture.counts.freedConnectionCount == 52 })
        #expect(eventually { openSocketCount() <= before })
        let counts = fixture.counts
        #expect(counts.openedConnectionCount == 52)
        #expect(counts.closedConnectionCount == 52)
    }

    @Test(arguments: World.sockets)
    func `a hundred peers at once are all served`(_ world: World) throws {
        let fixture = try Fixture(world, receiver: EchoReceiver())
        let peers = try (0..<100).map { _ in try fixture.rawPeer() }
        for peer in peers { try peer.handshake() }
        for (index, peer) in peers.enumerated() {
            try peer.send(peer.request([0x8000_0000 | UInt32(index)], [UInt8(index)]))
        }
        for (index, peer) in peers.enumerated() {
            #expect(try peer.receiveMessage() == [0x80, 0, 0, UInt8(index), UInt8(index)])
        }
    }

    @Test(arguments: World.sockets)
    func `peers that die with requests in flight leave nothing behind`(_ world: World) throws {
        let receiver = HoldingReceiver()
        let fixture = try Fixture(world, receiver: receiver)
        let before = openSocketCount()
        for round in 1...20 {
            let peer = try fixture.rawPeer()
            try peer.handshake()
            for id in 1...8 as ClosedRange<UInt32> {
                try peer.send(peer.request([0x8000_0000 | id], Array(repeating: 1, count: 50_000)))
            }
            try peer.send(peer.header(announcing: 100_000) + [0x80, 0, 0, 9, 1, 2, 3])
            let held = try #require(receiver.waitForRequests(8 * round)).suffix(8)
            // Some replies leave before the peer dies, some while it does, some never.
            for request in held.prefix(3) { request.echo() }
            peer.close(resetting: round % 2 == 0)
            for request in held.dropFirst(3) { request.echo() }
        }
        #expect(eventually { fixture.counts.freedConnectionCount == 20 })
        #expect(receiver.waitForClosedConnections(20)?.count == 20)
        #expect(eventually { fixture.listener.unansweredCount == 0 })
        #expect(eventually { fixture.buffers.byteCountInUse == 0 })
        #expect(eventually { openSocketCount() <= before })
        #expect(fixture.counts.closedConnectionCount == 20)
    }

    @Test(arguments: World.sockets, [0, 1, 3, 1 << 63, .max, (4 << 30) + 1] as [UInt64])
    func `a length that cannot be ends the connection, at once and without memory`(
        _ world: World,
        _ length: UInt64
    ) throws {
        let fixture = try Fixture(world, receiver: EchoReceiver())
        let peer = try fixture.rawPeer()
        try peer.handshake()
        try peer.send(peer.header(announcing: length))
        #expect(try peer.isEnded())
        #expect(eventually { fixture.counts.freedConnectionCount == 1 })
        #expect(fixture.counts.protocolErrorCount == 1)
        #expect(fixture.buffers.byteCountInUse == 0)
        try expectService(fixture)
    }

    @Test(arguments: World.sockets)
    func `a bad backtrace ends the connection`(_ world: World) throws {
        let fixture = try Fixture(world, receiver: EchoReceiver())
        for address in [[1], [1, 2, 3], Array(repeating: 5, count: 16) + [0x8000_0000]]
            as [[UInt32]]
        {
            let peer = try fixture.rawPeer()
            try peer.handshake()
            try peer.send(peer.request(address, []))
            #expect(try peer.isEnded())
        }
        #expect(eventually { fixture.counts.protocolErrorCount == 3 })
        try expectService(fixture)
    }

    @Test(arguments: World.sockets, [1, 2, 15])
    func `a request over hops is answered the same way back, and lies aligned`(
        _ world: World,
        _ hops: Int
    ) throws {
        let receiver = HoldingReceiver()
        let fixture = try Fixture(world, receiver: receiver)
        let peer = try fixture.rawPeer()
        try peer.handshake()
        let address = (1...hops).map { UInt32($0) } + [0x8123_4567]
        for size in [5, 100_000] {
            let request = peer.request(address, Array(repeating: 8, count: size))
            try peer.send(request)
            let held = try #require(receiver.waitForRequests(size == 5 ? 1 : 2)).last
            #expect(held.map { $0.frameAddress % 64 } == 4)
            held?.echo()
            let reply = try #require(try peer.receiveMessage())
            #expect(reply == Array(request.suffix(reply.count)))
            #expect(reply.count == size + address.count * 4)
        }
    }

    @Test(arguments: World.sockets)
    func `a message may be cut anywhere`(_ world: World) throws {
        let fixture = try Fixture(world, receiver: EchoReceiver())
        let peer = try fixture.rawPeer()
        try peer.handshake()
        let request = peer.request([7, 0x8000_0001], [1, 2, 3, 4])
        for cut in 1..<request.count {
            try peer.send(Array(request[..<cut]))
            pause(milliseconds: 1)
            try peer.send(Array(request[cut...]) + request)
            for _ in 0..<2 {
                #expect(try peer.receiveMessage() == [0, 0, 0, 7, 0x80, 0, 0, 1, 1, 2, 3, 4])
            }
        }
    }

    @Test(arguments: World.sockets)
    func `when memory is used up, requests are turned away and the connection lives`(
        _ world: World
    ) throws {
        let receiver = HoldingReceiver()
        let fixture = try Fixture(world, receiver: receiver)
        let peer = try fixture.rawPeer()
        try peer.handshake()
        let taken = fixture.buffers.take(byteCount: (128 << 20) + 1)
        try peer.send(peer.request([0x8000_0001], [1, 2, 3]))
        let reply = try #require(try peer.receiveMessage())
        #expect(Array(reply.dropFirst(4)) == Array("out of memory 268435456:".utf8) + [1, 2, 3])
        _ = consume taken
        try peer.send(peer.request([0x8000_0002], [4]))
        #expect(receiver.waitForRequests(1)?.first?.bytes == [4])
    }

    @Test(arguments: World.sockets)
    func `connections beyond the limit are closed, those there are served`(
        _ world: World
    ) throws {
        let fixture = try Fixture(
            world,
            receiver: EchoReceiver(),
            limits: TransportLimits(connectionCount: 2)
        )
        let first = try fixture.rawPeer()
        try first.handshake()
        let second = try fixture.rawPeer()
        try second.handshake()
        let third = try fixture.rawPeer()
        #expect(try third.isEnded())
        #expect(fixture.counts.refusedConnectionCount == 1)
        first.close()
        #expect(eventually { fixture.counts.freedConnectionCount == 1 })
        try expectService(fixture)
    }

    @Test(arguments: World.sockets)
    func `silent, idle, slow and deaf peers are parted with, and others don't notice`(
        _ world: World
    ) throws {
        let second: UInt64 = 1_000_000_000
        let receiver = EchoReceiver()
        let fixture = try Fixture(
            world,
            receiver: receiver,
            limits: TransportLimits(
                times: ConnectionWatch.Limits(
                    handshakeNanoseconds: second / 4,
                    idleNanoseconds: second / 2,
                    stallNanoseconds: second / 4
                )
            )
        )
        let silent = try fixture.rawPeer()
        let idle = try fixture.rawPeer()
        try idle.handshake()
        let slow = try fixture.rawPeer()
        try slow.handshake()
        try slow.send(slow.header(announcing: 1000) + [0x80, 0, 0, 1])
        let deaf = try fixture.rawPeer()
        try deaf.handshake()
        for _ in 0..<12 {
            // Ends early when the server gives up on this peer while it still sends.
            try? deaf.send(deaf.request([0x8000_0001], Array(repeating: 1, count: 1 << 20)))
        }
        #expect(eventually { fixture.counts.freedConnectionCount == 4 })
        let counts = fixture.counts
        #expect(counts.handshakeTimeoutCount == 1)
        #expect(counts.idleTimeoutCount == 1)
        #expect(counts.receiveStallCount + counts.sendStallCount == 2)
        #expect(counts.sendStallCount == 1)
        #expect(eventually { fixture.listener.unansweredCount == 0 })
        #expect(eventually { fixture.buffers.byteCountInUse == 0 })
        try expectService(fixture)
        _ = (silent, idle, slow, deaf)
    }

    @Test func `an endpoint that was refused descriptors accepts again when there are some`()
        async
    {
        // In a process of its own, whose limit harms no other test.
        await #expect(processExitsWith: .success) {
            let fixture = try Fixture(.ipc, receiver: EchoReceiver())
            try expectService(fixture)
            var waiting: [RawPeer] = []
            lowerDescriptorLimit(toSpare: 40)
            // Both ends are in this process, so the server runs out with this test.
            while let peer = try? fixture.rawPeer() { waiting.append(peer) }
            #expect(eventually { fixture.counts.failedAcceptCount > 0 })
            // Those that stay must leave room, wherever they wait: each takes two in the end.
            waiting.removeLast(waiting.count * 3 / 4)
            try expectService(fixture)
            for peer in waiting { try peer.handshake() }
        }
    }
}

/// Asks with a new connection and expects an echo.
private func expectService(_ fixture: Fixture, _ byte: UInt8 = 42) throws {
    let peer = try fixture.rawPeer()
    try peer.handshake()
    try peer.send(peer.request([0x8000_0001], [byte, 2, 3]))
    #expect(try peer.receiveMessage() == [0x80, 0, 0, 1, byte, 2, 3])
    peer.close()
}
