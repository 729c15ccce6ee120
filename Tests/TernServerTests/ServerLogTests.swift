import Foundation
import Logging
import Testing

@testable import TernServer

/// Keeps log lines, and holds whoever writes them until the gate is open.
private struct HeldLines: LogHandler {
    final class Lines: @unchecked Sendable {
        private let lock = NSLock()
        private var lines: [String] = []

        func append(_ line: String) { lock.withLock { lines.append(line) } }

        var all: [String] { lock.withLock { lines } }
    }

    let lines: Lines
    let gate: Gate
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        gate.pass()
        let particulars = (event.metadata ?? [:]).map { "\($0)=\($1)" }.sorted()
        lines.append(([event.message.description] + particulars).joined(separator: " "))
    }
}

@Suite struct ServerLogTests {
    private let lines = HeldLines.Lines()
    private let gate = Gate()

    private func log(waitingLimit: Int) -> ServerLog {
        let handler = HeldLines(lines: lines, gate: gate)
        return ServerLog(
            logger: Logger(label: "test") { _ in handler },
            waitingLimit: waitingLimit
        )
    }

    @Test func `lines come in order, with their particulars`() async {
        let log = log(waitingLimit: 100)
        gate.open()
        for number in 0..<10 { log.write(.info, "line", ["number": String(number)]) }
        await onOwnThread { log.flush() }
        #expect(lines.all == (0..<10).map { "line number=\($0)" })
    }

    @Test func `a writer that is stuck holds nobody, and what was dropped is counted`()
        async throws
    {
        let log = log(waitingLimit: 4)
        log.write(.info, "first")
        #expect(try await gate.hasArrivals(1))
        for number in 0..<9 { log.write(.info, "line", ["number": String(number)]) }
        gate.open()
        await onOwnThread { log.flush() }
        #expect(
            lines.all == [
                "first", "log events were dropped count=6", "line number=0", "line number=1",
                "line number=2",
            ]
        )
        log.write(.info, "last")
        await onOwnThread { log.flush() }
        #expect(lines.all.last == "last")
    }

    @Test func `what isn't written isn't put into words`() async {
        let log = log(waitingLimit: 4)
        gate.open()
        log.write(
            .debug,
            {
                Issue.record("a silent line was made"); return ""
            }()
        )
        await onOwnThread { log.flush() }
        #expect(lines.all.isEmpty)
        #expect(!log.isOn(.debug))
        #expect(log.isOn(.error))
    }
}
