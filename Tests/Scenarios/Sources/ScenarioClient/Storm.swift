import ArgumentParser
import TernClient

/// Many tasks on one client, each request with elements of its own.
struct Storm: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes many calls from many tasks; every answer must be that of its own request."
    )

    @Option(help: "The server.")
    var endpoint: String

    @Option(help: "Tasks that call at the same time.")
    var tasks = 64

    @Option(help: "Calls of all tasks together.")
    var requests = 100_000

    private struct Report: Encodable {
        var right = 0
        var wrong = 0
        var failures: [String: Int] = [:]
        var seconds = 0.0
    }

    func run() async throws {
        let client = try await TernClient.connect(to: endpoint)
        defer { client.close() }
        let start = ContinuousClock.now
        var report = await withTaskGroup(of: Report.self) { group in
            for task in 0..<tasks {
                group.addTask {
                    var report = Report()
                    for number in stride(from: task, to: requests, by: tasks) {
                        do throws(TernError) {
                            let isRight = try await callIdentity(
                                client,
                                number: number,
                                timeout: .seconds(60)
                            )
                            if isRight { report.right += 1 } else { report.wrong += 1 }
                        } catch {
                            report.failures[error.description, default: 0] += 1
                        }
                    }
                    return report
                }
            }
            return await group.reduce(into: Report()) { sum, part in
                sum.right += part.right
                sum.wrong += part.wrong
                sum.failures.merge(part.failures, uniquingKeysWith: +)
            }
        }
        report.seconds = (ContinuousClock.now - start) / .seconds(1)
        try write(report)
    }
}
