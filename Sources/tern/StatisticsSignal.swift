import Dispatch
import Glibc
import Synchronization

/// Lets whoever operates a server ask for its counters with SIGUSR1.
enum StatisticsSignal {
    /// Kept for the life of the process: a source that is let go of delivers nothing.
    private static let source = Mutex<(any DispatchSourceSignal)?>(nil)

    /// Runs `handler` at each SIGUSR1, on a thread of its own.
    static func handle(_ handler: @escaping @Sendable () -> Void) {
        // The default action would end the process before the source sees the signal.
        signal(SIGUSR1, SIG_IGN)
        source.withLock { source in
            let queue = DispatchQueue(label: "tern.statistics")
            let made = DispatchSource.makeSignalSource(signal: SIGUSR1, queue: queue)
            made.setEventHandler(handler: handler)
            made.resume()
            source = made
        }
    }
}
