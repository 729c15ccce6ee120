// When a server is swept: every quarter of a second while it lives, and sooner when it asks.
//
// The process's alarm clock keeps the time. Its alarms ring once, so each regular sweep sets the next;
// one that was asked for comes in addition. `stop` may find a sweep at work, which is harmless: all
// that it could end or resume is closed by then.

internal import TernTransport

/// Sweeps a server at the right times.
final class Sweeper: Sendable {
    private static let intervalNanoseconds: UInt64 = 250_000_000

    private final class Sweep: Alarm, @unchecked Sendable {
        private let sweeper: Sweeper
        private let isRegular: Bool

        init(by sweeper: Sweeper, isRegular: Bool) {
            self.sweeper = sweeper
            self.isRegular = isRegular
        }

        override func ring() { sweeper.sweep(isRegular: isRegular) }
    }

    private struct State {
        /// Held from `start` to `stop`.
        var server: StreamServer?
        var next: Alarm?
    }

    private let state = Locked(State())

    /// Begins to sweep `server`, which is held until ``stop()``.
    func start(_ server: StreamServer) {
        state.withLock { $0.server = server }
        setNext()
    }

    /// Sees to it that there is a sweep soon after `time`.
    func sweep(noLaterThan time: UInt64) {
        AlarmClock.shared.set(Sweep(by: self, isRegular: false), at: time)
    }

    /// Sweeps no more; idempotent.
    func stop() {
        let next = state.withLock { state in
            state.server = nil
            return state.next.take()
        }
        if let next { AlarmClock.shared.takeBack(next) }
    }

    private func setNext() {
        let alarm = Sweep(by: self, isRegular: true)
        let isWanted = state.withLock { state in
            guard state.server != nil else { return false }
            state.next = alarm
            return true
        }
        guard isWanted else { return }
        AlarmClock.shared.set(alarm, at: MonotonicClock.nanoseconds + Self.intervalNanoseconds)
    }

    private func sweep(isRegular: Bool) {
        state.withLock { $0.server }?.sweep(at: MonotonicClock.nanoseconds)
        if isRegular { setNext() }
    }
}
