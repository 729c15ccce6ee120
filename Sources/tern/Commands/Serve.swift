import ArgumentParser
import Foundation
import Logging
import TernServer

/// Serves a folder of models.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serves the models of a folder until it is told to end.",
        discussion: """
            The folder holds NAME/VERSION/model.onnx, with versions from 1, or model.tern, as \
            'tern compile' writes it, beside it or instead. Every version can be called by its \
            number; the newest answers when none is named. A model that cannot be loaded is \
            reported and left out; if none can, tern ends with 65.

            Prints 'ready URL' for each endpoint once everything is loaded. SIGTERM and SIGINT \
            drain: accepted requests are answered, new ones turned away, then tern ends with 0. A \
            second signal ends it at once. SIGUSR1 writes the counters as one line of JSON to \
            standard error, where the log goes too.

              tern serve --models models --endpoint ipc:///run/tern/tern.sock
              tern serve --models models --endpoint tcp://127.0.0.1:0    (prints the port)
            """
    )

    @Option(help: "The folder of models.")
    var models: String

    @Option(
        name: .customLong("endpoint"),
        help: "Where to listen: ipc:///path, abstract://name or tcp://host:port; may be repeated."
    )
    var endpoints: [String]

    @Option(help: "How many requests run at once; as a rule one for each processor.")
    var workers: Int?

    @Option(
        help: """
            How long the last idle worker looks for the next request before it sleeps, in \
            microseconds, while requests usually come that fast: longer means quicker answers to \
            sparser requests, and a busier processor.
            """
    )
    var lookout: Int = 250

    @Option(
        help: """
            The most rows of several requests that run together, of models of which loading shows \
            that it changes no bit and pays; nothing ever waits for company. 1 for no batches.
            """
    )
    var batchRows: Int = 64

    @Option(help: "How long a drain may take, in seconds.")
    var drainTimeout: Int = 30

    @Option(
        help: "What is logged: trace, debug, info, notice, warning, error or critical.",
        transform: Self.level
    )
    var logLevel = Logger.Level.info

    private static func level(_ name: String) throws -> Logger.Level {
        guard let level = Logger.Level(rawValue: name) else {
            let known = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("'\(name)' is no log level; expected one of \(known)")
        }
        return level
    }

    func validate() throws {
        if let workers, workers < 1 { throw ValidationError("--workers must be at least 1") }
        if !(50...3_600_000_000).contains(lookout) {
            throw ValidationError("--lookout must be at least 50 and at most an hour")
        }
        if !(1...4096).contains(batchRows) {
            throw ValidationError("--batch-rows must be from 1 to 4096")
        }
        if drainTimeout < 0 { throw ValidationError("--drain-timeout cannot be negative") }
    }

    func run() async throws {
        try await reportingFailure {
            LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
            var configuration = ServerConfiguration()
            configuration.modelsDirectory = models
            configuration.endpoints = endpoints
            configuration.workerCount = workers
            configuration.lookoutMicroseconds = lookout
            configuration.limits.batchRowCount = batchRows
            configuration.logger = Logger(label: "tern")
            configuration.logger.logLevel = logLevel
            let server = Server(configuration)
            do throws(ServerStartError) {
                try server.start()
            } catch {
                throw Failure(error)
            }
            StatisticsSignal.handle { writeError(server.statisticsLine) }
            for url in server.urls { writeLine("ready \(url)") }
            await withCheckedContinuation { continuation in
                TerminationSignals.handle { _ in continuation.resume() }
            }
            let outcome = server.drain(within: .seconds(drainTimeout))
            server.stop()
            writeError(server.statisticsLine)
            if case .timedOut(let count) = outcome {
                throw Failure(
                    .temporary,
                    "\(count) requests were not answered within \(drainTimeout) s of draining"
                )
            }
        }
    }
}

extension Failure {
    /// Translates why a server didn't start.
    init(_ error: ServerStartError) {
        let kind: Kind =
            switch error {
            case .repository: .noInput
            case .noModel: .data
            case .configuration: .usage
            case .endpoint: .unavailable
            case .notStartable: .software
            }
        self.init(kind, error.description)
    }
}
