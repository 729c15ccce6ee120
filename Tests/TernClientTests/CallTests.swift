import TernClient
internal import TernWire
import Testing

/// Calls that a server answers.
@Suite struct CallTests {
    private let directory = TemporaryDirectory()

    private func client(
        _ world: World = .ipc,
        _ handler: @escaping TestServer.Handler
    ) throws -> (TernClient, TestServer) {
        let server = try TestServer.start(at: directory.url(in: world), handler)
        return (try server.client(), server)
    }

    @Test(arguments: World.allCases)
    func `the tensors that are sent come back as they were`(_ world: World) async throws {
        let (client, server) = try client(world) { $0.echo() }
        let reply = try await client.infer(
            model: "echo",
            inputs: [
                InferInput("floats", shape: [2, 2], [Float](arrayLiteral: 1, -0.5, .infinity, 3)),
                InferInput("longs", shape: [3], [Int64.min, 0, .max]),
                InferInput("flags", shape: [4], [true, false, false, true]),
                InferInput("texts", shape: [2], ["", "Größe"]),
                InferInput("scalar", scalar: 2.5),
                InferInput("nothing", shape: [0, 3], [Double]()),
                InferInput("brain", elementType: .bf16, shape: [2], bytes: [0, 0x80, 0x3F, 1]),
            ]
        )
        #expect(reply.modelName == "echo")
        #expect(reply.modelVersion == 7)
        #expect(reply.phaseTimes == nil)
        #expect(reply.outputs.map(\.name).count == 7)
        let floats = try reply.output("floats")
        #expect(floats.shape == [2, 2])
        #expect(floats.elementType == .fp32)
        #expect(try floats.array() == [Float](arrayLiteral: 1, -0.5, .infinity, 3))
        #expect(try reply.output("longs").array() == [Int64.min, 0, .max])
        #expect(try reply.output("flags").array() == [true, false, false, true])
        #expect(try reply.output("texts").strings() == ["", "Größe"])
        #expect(try reply.output("scalar").array() == [2.5])
        #expect(try reply.output("scalar").shape.rank == 0)
        #expect(try reply.output("nothing").array() == [Double]())
        #expect(try reply.output("brain").tensor.bytes.byteCount == 4)
        client.close()
        server.stop()
    }

    @Test func `a span and a closure give the same bytes as an array`() async throws {
        let (client, server) = try client { $0.echo() }
        let values: [Float] = (0..<1000).map { Float($0) }
        let reply = try await client.infer(
            model: "echo",
            inputs: [
                InferInput("span", shape: [1000], copying: values.span),
                InferInput("closure", shape: [1000], of: Float.self) { target in
                    for value in 0..<1000 { target.append(Float(value)) }
                },
            ]
        )
        #expect(try reply.output("span").array() == values)
        #expect(try reply.output("closure").array() == values)
        client.close()
        server.stop()
    }

    @Test(arguments: [1, 1000, 15_000, 16_384, 100_000, 1_000_000])
    func `a tensor of any size comes back, on a cache line`(_ count: Int) async throws {
        let (client, server) = try client { $0.echo() }
        let values = (0..<count).map { Int32(truncatingIfNeeded: $0 &* 2_654_435_761) }
        for _ in 0..<3 {
            let reply = try await client.infer(
                model: "echo",
                inputs: [InferInput("x", shape: [count], values)]
            )
            let output = try reply.output("x")
            #expect(try output.array() == values)
            let address = unsafe output.bytes.withUnsafeBytes { Int(bitPattern: $0.baseAddress) }
            #expect(address % 64 == 0)
        }
        client.close()
        server.stop()
    }

    @Test func `model, version, label, options and wanted outputs arrive`() async throws {
        let seen = AsyncStream.makeStream(of: [UInt8].self)
        let (client, server) = try client { request in
            seen.continuation.yield(request.frame)
            request.echo()
        }
        let input = InferInput("x", shape: [1], [Float(1)])
        _ = try await client.infer(
            model: "digits",
            version: 3,
            inputs: [input],
            outputs: ["y", "z"],
            options: CallOptions(
                timeout: .milliseconds(5500),
                priority: -3,
                idempotencyKey: .init(high: 5, low: 6),
                requestID: "request-1"
            )
        )
        _ = try await client.infer(
            model: "digits",
            label: "stable",
            inputs: [input],
            options: CallOptions(wantsPhaseTimes: true)
        )
        var frames = seen.stream.makeAsyncIterator()
        let first = try RequestSummary(of: try #require(await frames.next()))
        #expect(first.modelName == "digits")
        #expect(first.version == 3)
        #expect(first.priority == -3)
        #expect(first.idempotencyKey == TernWire.IdempotencyKey(low: 6, high: 5))
        #expect(first.requestID == "request-1")
        #expect(first.wantedOutputs == ["y", "z"])
        #expect(try #require(first.budgetMicroseconds) <= 5_500_000)
        let second = try RequestSummary(of: try #require(await frames.next()))
        #expect(second.version == nil)
        #expect(second.label == "stable")
        #expect(second.wantsPhaseTimes)
        #expect(second.correlationID != first.correlationID)
        client.close()
        server.stop()
    }

    @Test func `phase times sum to the total`() async throws {
        let (client, server) = try client { $0.echo() }
        let reply = try await client.infer(
            model: "echo",
            inputs: [],
            options: CallOptions(wantsPhaseTimes: true)
        )
        let times = try #require(reply.phaseTimes)
        #expect(times.compute == .microseconds(4))
        #expect(times.total == .microseconds(15))
        client.close()
        server.stop()
    }

    @Test(arguments: World.allCases)
    func `the other calls bring what the server says`(_ world: World) async throws {
        let inputs = [
            TensorDescriptor(
                name: "x",
                elementType: .fp32,
                dimensions: [.symbolic("batch"), .fixed(64), .unknown]
            )
        ]
        let (client, server) = try client(world) { request in
            let id = request.header.correlationID
            switch request.header.kind {
            case .serverLive:
                request.reply(ServerLiveReply(isLive: true).encoded(correlationID: id))
            case .serverReady:
                request.reply(ServerReadyReply(isReady: false).encoded(correlationID: id))
            case .serverMetadata:
                let reply = ServerMetadataReply(name: "t", version: "1", extensions: ["e"])
                request.reply(reply.encoded(correlationID: id))
            case .modelReady:
                request.reply(ModelReadyReply(isReady: true).encoded(correlationID: id))
            case .modelMetadata:
                let reply = ModelMetadataReply(
                    name: "m",
                    version: 2,
                    platform: "onnx",
                    availableVersions: [1, 2],
                    inputs: inputs,
                    outputs: []
                )
                request.reply(reply.encoded(correlationID: id))
            case .repositoryIndex:
                let entry = RepositoryIndexReply.Entry(
                    name: "m",
                    version: 2,
                    state: .unavailable,
                    reason: "broken"
                )
                request.reply(RepositoryIndexReply(entries: [entry]).encoded(correlationID: id))
            case .repositoryModelLoad:
                request.reply(RepositoryModelLoadReply().encoded(correlationID: id))
            case .repositoryModelUnload:
                request.fail(.notFound, "there is no model \"n\"")
            default: request.fail(.unimplemented, "no")
            }
        }
        #expect(try await client.isLive())
        #expect(try await client.isReady() == false)
        let metadata = try await client.serverMetadata()
        #expect(metadata == ServerMetadata(name: "t", version: "1", extensions: ["e"]))
        #expect(try await client.isModelReady("m", version: 2))
        let model = try await client.modelMetadata("m")
        #expect(model.availableVersions == [1, 2])
        #expect(model.inputs == inputs)
        #expect(
            try await client.repositoryIndex() == [
                RepositoryEntry(name: "m", version: 2, state: .unavailable, reason: "broken")
            ]
        )
        try await client.loadModel("m")
        let error = await #expect(throws: TernError.self) { try await client.unloadModel("n") }
        #expect(error?.code == .notFound)
        client.close()
        server.stop()
    }

    @Test func `it works over TCP and abstract sockets as well`() async throws {
        for url in ["tcp://127.0.0.1:0", "abstract://\(directory.path)"] {
            let server = try TestServer.start(at: url) { $0.echo() }
            let client = try TernClient(endpoint: server.url)
            let reply = try await client.infer(
                model: "echo",
                inputs: [InferInput("x", shape: [2], [UInt8](arrayLiteral: 1, 2))]
            )
            #expect(try reply.output("x").array() == [UInt8](arrayLiteral: 1, 2))
            client.close()
            server.stop()
        }
    }

    @Test(arguments: World.allCases)
    func `64 tasks on one client get their own answers`(_ world: World) async throws {
        let (client, server) = try client(world) { $0.echo() }
        let wrong = await withTaskGroup(of: Int.self) { group in
            for task in 0..<64 {
                group.addTask {
                    var wrong = 0
                    for round in 0..<50 {
                        let values = [Int64](
                            repeating: Int64(task * 1000 + round),
                            count: 1 + round
                        )
                        let reply = try? await client.infer(
                            model: "echo",
                            inputs: [InferInput("x", shape: [values.count], values)]
                        )
                        let answer: [Int64]? = try? reply?.output("x").array()
                        if answer != values { wrong += 1 }
                    }
                    return wrong
                }
            }
            return await group.reduce(0, +)
        }
        #expect(wrong == 0)
        client.close()
        server.stop()
    }
}
