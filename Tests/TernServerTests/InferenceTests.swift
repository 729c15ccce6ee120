import TernClient
import TernServer
import TernTensor
import TernWire
import Testing

/// What a client sees of a server that works.
@Suite struct InferenceTests {
    @Test(arguments: World.allCases, [false, true])
    func `what is sent to an identity model comes back`(
        _ world: World,
        _ copies: Bool
    ) async throws {
        let test = try TestServer(in: world, models: ["echo": EchoModel(copies: copies)])
        let client = try test.client()
        for count in [0, 1, 3, 1000, 200_000] {
            let values = (0..<count).map { Float($0) * 0.5 }
            let reply = try await client.infer(
                model: "echo",
                inputs: [InferInput("x", shape: [count], values)]
            )
            #expect(reply.modelVersion == 1)
            #expect(try reply.output("out x").shape == [count])
            #expect(try reply.output("out x").array() == values)
        }
        client.close()
    }

    @Test(arguments: World.allCases, [1, 60, 200, 256])
    func `an input comes back whatever the reply must say before it`(
        _ world: World,
        _ nameByteCount: Int
    ) async throws {
        // Up to some length of the name the reply is written around the payload where it was
        // received; beyond that the payload is copied.
        let name = String(repeating: "n", count: nameByteCount - 1)
        let model = EchoModel(
            outputs: [
                TensorDescriptor(
                    name: "o\(name)",
                    elementType: .fp32,
                    dimensions: [.symbolic("n")]
                )
            ]
        )
        let test = try TestServer(in: world, models: ["echo": model])
        let client = try test.client()
        for wantsPhaseTimes in [false, true] {
            for count in [1, 16, 50_000] {
                let values = (0..<count).map { Float($0) + 0.25 }
                let reply = try await client.infer(
                    model: "echo",
                    inputs: [InferInput("x", shape: [count], values)],
                    options: CallOptions(wantsPhaseTimes: wantsPhaseTimes)
                )
                #expect(try reply.output("o\(name)").array() == values)
                #expect((reply.phaseTimes != nil) == wantsPhaseTimes)
            }
        }
        client.close()
    }

    @Test func `inputs may come in any order, and outputs come as they are wanted`() async throws {
        let model = EchoModel(inputs: [
            TensorDescriptor(name: "a", elementType: .int64, dimensions: [.fixed(1)]),
            TensorDescriptor(name: "b", elementType: .bool, dimensions: nil),
            TensorDescriptor(name: "c", elementType: .bytes, dimensions: [.symbolic("n")]),
        ])
        let test = try TestServer(in: .inProcess, models: ["m": model])
        let client = try test.client()
        let inputs = [
            InferInput("c", shape: [2], ["one", "two"]),
            InferInput("a", shape: [1], [Int64(5)]),
            InferInput("b", shape: [1, 2], [true, false]),
        ]
        let all = try await client.infer(model: "m", inputs: inputs)
        #expect(all.outputs.map(\.name) == ["out a", "out b", "out c"])
        #expect(try all.output("out a").array() == [Int64(5)])
        #expect(try all.output("out b").array() == [true, false])
        #expect(try all.output("out c").strings() == ["one", "two"])
        let some = try await client.infer(
            model: "m",
            inputs: inputs,
            outputs: ["out c", "out a"]
        )
        #expect(some.outputs.map(\.name) == ["out c", "out a"])
        #expect(try some.output("out c").strings() == ["one", "two"])
    }

    @Test(arguments: World.allCases)
    func `phase times sum to the total, which no clock contradicts`(_ world: World) async throws {
        let test = try TestServer(in: world, models: ["echo": EchoModel()])
        let client = try test.client()
        let clock = ContinuousClock()
        let start = clock.now
        let reply = try await client.infer(
            model: "echo",
            inputs: [InferInput("x", shape: [4], [Float(1), 2, 3, 4])],
            options: CallOptions(wantsPhaseTimes: true)
        )
        let times = try #require(reply.phaseTimes)
        #expect(times.batchWait == .zero)
        #expect(
            times.receiveAndDecode + times.queue + times.batchWait + times.compute + times.encode
                == times.total
        )
        #expect(times.total <= clock.now - start)
    }

    @Test(arguments: World.allCases)
    func `64 tasks on one client get their own answers, each once`(_ world: World) async throws {
        let test = try TestServer(in: world, models: ["echo": EchoModel()])
        let client = try test.client()
        let wrong = await withTaskGroup(of: Int.self) { group in
            for task in 0..<64 {
                group.addTask {
                    var wrong = 0
                    for round in 0..<30 {
                        let values = (0...round).map { Float(1000 * task + round + $0) }
                        let reply = try? await client.infer(
                            model: "echo",
                            inputs: [InferInput("x", shape: [values.count], values)]
                        )
                        let answer: [Float]? = try? reply?.output("out x").array()
                        if answer != values { wrong += 1 }
                    }
                    return wrong
                }
            }
            return await group.reduce(0, +)
        }
        #expect(wrong == 0)
        #expect(test.server.counters.completedCount == 64 * 30)
        #expect(test.server.inFlightCount == 0)
    }

    @Test func `a model that fails says so, and the next request is answered`() async throws {
        let test = try TestServer(
            in: .inProcess,
            models: [
                "broken": EchoModel { () throws(ExecutionFailure) in
                    throw ExecutionFailure(reason: "the sky fell down")
                },
                "picky": EchoModel { () throws(ExecutionFailure) in
                    throw ExecutionFailure(isCausedByRequest: true, reason: "not these values")
                },
                "echo": EchoModel(),
            ]
        )
        let client = try test.client()
        let input = InferInput("x", shape: [1], [Float(1)])
        let broken = await #expect(throws: TernError.self) {
            try await client.infer(model: "broken", inputs: [input])
        }
        #expect(broken?.code == .internalError)
        #expect(broken?.message == "the sky fell down")
        #expect(broken?.subject == "model 'broken' version 1")
        let picky = await #expect(throws: TernError.self) {
            try await client.infer(model: "picky", inputs: [input])
        }
        #expect(picky?.code == .invalidArgument)
        let reply = try await client.infer(model: "echo", inputs: [input])
        #expect(try reply.output("out x").array() == [Float(1)])
        #expect(test.server.counters.failedCount == 2)
        #expect(test.server.inFlightCount == 0)
    }

    @Test func `a reply that is longer than a frame may be is refused with both numbers`()
        async throws
    {
        let test = try TestServer(in: .inProcess, models: ["echo": EchoModel()]) {
            $0.limits.wire.frameByteCount = 4096
        }
        let caller = RawCaller(try test.channel())
        // The request has a short input name, the reply a longer one: only the reply is too long.
        let values = [Float](repeating: 0, count: (4096 - 192) / 4)
        let request = try inferFrame("echo", values)
        #expect(request.count <= 4096)
        let reply = try await caller.exchange(
            try inferFrame("echo", values, wantsPhaseTimes: true)
        )
        if try header(of: reply).status != .ok {
            #expect(try errorReply(in: reply).expected == "at most 4096 bytes")
        } else {
            #expect(reply.count <= 4096)
        }
    }
}
