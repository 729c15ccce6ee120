internal import TernTransport
internal import TernTransportNNG
import Testing

/// A channel whose connections are scripts.
@Suite struct NNGChannelTests {
    /// What became of calls, by the number the test gave them.
    private final class Outcomes: Sendable {
        private let state = Locked<[Int: [Result<[UInt8], TransportError>]]>([:])

        func add(_ outcome: Result<[UInt8], TransportError>, for number: Int) {
            state.withLock { $0[number, default: []].append(outcome) }
        }

        /// The outcome of a call, if it has exactly one.
        subscript(number: Int) -> Result<[UInt8], TransportError>? {
            state.withLock { $0[number]?.count == 1 ? $0[number]?[0] : nil }
        }
    }

    private static let endpoint = Endpoint.ipc(path: "/nowhere")
    private static let serverHandshake: [UInt8] = [0, 0x53, 0x50, 0, 0, 0x31, 0, 0]
    private static let clientHandshake: [UInt8] = [0, 0x53, 0x50, 0, 0, 0x30, 0, 0]

    private let outcomes = Outcomes()
    private let channel: NNGChannel

    init() {
        var settings = NNGChannel.Settings()
        settings.initialBackoffNanoseconds = 1000
        settings.maximumBackoffNanoseconds = 1000
        settings.callsInFlightLimit = 20
        settings.replyByteCountLimit = 200_000
        settings.memoryByteCountLimit = 4 << 20
        // A busy machine may hold a test up for seconds, which must not end its attempts.
        settings.connectTimeoutNanoseconds = 600_000_000_000
        let dialers = DialerList()
        self.list = dialers
        channel = NNGChannel(endpoint: Self.endpoint, settings: settings) { handler in
            .success(dialers.make(handler))
        }
    }

    private final class DialerList: Sendable {
        private let state = Locked<[ScriptedDialer]>([])

        func make(_ handler: any ByteStreamDialerHandler) -> ScriptedDialer {
            let dialer = ScriptedDialer(endpoint: NNGChannelTests.endpoint, handler: handler)
            state.withLock { $0.append(dialer) }
            return dialer
        }

        var count: Int { state.withLock { $0.count } }
        var last: ScriptedDialer? { state.withLock { $0.last } }
    }

    private let list: DialerList

    // MARK: Helpers

    /// Waits until the channel has dialled `count` times; the pauses are a microsecond long.
    private func dialer(_ count: Int) async -> ScriptedDialer? {
        while list.count < count || list.last?.isDialing != true { await Task.yield() }
        return list.last
    }

    /// Brings up the connection of the `count`th dial.
    private func connect(_ count: Int = 1) async throws -> ScriptedStream {
        let stream = ScriptedStream()
        try #require(await dialer(count)).complete(.success(stream))
        stream.accept()
        stream.deliver(Self.serverHandshake)
        #expect(channel.lifeState == .ready)
        return stream
    }

    private static func message(
        _ frame: [UInt8],
        from buffers: BufferPool
    ) throws(TransportError) -> MessageBuffer {
        guard var message = buffers.take(byteCount: frame.count) else {
            throw .outOfMemory(limit: buffers.limitByteCount)
        }
        var bytes = message.mutableBytes
        for (index, byte) in frame.enumerated() {
            bytes.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
        }
        return message
    }

    @discardableResult
    private func call(_ number: Int, byteCount: Int = 3) throws -> CallID {
        let bytes = [UInt8](repeating: UInt8(number), count: byteCount)
        let message = try Self.message(bytes, from: channel.buffers)
        return channel.call(message) { [outcomes] result in
            switch consume result {
            case .success(let message):
                let bytes = unsafe message.bytes.withUnsafeBytes { unsafe [UInt8]($0) }
                outcomes.add(.success(bytes), for: number)
            case .failure(let error):
                outcomes.add(.failure(error), for: number)
            }
        }
    }

    /// The messages after the handshake: request id and frame.
    private func messages(_ stream: ScriptedStream) -> [(id: [UInt8], frame: [UInt8])] {
        var rest = stream.written[...]
        #expect(rest.starts(with: Self.clientHandshake))
        rest = rest.dropFirst(8)
        var messages: [(id: [UInt8], frame: [UInt8])] = []
        while rest.count >= 13 {
            #expect(rest.first == 1)
            let length = rest.dropFirst().prefix(8).reduce(0) { $0 << 8 | Int($1) }
            let body = rest.dropFirst(9).prefix(length)
            messages.append((Array(body.prefix(4)), Array(body.dropFirst(4))))
            rest = rest.dropFirst(9 + length)
        }
        return messages
    }

    private func reply(to id: [UInt8], _ frame: [UInt8]) -> [UInt8] {
        let length = UInt64(id.count + frame.count)
        return [1] + (0..<8).map { UInt8(truncatingIfNeeded: length >> UInt64(56 - 8 * $0)) } + id
            + frame
    }

    // MARK: Connecting

    @Test func `calls made while connecting leave in order once the peer has shaken hands`()
        async throws
    {
        for number in 1...3 { try call(number) }
        let stream = ScriptedStream()
        try #require(await dialer(1)).complete(.success(stream))
        #expect(channel.lifeState == .handshaking)
        stream.accept(3)
        stream.accept()
        #expect(stream.written == Self.clientHandshake)
        stream.deliver(Array(Self.serverHandshake.prefix(5)))
        #expect(!stream.isWriting)
        stream.deliver(Array(Self.serverHandshake.dropFirst(5)))
        stream.accept()
        #expect(!stream.isWriting)
        #expect(messages(stream).map(\.frame) == [[1, 1, 1], [2, 2, 2], [3, 3, 3]])
        #expect(list.last?.isClosed == true)
        channel.close()
        stream.end()
    }

    @Test func `the peer's handshake may come before ours has left`() async throws {
        try call(1)
        let stream = ScriptedStream()
        try #require(await dialer(1)).complete(.success(stream))
        stream.deliver(Self.serverHandshake)
        #expect(channel.lifeState == .ready)
        stream.acceptAll()
        #expect(messages(stream).map(\.frame) == [[1, 1, 1]])
        channel.close()
        stream.end()
    }

    @Test(arguments: [[0x48, 0x54, 0x54, 0x50], [0, 0x53, 0x50, 0, 0, 0x30, 0, 0]] as [[UInt8]])
    func `a peer that is no server is left, and tried again`(_ greeting: [UInt8]) async throws {
        try call(1)
        let stream = ScriptedStream()
        try #require(await dialer(1)).complete(.success(stream))
        stream.accept()
        stream.deliver(greeting)
        #expect(stream.isClosed)
        stream.end()
        let second = try await connect(2)
        second.accept()
        #expect(messages(second).map(\.frame) == [[1, 1, 1]])
        #expect(outcomes[1] == nil)
        channel.close()
        second.end()
    }

    @Test func `a refused dial is repeated for as long as a call waits`() async throws {
        let id = try call(1)
        for attempt in 1...5 {
            try #require(await dialer(attempt)).complete(.failure(.refused))
        }
        _ = await dialer(6)
        channel.abandon(id)
        #expect(
            outcomes[1]
                == .failure(
                    .unavailable(endpoint: Self.endpoint.url, reason: "nobody listens there")
                )
        )
        list.last?.complete(.failure(.refused))
        while channel.lifeState != .idle { await Task.yield() }
        #expect(list.count == 6)
        channel.close()
    }

    @Test(arguments: [false, true])
    func `an attempt that takes too long is given up and repeated`(_ doesConnect: Bool) async throws
    {
        var settings = NNGChannel.Settings()
        settings.connectTimeoutNanoseconds = 200_000_000
        settings.initialBackoffNanoseconds = 1000
        let dialers = DialerList()
        let channel = NNGChannel(endpoint: Self.endpoint, settings: settings) { handler in
            .success(dialers.make(handler))
        }
        let message = try Self.message([1], from: channel.buffers)
        let id = channel.call(message) { [outcomes] result in
            if case .failure(let error) = result { outcomes.add(.failure(error), for: 1) }
        }
        while dialers.last?.isDialing != true { await Task.yield() }
        let first = try #require(dialers.last)
        let stream = ScriptedStream()
        if doesConnect { first.complete(.success(stream)) }
        while dialers.count < 2 { try await Task.sleep(for: .milliseconds(1)) }
        #expect(first.isClosed)
        #expect(stream.isClosed == doesConnect)
        channel.abandon(id)
        guard case .failure(.unavailable(_, let reason)) = outcomes[1] else {
            Issue.record("the call has no outcome")
            return
        }
        #expect(reason.contains("0.2 s"))
        channel.close()
        if doesConnect { stream.end() }
    }

    // MARK: Replies

    @Test(arguments: [1, 2, 7, 1000, .max])
    func `replies in any order and any pieces find their calls`(_ step: Int) async throws {
        let stream = try await connect()
        for number in 1...3 { try call(number) }
        stream.acceptAll()
        let sent = messages(stream)
        let large = [UInt8](repeating: 9, count: 150_000)
        let replies =
            reply(to: sent[2].id, large) + reply(to: sent[0].id, [])
            + reply(to: sent[1].id, [5, 6])
        stream.deliver(replies, step: step == .max ? step : Swift.max(step, 1))
        #expect(outcomes[3] == .success(large))
        #expect(outcomes[1] == .success([]))
        #expect(outcomes[2] == .success([5, 6]))
        #expect(channel.callsInFlightCount == 0)
        channel.close()
        stream.end()
        #expect(channel.buffers.byteCountInUse == 0)
    }

    @Test func `late, repeated and foreign replies are dropped`() async throws {
        let stream = try await connect()
        let id = try call(1)
        try call(2)
        stream.acceptAll()
        let sent = messages(stream)
        channel.abandon(id)
        #expect(outcomes[1] == .failure(.closed))
        let foreign: [UInt8] = [0xFF, 0xFE, 0xFD, 0xFC]
        stream.deliver(
            reply(to: sent[0].id, [1]) + reply(to: foreign, [UInt8](repeating: 7, count: 99))
        )
        #expect(outcomes[2] == nil)
        stream.deliver(reply(to: sent[1].id, [2]) + reply(to: sent[1].id, [3]))
        #expect(outcomes[1] == .failure(.closed))
        #expect(outcomes[2] == .success([2]))
        #expect(channel.lifeState == .ready)
        channel.close()
        stream.end()
        #expect(channel.buffers.byteCountInUse == 0)
    }

    @Test func `a call that is given up in the middle of its reply takes none`() async throws {
        let stream = try await connect()
        let id = try call(1)
        try call(2)
        stream.acceptAll()
        let sent = messages(stream)
        let first = reply(to: sent[0].id, [UInt8](repeating: 1, count: 100_000))
        stream.deliver(Array(first.prefix(70_000)))
        channel.abandon(id)
        stream.deliver(Array(first.dropFirst(70_000)) + reply(to: sent[1].id, [2]))
        #expect(outcomes[1] == .failure(.closed))
        #expect(outcomes[2] == .success([2]))
        channel.close()
        stream.end()
        #expect(channel.buffers.byteCountInUse == 0)
    }

    @Test func `a reply beyond the limit fails its call and is passed over`() async throws {
        let stream = try await connect()
        try call(1)
        try call(2)
        stream.acceptAll()
        let sent = messages(stream)
        let large = reply(to: sent[0].id, [UInt8](repeating: 1, count: 200_001))
        stream.deliver(large + reply(to: sent[1].id, [2]))
        #expect(outcomes[1] == .failure(.replyTooLarge(byteCount: 200_001, limit: 200_000)))
        #expect(outcomes[2] == .success([2]))
        channel.close()
        stream.end()
    }

    @Test(
        arguments: [
            [2, 0, 0, 0, 0, 0, 0, 0, 4, 0x80, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0, 3, 0x80, 0, 0],
            [1, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 1],
            [1, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x80, 0, 0, 0],
        ] as [[UInt8]]
    )
    func `a peer that breaks the protocol is left, and its calls fail`(
        _ bytes: [UInt8]
    ) async throws {
        let stream = try await connect()
        try call(1)
        stream.acceptAll()
        stream.deliver(bytes)
        #expect(stream.isClosed)
        guard case .failure(.connectionLost) = outcomes[1] else {
            Issue.record("the call has no outcome")
            return
        }
        channel.close()
        stream.end()
    }

    // MARK: Broken connections

    @Test func `of a broken connection, what was sent fails and what was not moves on`()
        async throws
    {
        let stream = try await connect()
        try call(1)
        stream.acceptAll()
        // Two calls in one write, of which all of the first and a byte of the second leave.
        try call(2)
        try call(3)
        try call(4)
        try call(5)
        stream.accept()
        #expect(stream.isWriting)
        stream.accept(16 + 1)
        let sent = messages(stream)
        #expect(sent.count == 3)
        stream.end()
        for number in 1...4 {
            guard case .failure(.connectionLost(let endpoint, _)) = outcomes[number] else {
                Issue.record("call \(number) has no outcome")
                continue
            }
            #expect(endpoint == Self.endpoint.url)
        }
        #expect(outcomes[5] == nil)
        try call(6)
        let second = try await connect(2)
        second.acceptAll()
        #expect(messages(second).map(\.frame) == [[5, 5, 5], [6, 6, 6]])
        channel.close()
        second.end()
        #expect(outcomes[5] == .failure(.closed))
        #expect(channel.buffers.byteCountInUse == 0)
    }

    @Test func `a connection that ends while idle is made again by the next call`() async throws {
        let stream = try await connect()
        try call(1)
        stream.acceptAll()
        stream.deliver(reply(to: messages(stream)[0].id, [1]))
        stream.end(with: .disconnected)
        #expect(channel.lifeState == .idle)
        #expect(list.count == 1)
        try call(2)
        let second = try await connect(2)
        second.acceptAll()
        second.deliver(reply(to: messages(second)[0].id, [2]))
        #expect(outcomes[2] == .success([2]))
        channel.close()
        second.end()
    }

    // MARK: Giving up

    @Test func `a call that is given up while it is written keeps its memory until then`()
        async throws
    {
        let stream = try await connect()
        let id = try call(1, byteCount: 5000)
        stream.accept(100)
        channel.abandon(id)
        channel.abandon(id)
        #expect(outcomes[1] == .failure(.closed))
        #expect(channel.buffers.byteCountInUse > 0)
        stream.acceptAll()
        #expect(channel.buffers.byteCountInUse == 0)
        #expect(messages(stream).map(\.frame) == [[UInt8](repeating: 1, count: 5000)])
        channel.close()
        stream.end()
    }

    @Test func `a call that is given up in the queue is never written`() async throws {
        let stream = try await connect()
        try call(1)
        let ids = try (2...6).map { try call($0) }
        for index in [2, 0, 4] { channel.abandon(ids[index]) }
        stream.acceptAll()
        #expect(messages(stream).map(\.frame) == [[1, 1, 1], [3, 3, 3], [5, 5, 5]])
        channel.close()
        stream.end()
    }

    @Test func `closing fails every call once, and frees all memory when the stream has ended`()
        async throws
    {
        let stream = try await connect()
        try call(1)
        stream.acceptAll()
        try call(2)
        try call(3)
        channel.close()
        channel.close()
        for number in 1...3 { #expect(outcomes[number] == .failure(.closed)) }
        #expect(stream.isClosed)
        stream.end()
        for number in 1...3 { #expect(outcomes[number] == .failure(.closed)) }
        #expect(channel.buffers.byteCountInUse == 0)
        try call(4)
        #expect(outcomes[4] == .failure(.closed))
        #expect(list.count == 1)
    }

    @Test func `closing while connecting gives the dial up`() async throws {
        try call(1)
        let dialer = try #require(await dialer(1))
        channel.close()
        #expect(outcomes[1] == .failure(.closed))
        #expect(dialer.isClosed)
        // A stream that comes too late is not started.
        let stream = ScriptedStream()
        dialer.complete(.success(stream))
        #expect(!stream.isWriting)
    }

    @Test func `one call more than the limit is refused`() async throws {
        for number in 1...20 { try call(number) }
        try call(21)
        #expect(outcomes[21] == .failure(.tooManyInFlight(limit: 20)))
        channel.close()
        for number in 1...20 { #expect(outcomes[number] == .failure(.closed)) }
    }

    @Test func `more calls than one write takes follow in order`() async throws {
        for number in 1...20 { try call(number) }
        let stream = try await connect()
        stream.acceptAll()
        #expect(messages(stream).map { $0.frame[0] } == Array(1...20))
        channel.close()
        stream.end()
    }
}
