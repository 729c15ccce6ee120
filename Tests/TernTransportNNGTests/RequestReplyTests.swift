import TernTransport
import Testing
import TransportTestSupport

/// What every transport does alike.
@Suite struct RequestReplyTests {
    /// Sends `bytes` and notes the outcome under `key`.
    @discardableResult
    private func call(
        _ channel: any RequestChannel,
        _ bytes: [UInt8],
        _ outcomes: Outcomes,
        _ key: Int = 0
    ) -> CallID {
        guard let message = channel.buffers.message(bytes) else {
            preconditionFailure("the test has used up its memory")
        }
        return channel.call(message, completion: outcomes.completion(key))
    }

    @Test(arguments: World.allCases, [0, 1, 100, 4096, 65_536, 70_000, 1_000_003])
    func `a request of any length comes back as it was`(_ world: World, _ byteCount: Int) throws {
        let fixture = try Fixture(world, receiver: EchoReceiver())
        let channel = try fixture.channel()
        defer { channel.close() }
        let outcomes = Outcomes()
        let bytes = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 7) }
        call(channel, bytes, outcomes)
        let outcome = try #require(outcomes.wait(1))
        #expect(outcome[0].1 == .reply(bytes))
        #expect(eventually { fixture.listener.unansweredCount == 0 })
    }

    @Test(arguments: World.allCases)
    func `many requests at once each get their own reply`(_ world: World) throws {
        let fixture = try Fixture(world, receiver: EchoReceiver())
        let channel = try fixture.channel()
        defer { channel.close() }
        let outcomes = Outcomes()
        let requests = (0..<500).map { key in
            (0..<(key * 37 % 3000 + 4)).map { UInt8(truncatingIfNeeded: $0 &+ key) }
        }
        for (key, bytes) in requests.enumerated() { call(channel, bytes, outcomes, key) }
        let replies = try #require(outcomes.wait(requests.count))
        for (key, outcome) in replies { #expect(outcome == .reply(requests[key])) }
        #expect(Set(replies.map(\.0)).count == requests.count)
    }

    @Test(arguments: World.allCases)
    func `replies may come in any order`(_ world: World) throws {
        let receiver = HoldingReceiver()
        let fixture = try Fixture(world, receiver: receiver)
        let channel = try fixture.channel()
        defer { channel.close() }
        let outcomes = Outcomes()
        for key in 0..<20 { call(channel, [UInt8(key)], outcomes, key) }
        let held = try #require(receiver.waitForRequests(20))
        #expect(fixture.listener.unansweredCount == 20)
        for request in held.reversed() { request.echo() }
        let replies = try #require(outcomes.wait(20))
        for (key, outcome) in replies { #expect(outcome == .reply([UInt8(key)])) }
        #expect(eventually { fixture.listener.unansweredCount == 0 })
    }

    @Test(arguments: World.allCases)
    func `a channel that closes fails its calls, and the server learns of it`(
        _ world: World
    ) throws {
        let receiver = HoldingReceiver()
        let fixture = try Fixture(world, receiver: receiver)
        let channel = try fixture.channel()
        let outcomes = Outcomes()
        call(channel, [1], outcomes)
        let held = try #require(receiver.waitForRequests(1))
        channel.close()
        #expect(outcomes.wait(1)?.first?.1 == .failure(.closed))
        let closed = try #require(receiver.waitForClosedConnections(1))
        #expect(closed == [held[0].connection])
        // The answer that comes too late is dropped, and nobody waits for it any more.
        held[0].echo()
        #expect(fixture.counts.droppedReplyCount == 1)
        #expect(fixture.listener.unansweredCount == 0)
    }

    @Test(arguments: World.allCases)
    func `a call given up forgets its reply, and the next is none the wiser`(
        _ world: World
    ) throws {
        let receiver = HoldingReceiver()
        let fixture = try Fixture(world, receiver: receiver)
        let channel = try fixture.channel()
        defer { channel.close() }
        let outcomes = Outcomes()
        let id = call(channel, [1], outcomes, 1)
        let first = try #require(receiver.waitForRequests(1))[0]
        channel.abandon(id)
        #expect(outcomes.wait(1)?.first?.1 == .failure(.closed))
        first.echo()
        call(channel, [2], outcomes, 2)
        let second = try #require(receiver.waitForRequests(2))[1]
        second.echo()
        #expect(outcomes.wait(2)?.last?.1 == .reply([2]))
        #expect(outcomes.all.count == 2)
    }

    @Test(arguments: World.allCases)
    func `a frame over the limit is turned away and the next is served`(_ world: World) throws {
        let limits = TransportLimits(frameByteCount: 1000)
        let fixture = try Fixture(world, receiver: EchoReceiver(), limits: limits)
        let channel = try fixture.channel()
        defer { channel.close() }
        let outcomes = Outcomes()
        call(channel, Array(repeating: 65, count: 300_000), outcomes, 1)
        call(channel, [1, 2, 3], outcomes, 2)
        let replies = Dictionary(uniqueKeysWithValues: try #require(outcomes.wait(2)))
        guard case .reply(let refusal) = replies[1] else {
            Issue.record("no refusal: \(String(describing: replies[1]))")
            return
        }
        let text = Array("too large 300000>1000:".utf8)
        #expect(Array(refusal.prefix(text.count)) == text)
        #expect(refusal.count >= text.count + 60)
        #expect(refusal.dropFirst(text.count).allSatisfy { $0 == 65 })
        #expect(replies[2] == .reply([1, 2, 3]))
        #expect(fixture.counts.refusedRequestCount == 1)
    }

    @Test(arguments: World.allCases)
    func `requests beyond the limit in flight are turned away at once`(_ world: World) throws {
        let receiver = HoldingReceiver()
        let limits = TransportLimits(requestCountPerConnection: 3)
        let fixture = try Fixture(world, receiver: receiver, limits: limits)
        let channel = try fixture.channel()
        defer { channel.close() }
        let outcomes = Outcomes()
        for key in 0..<5 { call(channel, [UInt8(key)], outcomes, key) }
        let refused = try #require(outcomes.wait(2))
        for (key, outcome) in refused {
            #expect(outcome == .reply(Array("too many 3:".utf8) + [UInt8(key)]))
        }
        for request in try #require(receiver.waitForRequests(3)) { request.echo() }
        #expect(outcomes.wait(5) != nil)
        call(channel, [9], outcomes, 9)
        #expect(receiver.waitForRequests(4) != nil)
    }

    @Test(arguments: World.allCases)
    func `bytes beyond the limit in flight are turned away, one request never is`(
        _ world: World
    ) throws {
        let receiver = HoldingReceiver()
        let limits = TransportLimits(requestByteCountPerConnection: 1000)
        let fixture = try Fixture(world, receiver: receiver, limits: limits)
        let channel = try fixture.channel()
        defer { channel.close() }
        let outcomes = Outcomes()
        call(channel, Array(repeating: 1, count: 5000), outcomes, 0)
        let first = try #require(receiver.waitForRequests(1))[0]
        call(channel, [7], outcomes, 1)
        let refused = try #require(outcomes.wait(1))
        #expect(refused[0].1 == .reply(Array("too many bytes 1000:".utf8) + [7]))
        first.echo()
        #expect(outcomes.wait(2) != nil)
    }

    @Test(arguments: World.allCases)
    func `a request destroyed without an answer is counted and no longer owed`(
        _ world: World
    ) throws {
        let receiver = HoldingReceiver()
        let fixture = try Fixture(world, receiver: receiver)
        let channel = try fixture.channel()
        defer { channel.close() }
        call(channel, [1], Outcomes())
        try #require(receiver.waitForRequests(1))[0].forget()
        #expect(fixture.counts.abandonedRequestCount == 1)
        #expect(fixture.listener.unansweredCount == 0)
    }

    @Test(arguments: World.allCases)
    func `a listener that stops accepting still answers`(_ world: World) throws {
        let receiver = HoldingReceiver()
        let fixture = try Fixture(world, receiver: receiver)
        let channel = try fixture.channel()
        defer { channel.close() }
        let outcomes = Outcomes()
        call(channel, [1], outcomes)
        let held = try #require(receiver.waitForRequests(1))[0]
        fixture.listener.stopAccepting()
        fixture.listener.stopAccepting()
        held.echo()
        #expect(outcomes.wait(1)?.first?.1 == .reply([1]))
        call(channel, [2], outcomes, 2)
        try #require(receiver.waitForRequests(2))[1].echo()
        #expect(outcomes.wait(2)?.last?.1 == .reply([2]))
        let stranger = try fixture.channel()
        let late = Outcomes()
        let id = call(stranger, [3], late)
        pause(milliseconds: 20)
        stranger.abandon(id)
        guard case .failure(.unavailable) = late.wait(1)?.first?.1 else {
            Issue.record("a stranger got \(late.all)")
            return
        }
        stranger.close()
    }

    @Test(arguments: World.allCases)
    func `shutting down fails the calls in flight and reports every connection`(
        _ world: World
    ) throws {
        let receiver = HoldingReceiver()
        let fixture = try Fixture(world, receiver: receiver)
        let channels = try (0..<4).map { _ in try fixture.channel() }
        let outcomes = Outcomes()
        for (key, channel) in channels.enumerated() { call(channel, [1], outcomes, key) }
        let held = try #require(receiver.waitForRequests(4))
        fixture.listener.shutdown()
        #expect(receiver.closedConnections.count == 4)
        #expect(Set(receiver.closedConnections) == Set(held.map(\.connection)))
        for (_, outcome) in try #require(outcomes.wait(4)) {
            guard case .failure(.connectionLost) = outcome else {
                Issue.record("a call came to \(outcome)")
                continue
            }
        }
        for request in held { request.echo() }
        #expect(fixture.listener.unansweredCount == 0)
        let counts = fixture.counts
        #expect(counts.openedConnectionCount == 4)
        #expect(counts.closedConnectionCount == 4)
        #expect(counts.freedConnectionCount == 4)
        fixture.listener.shutdown()
        for channel in channels { channel.close() }
    }

    @Test(arguments: World.sockets)
    func `a frame lies where its payloads are aligned`(_ world: World) throws {
        let receiver = HoldingReceiver()
        let fixture = try Fixture(world, receiver: receiver)
        let channel = try fixture.channel()
        defer { channel.close() }
        let sizes = [1, 60, 64, 1000, 65_000, 100_000, 1 << 20]
        for size in sizes { call(channel, Array(repeating: 3, count: size), Outcomes()) }
        for request in try #require(receiver.waitForRequests(sizes.count)) {
            #expect(request.frameAddress % 64 == 4)
        }
    }

    @Test func `within the process a message is handed over where it lies`() throws {
        let receiver = HoldingReceiver()
        let fixture = try Fixture(.inProcess, receiver: receiver)
        let channel = try fixture.channel()
        guard let request = channel.buffers.message([4, 5, 6]) else { return }
        let sent = unsafe UInt(bitPattern: request.frameAddress)
        let received = Location()
        _ = channel.call(request) { result in
            if case .success(let reply) = consume result {
                received.note(reply)
            }
        }
        let held = try #require(receiver.waitForRequests(1))[0]
        #expect(held.frameAddress == sent)
        held.echo()
        #expect(received.address == sent)
        channel.close()
    }
}

/// Where a message lies.
private final class Location: Sendable {
    private let noted = Locked<UInt?>(nil)

    func note(_ message: borrowing MessageBuffer) {
        let address = unsafe UInt(bitPattern: message.frameAddress)
        noted.withLock { $0 = address }
    }

    var address: UInt? { noted.withLock { $0 } }
}
