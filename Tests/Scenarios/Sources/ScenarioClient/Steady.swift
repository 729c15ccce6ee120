import ArgumentParser
import Foundation
import TernClient

/// A service that goes on calling while its server comes and goes.
struct Steady: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Calls without a pause until standard input closes, whatever the server does."
    )

    @Option(help: "The server.")
    var endpoint: String

    @Option(help: "Tasks that call at the same time.")
    var tasks = 8

    @Option(help: "How long a call may take, in milliseconds.")
    var timeoutMilliseconds = 1000

    private struct Report: Encodable {
        var right = 0
        var wrong = 0
        /// Failures by code.
        var failures: [String: Int] = [:]
        /// One message for each code.
        var messages: [String: String] = [:]
        /// The longest that a call took, in milliseconds.
        var longestCallMilliseconds = 0.0
        /// The longest time between two right answers of one task, in milliseconds.
        var longestGapMilliseconds = 0.0
    }

    func run() async throws {
        // One client for the whole run: that it is never replaced is what is being shown.
        let client = try await TernClient.connect(to: endpoint)
        defer { client.close() }
        let timeout = Duration.milliseconds(timeoutMilliseconds)
        let isEnding = Task.detached {
            // Blocks a thread of its own pool slot until the parent closes our input.
            while let line = readLine(), line != "end" {}
        }
        let ending = EndFlag()
        Task {
            await isEnding.value
            await ending.set()
        }
        let report = await withTaskGroup(of: Report.self) { group in
            for task in 0..<tasks {
                group.addTask {
                    var report = Report()
                    var number = task
                    var lastRight = ContinuousClock.now
                    while await !ending.isSet {
                        let start = ContinuousClock.now
                        do throws(TernError) {
                            let isRight = try await callIdentity(
                                client,
                                number: number,
                                timeout: timeout
                            )
                            if isRight { report.right += 1 } else { report.wrong += 1 }
                            let now = ContinuousClock.now
                            report.longestGapMilliseconds = max(
                                report.longestGapMilliseconds,
                                (now - lastRight) / .milliseconds(1)
                            )
                            lastRight = now
                        } catch {
                            report.failures[error.code.name, default: 0] += 1
                            report.messages[error.code.name] = error.message
                            try? await Task.sleep(for: .milliseconds(2))
                        }
                        report.longestCallMilliseconds = max(
                            report.longestCallMilliseconds,
                            (ContinuousClock.now - start) / .milliseconds(1)
                        )
                        number += tasks
                    }
                    return report
                }
            }
            return await group.reduce(into: Report()) { sum, part in
                sum.right += part.right
                sum.wrong += part.wrong
                sum.failures.merge(part.failures, uniquingKeysWith: +)
                sum.messages.merge(part.messages) { first, _ in first }
                sum.longestCallMilliseconds = max(
                    sum.longestCallMilliseconds,
                    part.longestCallMilliseconds
                )
                sum.longestGapMilliseconds = max(
                    sum.longestGapMilliseconds,
                    part.longestGapMilliseconds
                )
            }
        }
        try write(report)
    }
}

/// Tells all tasks to end.
private actor EndFlag {
    private(set) var isSet = false

    func set() { isSet = true }
}
