internal import Dispatch
package import Logging
internal import Synchronization

/// Writes log lines on a thread of its own.
///
/// Whoever reports an event hands it over and goes on: a slow terminal or a full pipe holds no
/// thread that answers requests. At most a fixed number of events wait; more are dropped, and the
/// next line that is written says how many. A level that is switched off costs one comparison.
package final class ServerLog: Sendable {
    private let logger: Logger
    private let queue = DispatchQueue(label: "tern.log", qos: .utility)
    private let waitingLimit: Int
    private let waitingCount = Atomic<Int>(0)
    private let droppedCount = Atomic<Int>(0)

    /// Writes to `logger`.
    package init(logger: Logger, waitingLimit: Int) {
        self.logger = logger
        self.waitingLimit = waitingLimit
    }

    /// Whether lines of `level` are written at all.
    package func isOn(_ level: Logger.Level) -> Bool { logger.logLevel <= level }

    /// Reports an event.
    ///
    /// - Parameters:
    ///   - level: How much it matters.
    ///   - message: The event, without its particulars.
    ///   - metadata: The particulars; only evaluated if the line is written.
    package func write(
        _ level: Logger.Level,
        _ message: @autoclosure () -> String,
        _ metadata: @autoclosure () -> [String: String] = [:]
    ) {
        guard isOn(level) else { return }
        guard waitingCount.wrappingAdd(1, ordering: .relaxed).oldValue < waitingLimit else {
            waitingCount.wrappingSubtract(1, ordering: .relaxed)
            droppedCount.wrappingAdd(1, ordering: .relaxed)
            return
        }
        let message = message()
        let metadata = metadata().mapValues { Logger.MetadataValue.string($0) }
        queue.async { [self] in
            let dropped = droppedCount.exchange(0, ordering: .relaxed)
            if dropped > 0 {
                logger.warning(
                    "log events were dropped",
                    metadata: ["count": "\(dropped)"],
                    source: "TernServer"
                )
            }
            logger.log(level: level, "\(message)", metadata: metadata, source: "TernServer")
            waitingCount.wrappingSubtract(1, ordering: .relaxed)
        }
    }

    /// Waits until every event reported so far is written.
    ///
    /// Not for threads that answer requests.
    package func flush() { queue.sync {} }
}
