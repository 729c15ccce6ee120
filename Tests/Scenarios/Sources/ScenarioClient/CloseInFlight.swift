import ArgumentParser
import TernClient

/// Closes clients whose calls are being computed.
struct CloseInFlight: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Closes clients with calls in flight; closing must return at once."
    )

    @Option(help: "The server; it must serve the model 'slow'.")
    var endpoint: String

    @Option(help: "Clients, one after the other.")
    var clients = 20

    @Option(help: "Calls in flight on each.")
    var calls = 32

    private struct Report: Encodable {
        var longestCloseMilliseconds = 0.0
        var longestFailureMilliseconds = 0.0
        var answered = 0
        var failures: [String: Int] = [:]
        var message = ""
    }

    func run() async throws {
        var report = Report()
        for _ in 0..<clients {
            let client = try await TernClient.connect(to: endpoint)
            let side = 512
            let elements = [Float](repeating: 0.001, count: side * side)
            let input = InferInput("x", shape: [side, side], elements)
            let (count, calls) = (self.calls, self.calls)
            let outcomes = await withTaskGroup(of: TernError?.self) { group in
                for _ in 0..<count {
                    group.addTask {
                        do throws(TernError) {
                            _ = try await client.infer(model: "slow", inputs: [input])
                            return nil
                        } catch {
                            return error
                        }
                    }
                }
                try? await Task.sleep(for: .milliseconds(30))
                let start = ContinuousClock.now
                client.close()
                let closed = ContinuousClock.now
                var errors: [TernError?] = []
                for await outcome in group { errors.append(outcome) }
                report.longestCloseMilliseconds = max(
                    report.longestCloseMilliseconds,
                    (closed - start) / .milliseconds(1)
                )
                report.longestFailureMilliseconds = max(
                    report.longestFailureMilliseconds,
                    (ContinuousClock.now - start) / .milliseconds(1)
                )
                return errors
            }
            precondition(outcomes.count == calls)
            for outcome in outcomes {
                if let outcome {
                    report.failures[outcome.code.name, default: 0] += 1
                    report.message = outcome.message
                } else {
                    report.answered += 1
                }
            }
        }
        try write(report)
    }
}
