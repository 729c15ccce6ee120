import Foundation
import TernClient

/// Round trips, and what part of each the server says it took.
struct LatencyTable {
    private var roundTrips: [Double] = []
    private var serverTotals: [Double] = []
    private var phases: [(name: String, values: [Double])] = [
        ("receive and decode", []), ("queue", []), ("batch wait", []), ("compute", []),
        ("encode", []),
    ]

    /// Adds one call.
    mutating func add(_ roundTrip: Duration, server: PhaseTimes?) {
        roundTrips.append(roundTrip / .microseconds(1))
        guard let server else { return }
        serverTotals.append(server.total / .microseconds(1))
        let durations = [
            server.receiveAndDecode, server.queue, server.batchWait, server.compute, server.encode,
        ]
        for (index, duration) in durations.enumerated() {
            phases[index].values.append(duration / .microseconds(1))
        }
    }

    /// Writes the percentiles, in microseconds.
    func write() {
        writeLine("latency in µs".padding(to: 24) + Self.row(["p50", "p90", "p99", "max"]))
        writeLine("  round trip".padding(to: 24) + Self.row(of: roundTrips))
        writeLine("  of it the server".padding(to: 24) + Self.row(of: serverTotals))
        for (name, values) in phases {
            writeLine("    \(name)".padding(to: 24) + Self.row(of: values))
        }
    }

    private static func row(of values: [Double]) -> String {
        let ordered = values.sorted()
        return row(
            [0.5, 0.9, 0.99, 1].map { fraction in
                guard !ordered.isEmpty else { return "-" }
                let rank = Int((fraction * Double(ordered.count)).rounded(.up)) - 1
                return String(format: "%.1f", ordered[max(rank, 0)])
            }
        )
    }

    private static func row(_ cells: [String]) -> String {
        cells.map { $0.leftPadding(to: 9) }.joined()
    }
}
