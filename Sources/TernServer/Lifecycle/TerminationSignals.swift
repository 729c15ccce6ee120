internal import Dispatch
internal import Glibc
internal import TernTransport

/// Turns SIGTERM and SIGINT into an orderly end.
///
/// The first of either runs the handler, on a thread of its own, which is expected to drain the
/// server. The second ends the process at once with 128 plus the signal's number, as a shell counts
/// it: whoever sends it has waited long enough. SIGPIPE is ignored, since writing to a peer that is
/// gone is an ordinary event.
package final class TerminationSignals: Sendable {
    /// The signals that end a server.
    package static let signals: [Int32] = [SIGTERM, SIGINT]

    private let sources: [any DispatchSourceSignal]

    /// Takes the signals over from now on; they stay so until the process ends.
    ///
    /// - Parameter handler: What to do at the first signal, given its number.
    package init(_ handler: @escaping @Sendable (_ signal: Int32) -> Void) {
        let queue = DispatchQueue(label: "tern.signals", qos: .userInteractive)
        let handlers = DispatchQueue(label: "tern.termination", qos: .userInitiated)
        let counter = SignalCounter()
        unsafe signal(SIGPIPE, SIG_IGN)
        sources = Self.signals.map { number in
            // The source only sees a signal whose own action doesn't end the process first.
            unsafe signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                for action in counter.arrived(count: source.data) {
                    switch action {
                    case .handle: handlers.async { handler(number) }
                    case .exit: _exit(128 + number)
                    }
                }
            }
            source.activate()
            return source
        }
    }
}

/// Counts termination signals, as a value behind a lock.
package final class SignalCounter: Sendable {
    /// What one signal means.
    package enum Action: Equatable, Sendable {
        /// It is the first: begin the orderly end.
        case handle
        /// It is not the first: end at once.
        case exit
    }

    private let seenCount = Locked(0)

    package init() {}

    /// Takes note of `count` signals that arrived together.
    package func arrived(count: UInt) -> [Action] {
        seenCount.withLock { seen in
            (0..<Int(clamping: count)).map { _ in
                defer { seen += 1 }
                return seen == 0 ? Action.handle : .exit
            }
        }
    }
}
