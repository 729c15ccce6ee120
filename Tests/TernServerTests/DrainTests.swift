import Synchronization
import TernClient
import TernServer
import TernWire
import Testing

/// Clients that ask again as soon as they are answered, whatever the answer is.
private final class RestlessClients: Sendable {
    private let caller: RawCaller
    private let frame: [UInt8]
    private let isOver = Atomic<Bool>(false)
    private let answered = Atomic<Int>(0)

    init(caller: RawCaller, frame: [UInt8]) {
        self.caller = caller
        self.frame = frame
    }

    var answeredCount: Int { answered.load(ordering: .relaxed) }

    func start(count: Int) {
        for _ in 0..<count { ask() }
    }

    func stop() { isOver.store(true, ordering: .relaxed) }

    private func ask() {
        caller.send(frame) { [self] result in
            guard case .success = result, !isOver.load(ordering: .relaxed) else { return }
            answered.wrappingAdd(1, ordering: .relaxed)
            // Not from within the completion, which may run inside a call.
            Task { ask() }
        }
    }
}

/// How a server ends.
@Suite struct DrainTests {
    @Test(arguments: World.allCases)
    func `a drain waits until every accepted request's reply has left`(
        _ world: World
    ) async throws {
        let gate = Gate()
        let test = try TestServer(
            in: world,
            models: ["slow": EchoModel { () throws(ExecutionFailure) in gate.pass() }]
        )
        let client = try test.client()
        let values = [Float](repeating: 7, count: 100_000)
        let calls = (0..<8).map { _ in
            Task {
                let reply = try await client.infer(
                    model: "slow",
                    inputs: [InferInput("x", shape: [values.count], values)]
                )
                let answer: [Float] = try reply.output("out x").array()
                return answer == values
            }
        }
        #expect(try await gate.hasArrivals(2))
        #expect(try await eventually { test.server.inFlightCount == 8 })
        #expect(test.server.drain(within: .milliseconds(20)) == .timedOut(unansweredCount: 8))
        #expect(test.server.phase == .draining)

        // New work is turned away, questions are answered.
        let refused = await #expect(throws: TernError.self) {
            try await client.infer(
                model: "slow",
                inputs: [InferInput("x", shape: [1], [Float(1)])]
            )
        }
        #expect(refused?.code == .unavailable)
        #expect(try await client.isLive())
        #expect(try await client.isReady() == false)
        #expect(try await client.isModelReady("slow") == false)

        gate.open()
        let server = test.server
        let outcome = await onOwnThread { server.drain(within: .seconds(10)) }
        #expect(outcome == .complete)
        server.stop()
        for call in calls { #expect(try await call.value) }
        #expect(server.counters.completedCount == 8)
        #expect(server.phase == .stopped)
    }

    @Test(arguments: World.allCases)
    func `a drain ends although clients go on asking`(_ world: World) async throws {
        let test = try TestServer(in: world, models: ["echo": EchoModel()])
        let clients = RestlessClients(
            caller: RawCaller(try test.channel()),
            frame: try inferFrame("echo", [1, 2, 3])
        )
        clients.start(count: 64)
        #expect(try await eventually { clients.answeredCount > 1000 })
        let server = test.server
        let outcome = await onOwnThread { server.drain(within: .seconds(20)) }
        #expect(outcome == .complete)
        clients.stop()
        server.stop()
        #expect(server.counters.completedCount == server.counters.admittedCount)
    }

    @Test(arguments: World.allCases)
    func `nobody can connect to a server that drains`(_ world: World) async throws {
        let test = try TestServer(in: world, models: ["echo": EchoModel()])
        #expect(test.server.drain(within: .seconds(1)) == .complete)
        let client = try test.client()
        let error = await #expect(throws: TernError.self) {
            try await client.isLive(options: CallOptions(timeout: .milliseconds(50)))
        }
        #expect(error?.code == .unavailable || error?.code == .deadlineExceeded)
    }

    @Test(arguments: World.allCases)
    func `a server that stops fails its calls at once`(_ world: World) async throws {
        let gate = Gate()
        let test = try TestServer(
            in: world,
            models: ["slow": EchoModel { () throws(ExecutionFailure) in gate.pass() }]
        )
        let client = try test.client()
        let call = Task {
            try await client.infer(
                model: "slow",
                inputs: [InferInput("x", shape: [1], [Float(1)])]
            )
        }
        #expect(try await gate.hasArrivals(1))
        let server = test.server
        async let stop: Void = onOwnThread { server.stop() }
        let error = await #expect(throws: TernError.self) { try await call.value }
        #expect(error?.code == .unavailable)
        gate.open()
        await stop
        #expect(server.phase == .stopped)
        server.stop()
    }

    @Test func `a server cannot be started twice`() throws {
        let test = try TestServer(in: .inProcess, models: ["echo": EchoModel()])
        #expect(throws: ServerStartError.self) { try test.server.start() }
        #expect(test.server.phase == .serving)
    }
}
