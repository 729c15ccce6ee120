package import TernTransport

/// Collects the outcomes of calls.
package final class Outcomes: Sendable {
    /// What became of a call.
    package enum Outcome: Equatable, Sendable {
        case reply([UInt8])
        case failure(TransportError)
    }

    private let state = Monitor<[(Int, Outcome)]>([])

    package init() {}

    /// A completion that notes what it gets under `key`.
    package func completion(_ key: Int) -> RequestChannel.Completion {
        { result in
            let outcome: Outcome =
                switch consume result {
                case .success(let message): .reply(message.bytes.array)
                case .failure(let error): .failure(error)
                }
            self.state.withLock { $0.append((key, outcome)) }
            self.state.signalAll()
        }
    }

    /// What has been noted, in order.
    package var all: [(Int, Outcome)] { state.withLock { $0 } }

    /// Waits for `count` outcomes, ten seconds at most.
    package func wait(_ count: Int) -> [(Int, Outcome)]? {
        state.wait(until: MonotonicClock.nanoseconds + 10_000_000_000) {
            $0.count >= count ? $0 : nil
        }
    }
}
