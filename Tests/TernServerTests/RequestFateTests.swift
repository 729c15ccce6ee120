import Synchronization
import TernClient
import TernServer
import TernTransport
import TernWire
import Testing

/// What becomes of requests that wait, are late, are given up, or are too many.
@Suite struct RequestFateTests {
    /// A server with a model `slow` that waits at a gate, and `echo`.
    private func server(
        in world: World,
        gate: Gate,
        configure: (inout ServerConfiguration) -> Void = { _ in }
    ) throws -> TestServer {
        try TestServer(
            in: world,
            models: [
                "slow": EchoModel { () throws(ExecutionFailure) in gate.pass() },
                "echo": EchoModel(),
                "copy": EchoModel(copies: true),
            ],
            configure: configure
        )
    }

    // MARK: - Deadlines

    @Test(arguments: World.allCases)
    func `a request whose budget is used up is answered so and doesn't run`(
        _ world: World
    ) async throws {
        let runs = Atomic<Int>(0)
        let test = try TestServer(
            in: world,
            models: [
                "echo": EchoModel { () throws(ExecutionFailure) in
                    runs.wrappingAdd(1, ordering: .relaxed)
                }
            ]
        )
        let caller = RawCaller(try test.channel())
        let reply = try await caller.exchange(try inferFrame("echo", [1], budgetMicroseconds: 0))
        let error = try errorReply(in: reply)
        #expect(error.code == .deadlineExceeded)
        #expect(error.subject == "time budget")
        #expect(runs.load(ordering: .relaxed) == 0)
        #expect(test.server.counters.expiredCount == 1)
        let answer = try await caller.exchange(
            try inferFrame("echo", [1], budgetMicroseconds: 60_000_000)
        )
        #expect(try header(of: answer).status == .ok)
        #expect(runs.load(ordering: .relaxed) == 1)
        #expect(test.server.inFlightCount == 0)
    }

    @Test(arguments: World.allCases)
    func `a request that waits too long is answered when its time is up, and doesn't run`(
        _ world: World
    ) async throws {
        let gate = Gate()
        let test = try server(in: world, gate: gate) { $0.workerCount = 1 }
        let caller = RawCaller(try test.channel())
        async let first = caller.exchange(
            try inferFrame("slow", [1], correlationID: 1, budgetMicroseconds: 60_000_000)
        )
        #expect(try await gate.hasArrivals(1))
        // The only worker stands at the gate: the clock answers.
        let second = try await caller.exchange(
            try inferFrame("slow", [2], correlationID: 2, budgetMicroseconds: 20_000)
        )
        #expect(try errorReply(in: second).code == .deadlineExceeded)
        #expect(test.server.inFlightCount == 1)
        gate.open()
        #expect(try header(of: try await first).status == .ok)
        #expect(gate.arrivedCount == 1)
        #expect(test.server.counters.expiredCount == 1)
        #expect(try await eventually { test.server.inFlightCount == 0 })
    }

    // MARK: - Cancel

    @Test(arguments: World.allCases)
    func `a request cancelled while it runs is answered at once, and once`(
        _ world: World
    ) async throws {
        let gate = Gate()
        let test = try server(in: world, gate: gate)
        let caller = RawCaller(try test.channel())
        let answers = Atomic<Int>(0)
        let frame = try inferFrame("slow", [1], correlationID: 42)
        let cancelled = AsyncStream.makeStream(of: [UInt8].self)
        caller.send(frame) { result in
            answers.wrappingAdd(1, ordering: .relaxed)
            if case .success(let reply) = result { cancelled.continuation.yield(reply) }
        }
        #expect(try await gate.hasArrivals(1))
        let cancel = CancelRequest(.correlationID(42))
            .encoded(RequestOptions(correlationID: 43))
        let reply = try cancelReply(in: try await caller.exchange(cancel))
        #expect(reply.wasInFlight)
        var replies = cancelled.stream.makeAsyncIterator()
        let answer = try #require(await replies.next())
        #expect(try errorReply(in: answer).code == .cancelled)
        #expect(try header(of: answer).correlationID == 42)

        let again = try cancelReply(in: try await caller.exchange(cancel))
        #expect(!again.wasInFlight)
        gate.open()
        #expect(try await eventually { test.server.inFlightCount == 0 })
        let next = try await caller.exchange(try inferFrame("echo", [1]))
        #expect(try header(of: next).status == .ok)
        #expect(answers.load(ordering: .relaxed) == 1)
        #expect(test.server.counters.withdrawnCount == 1)
    }

    @Test func `a request cancelled while it waits never runs`() async throws {
        let gate = Gate()
        let test = try server(in: .inProcess, gate: gate) { $0.workerCount = 1 }
        let caller = RawCaller(try test.channel())
        async let first = caller.exchange(try inferFrame("slow", [1], correlationID: 1))
        #expect(try await gate.hasArrivals(1))
        async let second = caller.exchange(try inferFrame("slow", [2], correlationID: 2))
        #expect(try await eventually { test.server.inFlightCount == 2 })
        let cancel = CancelRequest(.correlationID(2)).encoded(RequestOptions(correlationID: 3))
        _ = try await caller.exchange(cancel)
        #expect(try errorReply(in: try await second).code == .cancelled)
        gate.open()
        #expect(try header(of: try await first).status == .ok)
        #expect(try await eventually { test.server.inFlightCount == 0 })
        #expect(gate.arrivedCount == 1)
    }

    @Test func `a key cancels from any connection, a correlation id only from its own`()
        async throws
    {
        let gate = Gate()
        let test = try server(in: .inProcess, gate: gate)
        let caller = RawCaller(try test.channel())
        let other = RawCaller(try test.channel())
        let key = TernWire.IdempotencyKey(low: 1, high: 2)
        async let first = caller.exchange(
            try inferFrame("slow", [1], correlationID: 1, idempotencyKey: key)
        )
        #expect(try await gate.hasArrivals(1))
        let targets: [(CancelRequest.Target, Bool)] = [
            (.correlationID(1), false),
            (.idempotencyKey(TernWire.IdempotencyKey(low: 1, high: 3)), false),
            (.both(correlationID: 1, idempotencyKey: key), false),
            (.idempotencyKey(key), true),
        ]
        for (target, isHit) in targets {
            let cancel = CancelRequest(target).encoded(RequestOptions(correlationID: 9))
            let reply = try cancelReply(in: try await other.exchange(cancel))
            #expect(reply.wasInFlight == isHit)
        }
        #expect(try errorReply(in: try await first).code == .cancelled)
        gate.open()
    }

    @Test(arguments: World.allCases)
    func `a task that is cancelled gives its request up at the server`(
        _ world: World
    ) async throws {
        let gate = Gate()
        let test = try server(in: world, gate: gate)
        let client = try test.client()
        let task = Task {
            try await client.infer(
                model: "slow",
                inputs: [InferInput("x", shape: [1], [Float(1)])]
            )
        }
        #expect(try await gate.hasArrivals(1))
        task.cancel()
        let error = await #expect(throws: TernError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        #expect(try await eventually { test.server.counters.withdrawnCount == 1 })
        gate.open()
    }

    // MARK: - Disconnection

    @Test(arguments: World.allCases)
    func `what a lost connection had queued doesn't run, what runs is stopped, and slots are free`(
        _ world: World
    ) async throws {
        let gate = Gate()
        let test = try server(in: world, gate: gate) { $0.workerCount = 1 }
        let caller = RawCaller(try test.channel())
        for id in 1...5 {
            caller.send(try inferFrame("slow", [1], correlationID: UInt64(id))) { _ in }
        }
        #expect(try await gate.hasArrivals(1))
        #expect(try await eventually { test.server.inFlightCount == 5 })
        caller.close()
        #expect(try await eventually { test.server.counters.withdrawnCount == 5 })
        gate.open()
        #expect(try await eventually { test.server.inFlightCount == 0 })
        #expect(gate.arrivedCount == 1)
        #expect(test.server.counters.completedCount == 0)
        #expect(test.server.counters.failedCount == 0)

        let next = RawCaller(try test.channel())
        let answer = try await next.exchange(try inferFrame("echo", [1]))
        #expect(try header(of: answer).status == .ok)
    }

    // MARK: - Overload

    @Test(arguments: World.allCases)
    func `a model that is full refuses at once, with a hint, and others are served`(
        _ world: World
    ) async throws {
        let gate = Gate()
        let test = try server(in: world, gate: gate) { $0.limits.inFlightCountPerModel = 3 }
        let caller = RawCaller(try test.channel())
        let answered = Atomic<Int>(0)
        for id in 1...3 {
            caller.send(try inferFrame("slow", [1], correlationID: UInt64(id))) { result in
                if case .success(let reply) = result, (try? header(of: reply))?.status == .ok {
                    answered.wrappingAdd(1, ordering: .relaxed)
                }
            }
        }
        #expect(try await eventually { test.server.inFlightCount == 3 })
        let refused = try await caller.exchange(try inferFrame("slow", [1], correlationID: 4))
        let error = try errorReply(in: refused)
        #expect(error.code == .resourceExhausted)
        #expect(error.subject == "model 'slow'")
        #expect(error.expected == "at most 3 requests in flight")
        #expect(try #require(error.retryAfterMicroseconds) >= 1_000)
        if test.server.workerCount > 2 {
            let other = try await caller.exchange(try inferFrame("echo", [1], correlationID: 5))
            #expect(try header(of: other).status == .ok)
        }
        gate.open()
        #expect(try await eventually { answered.load(ordering: .relaxed) == 3 })
        let next = try await caller.exchange(try inferFrame("slow", [1], correlationID: 6))
        #expect(try header(of: next).status == .ok)
        #expect(test.server.counters.refusedCount == 1)
    }

    @Test func `a server that is full refuses every model's requests`() async throws {
        let gate = Gate()
        let test = try server(in: .inProcess, gate: gate) { $0.limits.inFlightCount = 2 }
        let caller = RawCaller(try test.channel())
        for id in 1...2 {
            caller.send(try inferFrame("slow", [1], correlationID: UInt64(id))) { _ in }
        }
        #expect(try await eventually { test.server.inFlightCount == 2 })
        let refused = try await caller.exchange(try inferFrame("echo", [1], correlationID: 4))
        #expect(try errorReply(in: refused).code == .resourceExhausted)
        #expect(try errorReply(in: refused).subject == "server")
        // Questions are answered all the same.
        let client = try test.client()
        #expect(try await client.isLive())
        #expect(try await client.isReady())
        gate.open()
        #expect(try await eventually { test.server.inFlightCount == 0 })
    }

    @Test func `replies that would need too much memory are refused, and it is given back`()
        async throws
    {
        let test = try server(in: .inProcess, gate: Gate()) {
            $0.limits.replyByteCount = 100_000
        }
        let caller = RawCaller(try test.channel())
        let large = [Float](repeating: 1, count: 50_000)
        for _ in 0..<3 {
            let reply = try await caller.exchange(try inferFrame("copy", large))
            #expect(try errorReply(in: reply).code == .resourceExhausted)
            #expect(try errorReply(in: reply).retryAfterMicroseconds != nil)
            let small = try await caller.exchange(try inferFrame("copy", [1]))
            #expect(try header(of: small).status == .ok)
        }
    }
}
