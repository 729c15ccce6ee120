import TernClient

/// Uses every part of the client's public face, with one import and no build settings of Tern's.
///
/// With an endpoint as its argument it calls the server there; without, it checks that a call to
/// nobody fails as documented.
@main struct Stranger {
    static func main() async throws {
        if CommandLine.arguments.count > 1 {
            try await describe(CommandLine.arguments[1])
        } else {
            try await callNobody()
        }
    }

    /// A call without a server fails with a typed error, at its deadline.
    private static func callNobody() async throws {
        let client = try TernClient(endpoint: "abstract://tern-linkage-nobody")
        defer { client.close() }
        do throws(TernError) {
            let reply = try await predict(with: client)
            fatalError("nobody answered \(reply)")
        } catch {
            guard error.code == .unavailable, error.origin == .transport, !error.mayHaveRun else {
                fatalError("expected UNAVAILABLE, found \(error)")
            }
            print("without a server: \(error)")
        }
    }

    /// Tensors from arrays, spans, closures, strings and bytes; answers as arrays and as bytes.
    private static func predict(with client: TernClient) async throws(TernError) -> [Float] {
        let pixels = [Float](repeating: 0.5, count: 64)
        let reply = try await client.infer(
            model: "digits",
            version: 1,
            inputs: [
                InferInput("array", shape: [1, 64], pixels),
                InferInput("span", shape: [1, 64], copying: pixels.span),
                InferInput("closure", shape: [2], of: Int64.self) { target in
                    target.append(1)
                    target.append(2)
                },
                InferInput("texts", shape: [2], ["a", "b"]),
                InferInput("raw", elementType: .bf16, shape: [1], bytes: [0, 0]),
                InferInput("scalar", scalar: 1.5),
            ],
            outputs: ["scores"],
            options: CallOptions(
                timeout: .milliseconds(50),
                priority: 1,
                idempotencyKey: .random(),
                requestID: "linkage",
                wantsPhaseTimes: true
            )
        )
        let scores = try reply.output("scores")
        let shape: Shape = scores.shape
        precondition(shape.elementCount * 4 == scores.bytes.byteCount)
        if let times = reply.phaseTimes { print(times.total) }
        return try scores.array()
    }

    private static func describe(_ endpoint: String) async throws(TernError) {
        var configuration = TernClient.Configuration()
        configuration.defaultTimeout = .seconds(5)
        let client = try await TernClient.connect(to: endpoint, configuration: configuration)
        defer { client.close() }
        print(try await client.serverMetadata(), try await client.isReady())
        for entry in try await client.repositoryIndex() {
            print(entry.name, entry.version, entry.state, entry.reason)
            guard entry.state == .ready else { continue }
            let model = try await client.modelMetadata(entry.name, version: entry.version)
            for tensor in model.inputs + model.outputs { print("  \(tensor)") }
        }
    }
}
