import ArgumentParser
import Foundation
import TernClient

/// What batches are worth: the same calls to a server that makes them and to one that doesn't, in
/// turns.
struct Batching: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compares a server that runs requests together with one that doesn't.",
        discussion: """
            Many callers, each with one call in flight, send one row at a time; then one caller \
            alone. Both servers and the client share this machine's processors, so the client's \
            own work is part of the throughput.
            """
    )

    @Option(help: "How often each side is measured, interleaved.")
    var repeats = 5

    @Option(help: "Calls in flight.")
    var inFlight = 64

    @Option(help: "Calls of all callers in one repeat.")
    var calls = 20_000

    @Option(
        help: "The model: a file whose only input is of floats, with rows along its first axis."
    )
    var model: String

    @Option(help: "The tern program; built from this checkout if it isn't given.")
    var tern: String?

    func run() async throws {
        let program = try tern.map { URL(fileURLWithPath: $0) } ?? Checkout.buildTern()
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("tern-batching-\(getpid())")
        let version = folder.appendingPathComponent("models/m/1")
        try FileManager.default.createDirectory(at: version, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.copyItem(
            at: URL(fileURLWithPath: model),
            to: version.appendingPathComponent("model.onnx")
        )
        var servers: [ChildServer] = []
        defer { for server in servers { server.stop() } }
        var clients: [TernClient] = []
        defer { for client in clients { client.close() } }
        for rows in [1, 64] {
            let server = try ChildServer(
                program: program,
                arguments: [
                    "serve", "--models", folder.appendingPathComponent("models").path,
                    "--endpoint", "ipc://\(folder.path)/\(rows).sock",
                    "--batch-rows", String(rows),
                ]
            )
            servers.append(server)
            clients.append(try await TernClient.connect(to: server.url))
        }
        print("load average at the start: \(loadAverage())")
        let input = try await Self.row(for: clients[0])
        var rates: [[Double]] = [[], []]
        var computes: [[Double]] = [[], []]
        var lone: [[Double]] = [[], []]
        var rateRatios: [Double] = []
        var loneRatios: [Double] = []
        for turn in -1..<repeats {
            var rate = [0.0, 0.0]
            var median = [0.0, 0.0]
            for side in turn % 2 == 0 ? [0, 1] : [1, 0] {
                let crowd = try await Self.crowd(clients[side], input, inFlight, calls)
                rate[side] = crowd.rate
                median[side] = try await Self.lone(clients[side], input, calls: 2000)
                guard turn >= 0 else { continue }
                rates[side].append(crowd.rate)
                computes[side].append(crowd.computeNanoseconds)
                lone[side].append(median[side])
            }
            guard turn >= 0 else { continue }
            rateRatios.append(rate[1] / rate[0])
            loneRatios.append(median[1] / median[0])
        }
        print("median of \(repeats) repeats (smallest–largest): alone, in batches, ratio")
        print("  calls a second, \(inFlight) in flight")
        print(
            "    \(Spread(rates[0]).text(digits: 0))  \(Spread(rates[1]).text(digits: 0))  "
                + Spread(rateRatios).text(digits: 2)
        )
        print("  the server's mean time to compute, µs")
        print(
            "    \(Spread(computes[0]).text(dividedBy: 1000))  "
                + Spread(computes[1]).text(dividedBy: 1000)
        )
        print("  p50 of a lone caller, µs")
        print(
            "    \(Spread(lone[0]).text(dividedBy: 1000))  "
                + "\(Spread(lone[1]).text(dividedBy: 1000))  \(Spread(loneRatios).text(digits: 2))"
        )
        print("load average at the end: \(loadAverage())")
    }

    /// One row for the model's only input.
    private static func row(for client: TernClient) async throws -> InferInput {
        let metadata = try await client.modelMetadata("m")
        guard metadata.inputs.count == 1, let dimensions = metadata.inputs[0].dimensions else {
            throw ValidationError("the model must have one input of a known rank")
        }
        let shape = [1] + dimensions.dropFirst().map { $0.fixedSize ?? 8 }
        let count = shape.reduce(1, *)
        return InferInput(
            metadata.inputs[0].name,
            shape: Shape(shape),
            (0..<count).map { Float($0 % 17) / 16 }
        )
    }

    private static func crowd(
        _ client: TernClient,
        _ input: InferInput,
        _ callers: Int,
        _ calls: Int
    ) async throws -> (rate: Double, computeNanoseconds: Double) {
        let start = now()
        let compute = try await withThrowingTaskGroup(of: Double.self) { group in
            for _ in 0..<callers {
                group.addTask {
                    var sum = 0.0
                    for _ in 0..<calls / callers {
                        let reply = try await client.infer(
                            model: "m",
                            inputs: [input],
                            options: CallOptions(wantsPhaseTimes: true)
                        )
                        sum += (reply.phaseTimes?.compute ?? .zero) / .nanoseconds(1)
                    }
                    return sum
                }
            }
            return try await group.reduce(0, +)
        }
        let done = Double(calls / callers * callers)
        return (done / (Double(now() - start) / 1e9), compute / done)
    }

    private static func lone(
        _ client: TernClient,
        _ input: InferInput,
        calls: Int
    ) async throws -> Double {
        var nanoseconds: [UInt64] = []
        for _ in 0..<calls {
            let start = now()
            _ = try await client.infer(model: "m", inputs: [input])
            nanoseconds.append(now() - start)
        }
        return Latencies(nanoseconds).percentile(0.5)
    }
}
