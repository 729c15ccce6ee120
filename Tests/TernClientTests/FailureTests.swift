internal import Foundation
import TernClient
internal import TernTransport
internal import TernTransportNNG
internal import TernWire
import Testing

/// Calls that fail, and what they leave behind.
@Suite struct FailureTests {
    private let directory = TemporaryDirectory()
    private let input = InferInput("x", shape: [2], [Float](arrayLiteral: 1, 2))

    private func connected(
        _ world: World = .ipc,
        configuration: TernClient.Configuration = .init(),
        _ handler: @escaping TestServer.Handler
    ) throws -> (TernClient, TestServer) {
        let server = try TestServer.start(at: directory.url(in: world), handler)
        return (try server.client(configuration: configuration), server)
    }

    private func failure(
        _ client: TernClient,
        model: String = "m",
        inputs: [InferInput]? = nil,
        options: CallOptions = CallOptions()
    ) async -> TernError? {
        do throws(TernError) {
            _ = try await client.infer(model: model, inputs: inputs ?? [input], options: options)
            return nil
        } catch {
            return error
        }
    }

    // MARK: What the server says

    @Test(arguments: StatusCode.allCases.filter { $0 != .ok })
    func `every code of the server arrives as the same code`(_ code: StatusCode) async throws {
        let (client, server) = try connected {
            $0.fail(code, "it is so", retryAfterMicroseconds: 1500)
        }
        let error = try #require(await failure(client))
        #expect(error.code.rawValue == UInt8(code.rawValue))
        #expect(error.code.name == code.name)
        #expect(error.message == "it is so")
        #expect(error.subject == "the thing")
        #expect(error.expected == "one")
        #expect(error.found == "two")
        #expect(error.retryAfter == .microseconds(1500))
        #expect(error.origin == .server)
        client.close()
        server.stop()
    }

    // MARK: Time

    @Test(arguments: World.allCases)
    func `a deadline holds when the server is silent, and the client goes on`(
        _ world: World
    ) async throws {
        let kept = Locked<[ReceivedRequest]>([])
        let (client, server) = try connected(world) { request in
            if request.frame.count > 300 {
                request.echo()
            } else {
                kept.withLock { $0.append(request) }
            }
        }
        let values = [Float](repeating: 3, count: 100)
        let long = InferInput("x", shape: [100], values)
        _ = try await client.infer(model: "m", inputs: [long])
        let error = try #require(
            await failure(client, options: CallOptions(timeout: .milliseconds(30)))
        )
        #expect(error.code == .deadlineExceeded)
        #expect(error.mayHaveRun)
        // The late answer comes while the next call waits, and is dropped.
        for request in kept.withLock({ $0 }) { request.echo() }
        let reply = try await client.infer(model: "m", inputs: [long])
        #expect(try reply.output("x").array() == values)
        client.close()
        server.stop()
    }

    @Test func `a call without time fails without being sent`() async throws {
        let (client, server) = try connected { _ in Issue.record("a request came") }
        for timeout in [Duration.zero, .seconds(-1)] {
            let error = try #require(await failure(client, options: CallOptions(timeout: timeout)))
            #expect(error.code == .deadlineExceeded)
            #expect(!error.mayHaveRun)
        }
        client.close()
        server.stop()
    }

    @Test func `without a server a call waits until its deadline and says why`() async throws {
        let client = try TernClient(endpoint: directory.url("nobody"))
        let error = try #require(
            await failure(client, options: CallOptions(timeout: .milliseconds(50)))
        )
        #expect(error.code == .unavailable)
        #expect(error.origin == .transport)
        #expect(!error.mayHaveRun)
        #expect(error.message.contains("nobody"))
        client.close()
    }

    @Test func `connecting reports that there is no server`() async throws {
        var configuration = TernClient.Configuration()
        configuration.connectTimeout = .milliseconds(50)
        do throws(TernError) {
            _ = try await TernClient.connect(
                to: directory.url("nobody"),
                configuration: configuration
            )
            Issue.record("connected to nobody")
        } catch {
            #expect(error.code == .unavailable)
        }
    }

    @Test func `a call that waits for its server is sent with the time that is left`() async throws
    {
        let url = directory.url()
        let configuration = TernClient.Configuration()
        let channel = try NNGChannel(url: url, settings: configuration.channelSettings)
        let client = TernClient(endpoint: url, configuration: configuration, channel: channel)
        async let answer = client.infer(
            model: "m",
            inputs: [input],
            options: CallOptions(timeout: .seconds(20))
        )
        while channel.callsInFlightCount == 0 { await Task.yield() }
        try await Task.sleep(for: .milliseconds(40))
        let budget = Locked<UInt64>(0)
        let server = try TestServer.start(at: url) { request in
            budget.withLock { $0 = request.header.microseconds ?? 0 }
            request.echo()
        }
        _ = try await answer
        #expect(budget.withLock { $0 } < 20_000_000 - 39_000)
        #expect(budget.withLock { $0 } > 0)
        client.close()
        server.stop()
    }

    // MARK: Cancellation

    @Test(arguments: World.allCases)
    func `cancelling a task ends its call and tells the server`(_ world: World) async throws {
        let events = AsyncStream.makeStream(of: [UInt8].self)
        let kept = Locked<[ReceivedRequest]>([])
        let (client, server) = try connected(world) { request in
            kept.withLock { $0.append(request) }
            events.continuation.yield(request.frame)
        }
        var frames = events.stream.makeAsyncIterator()
        let key = TernWire.IdempotencyKey(low: 1, high: 2)
        let task = Task {
            await failure(
                client,
                options: CallOptions(idempotencyKey: .init(high: 2, low: 1))
            )
        }
        let sent = try RequestSummary(of: try #require(await frames.next()))
        task.cancel()
        let error = try #require(await task.value)
        #expect(error.code == .cancelled)
        #expect(error.origin == .client)
        let cancel = try #require(await frames.next())
        let request = try CancelRequest(decoding: unsafe cancel.span.bytes)
        #expect(
            request.target == .both(correlationID: sent.correlationID, idempotencyKey: key)
        )
        client.close()
        server.stop()
    }

    @Test func `a cancelled task sends nothing`() async throws {
        let (client, server) = try connected { _ in Issue.record("a request came") }
        let task = Task {
            unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
            return await failure(client)
        }
        let error = try #require(await task.value)
        #expect(error.code == .cancelled)
        #expect(!error.mayHaveRun)
        client.close()
        server.stop()
    }

    // MARK: Connections that break

    @Test(arguments: World.allCases)
    func `closing fails the calls in flight, and later ones`(_ world: World) async throws {
        let arrived = AsyncStream.makeStream(of: Void.self)
        let kept = Locked<[ReceivedRequest]>([])
        let (client, server) = try connected(world) { request in
            kept.withLock { $0.append(request) }
            arrived.continuation.yield()
        }
        let codes = await withTaskGroup(of: TernError.Code?.self) { group in
            for _ in 0..<20 { group.addTask { await failure(client)?.code } }
            var arrivals = arrived.stream.makeAsyncIterator()
            for _ in 0..<20 { _ = await arrivals.next() }
            client.close()
            client.close()
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes == [TernError.Code?](repeating: .unavailable, count: 20))
        let error = try #require(await failure(client))
        #expect(error.code == .unavailable)
        #expect(error.message.contains("closed"))
        server.stop()
    }

    @Test func `a server that goes away fails its calls, one that comes back serves them`()
        async throws
    {
        let arrived = AsyncStream.makeStream(of: Void.self)
        let kept = Locked<[ReceivedRequest]>([])
        let (client, first) = try connected { request in
            kept.withLock { $0.append(request) }
            arrived.continuation.yield()
        }
        let url = first.url
        async let lost = failure(client)
        var arrivals = arrived.stream.makeAsyncIterator()
        _ = await arrivals.next()
        first.stop()
        let error = try #require(await lost)
        #expect(error.code == .unavailable)
        #expect(error.mayHaveRun)
        let second = try TestServer.start(at: url) { $0.echo() }
        let reply = try await client.infer(model: "m", inputs: [input])
        #expect(try reply.output("x").array() == [Float](arrayLiteral: 1, 2))
        client.close()
        second.stop()
    }

    @Test func `twenty restarts under load lose no call without an answer`() async throws {
        let url = directory.url()
        let first = try TestServer.start(at: url) { $0.echo() }
        var configuration = TernClient.Configuration()
        configuration.maximumBackoff = .milliseconds(20)
        let client = try TernClient(endpoint: url, configuration: configuration)
        let isOver = Locked(false)
        let load = Task {
            var codes: Set<TernError.Code?> = []
            while !isOver.withLock({ $0 }) { codes.insert(await failure(client)?.code) }
            return codes
        }
        first.stop()
        for _ in 0..<20 {
            let server = try TestServer.start(at: url) { $0.echo() }
            _ = try await client.infer(model: "m", inputs: [input])
            server.stop()
        }
        let last = try TestServer.start(at: url) { $0.echo() }
        isOver.withLock { $0 = true }
        let codes = await load.value
        #expect(codes.subtracting([nil, .unavailable]).isEmpty)
        client.close()
        last.stop()
    }

    // MARK: Wrong replies

    @Test(arguments: World.allCases)
    func `garbage instead of a reply is reported, and the client goes on`(
        _ world: World
    ) async throws {
        let count = Locked(0)
        let (client, server) = try connected(world) { request in
            let number = count.withLock { count in
                count += 1
                return count
            }
            switch number {
            case 1: request.reply([])
            case 2: request.reply([UInt8](repeating: 0xA5, count: 500))
            case 3: request.reply(request.frame)
            case 4:
                request.reply(
                    ServerLiveReply(isLive: true).encoded(
                        correlationID: request.header.correlationID
                    )
                )
            default: request.echo()
            }
        }
        for _ in 0..<4 {
            let error = try #require(await failure(client))
            #expect(error.code == .internalError)
            #expect(error.mayHaveRun)
            #expect(error.message.contains("cannot be understood"))
        }
        #expect(await failure(client) == nil)
        client.close()
        server.stop()
    }

    @Test(arguments: World.allCases)
    func `the reply to another call is not taken for ours`(_ world: World) async throws {
        let (client, server) = try connected(world) { request in
            guard let frame = try? ReceivedRequest.echo(of: request.frame, correlationID: 999_999)
            else { return }
            request.reply(frame)
        }
        let error = try #require(await failure(client))
        #expect(error.code == .internalError)
        #expect(error.message.contains("999999"))
        client.close()
        server.stop()
    }

    @Test func `a reply with damaged bytes is understood or refused, and nothing else`()
        async throws
    {
        let random = Locked(SystemRandomNumberGenerator())
        let (client, server) = try connected { request in
            guard var frame = try? ReceivedRequest.echo(of: request.frame) else { return }
            random.withLock { random in
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    let index = Int.random(in: 0..<frame.count, using: &random)
                    frame[index] = UInt8.random(in: 0...255, using: &random)
                }
                if Int.random(in: 0..<8, using: &random) == 0 {
                    frame.removeLast(Int.random(in: 0...frame.count, using: &random))
                }
            }
            request.reply(frame)
        }
        let inputs = [
            InferInput("floats", shape: [4], [Float](repeating: 1, count: 4)),
            InferInput("texts", shape: [2], ["one", "two"]),
            InferInput("flags", shape: [2], [true, false]),
        ]
        for _ in 0..<2000 {
            do throws(TernError) {
                let reply = try await client.infer(model: "m", inputs: inputs)
                for output in reply.outputs where output.elementType == .bytes {
                    #expect(try output.byteStrings().count == output.shape.elementCount)
                }
            } catch {
                // A damaged status is an error reply, whose other fields are then wrong or right.
                #expect(error.origin == .server || error.code == .internalError)
            }
        }
        client.close()
        server.stop()
    }

    @Test func `a reply that is too long fails its call only`() async throws {
        var configuration = TernClient.Configuration()
        configuration.replyByteCountLimit = 10_000
        let (client, server) = try connected(configuration: configuration) { $0.echo() }
        let long = InferInput("x", shape: [1_000_000], [Float](repeating: 1, count: 1_000_000))
        let error = try #require(await failure(client, inputs: [long]))
        #expect(error.code == .resourceExhausted)
        #expect(await failure(client) == nil)
        client.close()
        server.stop()
    }

    // MARK: Wrong calls and limits

    @Test func `an input that doesn't fit its shape is refused here`() async throws {
        let (client, server) = try connected { _ in Issue.record("a request came") }
        let wrong: [InferInput] = [
            InferInput("x", shape: [3], [Float](arrayLiteral: 1, 2)),
            InferInput("x", shape: [3], ["a", "b"]),
            InferInput("x", shape: [3], of: Float.self) { $0.append(1) },
            InferInput("x", elementType: .fp64, shape: [1], bytes: [1, 2, 3]),
            InferInput("x", elementType: .bytes, shape: [1], bytes: [1, 2, 3]),
            InferInput("", shape: [1], [Float(1)]),
        ]
        for input in wrong {
            let error = try #require(await failure(client, inputs: [input]))
            #expect(error.code == .invalidArgument)
            #expect(!error.mayHaveRun)
        }
        let twice = try #require(await failure(client, inputs: [input, input]))
        #expect(twice.code == .invalidArgument)
        let unnamed = try #require(await failure(client, model: ""))
        #expect(unnamed.code == .invalidArgument)
        client.close()
        server.stop()
    }

    @Test func `a version and a label exclude each other, and versions count from 1`() async throws
    {
        let client = try TernClient(endpoint: directory.url("nobody"))
        let both = await #expect(throws: TernError.self) {
            try await client.infer(model: "m", version: 1, label: "l", inputs: [])
        }
        #expect(both?.code == .invalidArgument)
        let zero = await #expect(throws: TernError.self) {
            try await client.isModelReady("m", version: 0)
        }
        #expect(zero?.code == .invalidArgument)
        client.close()
    }

    @Test func `one call more than the limit is refused at once`() async throws {
        let arrived = AsyncStream.makeStream(of: Void.self)
        let kept = Locked<[ReceivedRequest]>([])
        var configuration = TernClient.Configuration()
        configuration.callsInFlightLimit = 3
        let (client, server) = try connected(configuration: configuration) { request in
            kept.withLock { $0.append(request) }
            arrived.continuation.yield()
        }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask { #expect(await failure(client) == nil) }
            }
            var arrivals = arrived.stream.makeAsyncIterator()
            for _ in 0..<3 { _ = await arrivals.next() }
            let error = await failure(client)
            #expect(error?.code == .resourceExhausted)
            #expect(error?.mayHaveRun == false)
            for request in kept.withLock({ $0 }) { request.echo() }
        }
        client.close()
        server.stop()
    }

    @Test(arguments: World.allCases)
    func `a request larger than the memory is refused`(_ world: World) async throws {
        var configuration = TernClient.Configuration()
        configuration.messageMemoryByteCountLimit = 100_000
        let (client, server) = try connected(world, configuration: configuration) { $0.echo() }
        let large = InferInput("x", shape: [200_000], [UInt8](repeating: 1, count: 200_000))
        let error = try #require(await failure(client, inputs: [large]))
        #expect(error.code == .resourceExhausted)
        #expect(await failure(client) == nil)
        client.close()
        server.stop()
    }

    @Test(arguments: [
        "", "ipc://", "http://x", "tcp://:1", "tcp://h:0", "tcp://h:99999", "inproc://x",
    ])
    func `an endpoint that makes no sense is refused`(_ url: String) {
        let error = #expect(throws: TernError.self) { try TernClient(endpoint: url) }
        #expect(error?.code == .invalidArgument)
    }
}
