import ArgumentParser
import CBareNNG
import Foundation
import TernClient

/// Round trips of a tensor through an identity model, against the same bytes through libnng's own
/// REQ and REP sockets.
///
/// The servers are child processes; the clients share this one. Each repeat measures both sides of
/// every case one after the other, so that what else the machine does meets both.
struct Echo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compares Tern's round trip with that of bare nng REQ/REP sockets."
    )

    @Option(help: "How often each case is measured, interleaved.")
    var repeats = 5

    @Option(help: "Round trips of the small tensor in one repeat.")
    var smallCalls = 4000

    @Option(help: "Round trips of the large tensor in one repeat.")
    var largeCalls = 400

    @Option(help: "The tern program; built from this checkout if it isn't given.")
    var tern: String?

    func run() async throws {
        let root = Checkout.root
        let program = try tern.map { URL(fileURLWithPath: $0) } ?? Checkout.buildTern()
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("tern-echo-\(getpid())")
        let version = folder.appendingPathComponent("models/identity/1")
        try FileManager.default.createDirectory(at: version, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.copyItem(
            at: root.appendingPathComponent("Tests/Fixtures/models/identity.onnx"),
            to: version.appendingPathComponent("model.onnx")
        )

        print("load average at the start: \(loadAverage())")
        print("p50 of a round trip in µs, median of \(repeats) repeats (smallest–largest)\n")
        print(
            row("", "tensor", "bare nng", "tern", "ratio", "goal", "tern p99", "server's own p50")
        )
        for scheme in ["ipc", "tcp"] {
            let address = { (name: String) in
                scheme == "ipc"
                    ? "ipc://\(folder.path)/\(name).sock" : "tcp://127.0.0.1:0"
            }
            let bare = try ChildServer(
                program: URL(fileURLWithPath: CommandLine.arguments[0]),
                arguments: ["bare-echo-server", address("bare")]
            )
            defer { bare.stop() }
            let server = try ChildServer(
                program: program,
                arguments: [
                    "serve", "--models", folder.appendingPathComponent("models").path,
                    "--endpoint", address("tern"),
                ]
            )
            defer { server.stop() }
            for (byteCount, calls, goal) in [(128, smallCalls, 1.15), (600_000, largeCalls, 1.3)] {
                try await compare(
                    scheme,
                    bare: bare.url,
                    tern: server.url,
                    byteCount: byteCount,
                    calls: calls,
                    goal: goal
                )
            }
        }
        print("\nload average at the end: \(loadAverage())")
    }

    private func compare(
        _ scheme: String,
        bare: String,
        tern: String,
        byteCount: Int,
        calls: Int,
        goal: Double
    ) async throws {
        guard let bareClient = bare_client_open(bare) else {
            throw ValidationError("libnng cannot dial \(bare)")
        }
        defer { bare_client_close(bareClient) }
        let client = try await TernClient.connect(to: tern)
        defer { client.close() }
        _ = try measureBare(bareClient, byteCount: byteCount, calls: calls / 10)
        _ = try await measureTern(client, byteCount: byteCount, calls: calls / 10)
        var bareMedians: [Double] = []
        var ternMedians: [Double] = []
        var ternTails: [Double] = []
        var ratios: [Double] = []
        var ownMedians: [Double] = []
        for index in 0..<repeats {
            var bareRun: Latencies?
            if index % 2 == 0 {
                bareRun = try measureBare(bareClient, byteCount: byteCount, calls: calls)
            }
            let ternRun = try await measureTern(client, byteCount: byteCount, calls: calls)
            let bareLatencies =
                try bareRun ?? measureBare(bareClient, byteCount: byteCount, calls: calls)
            bareMedians.append(bareLatencies.percentile(0.5))
            ternMedians.append(ternRun.roundTrips.percentile(0.5))
            ternTails.append(ternRun.roundTrips.percentile(0.99))
            ownMedians.append(ternRun.own.percentile(0.5))
            ratios.append(ternRun.roundTrips.percentile(0.5) / bareLatencies.percentile(0.5))
        }
        print(
            row(
                scheme,
                byteCount < 1000 ? "\(byteCount) B" : "\(byteCount / 1000) kB",
                Spread(bareMedians).text(dividedBy: 1000),
                Spread(ternMedians).text(dividedBy: 1000),
                Spread(ratios).text(digits: 2),
                "≤ \(goal)",
                Spread(ternTails).text(dividedBy: 1000),
                Spread(ownMedians).text(dividedBy: 1000)
            )
        )
    }

    private func measureBare(
        _ client: OpaquePointer,
        byteCount: Int,
        calls: Int
    ) throws -> Latencies {
        let bytes = [UInt8](repeating: 1, count: byteCount)
        var reply = [UInt8](repeating: 0, count: byteCount)
        var nanoseconds: [UInt64] = []
        nanoseconds.reserveCapacity(calls)
        for _ in 0..<calls {
            let start = now()
            let received = bare_client_call(client, bytes, byteCount, &reply, byteCount)
            nanoseconds.append(now() - start)
            guard received == byteCount else {
                throw ValidationError("bare nng answered \(received), expected \(byteCount) bytes")
            }
        }
        return Latencies(nanoseconds)
    }

    private func measureTern(
        _ client: TernClient,
        byteCount: Int,
        calls: Int
    ) async throws -> (roundTrips: Latencies, own: Latencies) {
        let elements = [Float](repeating: 1, count: byteCount / 4)
        let inputs = [InferInput("x", shape: [1, elements.count], elements)]
        let options = CallOptions(wantsPhaseTimes: true)
        var nanoseconds: [UInt64] = []
        var own: [UInt64] = []
        nanoseconds.reserveCapacity(calls)
        own.reserveCapacity(calls)
        for _ in 0..<calls {
            let start = now()
            let reply = try await client.infer(model: "identity", inputs: inputs, options: options)
            let received = reply.outputs[0].bytes.byteCount
            nanoseconds.append(now() - start)
            guard received == byteCount, let phases = reply.phaseTimes else {
                throw ValidationError("tern answered \(received) bytes, expected \(byteCount)")
            }
            own.append(UInt64(phases.total / .nanoseconds(1)))
        }
        return (Latencies(nanoseconds), Latencies(own))
    }
}

private func row(_ cells: String...) -> String {
    let widths = [4, 7, 22, 22, 18, 7, 22, 18]
    return zip(cells, widths).map { cell, width in
        cell + String(repeating: " ", count: max(0, width - cell.count))
    }.joined(separator: " ")
}
