// A thread that wakes at regular times, on the monotonic clock.
//
// libnng's own timers count on the clock that can be set, so that a correction of the time would end
// every connection or none. States: running -> stopping -> stopped; `stop` moves to stopping and waits
// for stopped, which the thread enters as the last thing it does with this object.

internal import Glibc
internal import TernTransport

/// Runs something every so often, and sooner when asked.
@safe package final class Ticker: Sendable {
    private struct State {
        var next: UInt64
        var isStopping = false
        var isStopped = false
    }

    private let state: Monitor<State>
    private let intervalNanoseconds: UInt64
    private let body: @Sendable (UInt64) -> Void

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - intervalNanoseconds: The longest time between two runs.
    ///   - body: What is run, with the time; one run at a time.
    package init(
        intervalNanoseconds: UInt64 = 250_000_000,
        body: @escaping @Sendable (UInt64) -> Void
    ) {
        self.intervalNanoseconds = intervalNanoseconds
        self.body = body
        state = Monitor(State(next: MonotonicClock.nanoseconds + intervalNanoseconds))
        var thread = pthread_t()
        let context = unsafe Unmanaged.passRetained(self).toOpaque()
        let status = unsafe pthread_create(
            &thread,
            nil,
            { context in
                // SAFETY: balances `passRetained`; the thread holds the ticker while it runs.
                let ticker = unsafe Unmanaged<Ticker>.fromOpaque(context!).takeRetainedValue()
                ticker.run()
                return nil
            },
            context
        )
        precondition(status == 0, "a timer thread could not be started")
        pthread_detach(thread)
    }

    /// Asks for a run at `time`, if none is due before.
    package func run(noLaterThan time: UInt64) {
        let isSooner = state.withLock { state in
            guard time < state.next else { return false }
            state.next = time
            return true
        }
        if isSooner { state.signalAll() }
    }

    /// Ends the thread and waits for a run that has begun. Idempotent; must not be called from
    /// within a run.
    package func stop() {
        state.withLock { $0.isStopping = true }
        state.signalAll()
        _ = state.wait(until: .max / 2) { $0.isStopped ? true : nil }
    }

    private func run() {
        while true {
            let isStopping = wait()
            if isStopping { break }
            body(MonotonicClock.nanoseconds)
        }
        state.withLock { $0.isStopped = true }
        state.signalAll()
    }

    /// Waits for the time of the next run.
    ///
    /// - Returns: Whether to stop instead.
    private func wait() -> Bool {
        while true {
            let next = state.withLock { $0.next }
            let outcome = state.wait(until: next) { state in
                state.isStopping ? true : state.next < next ? false : nil
            }
            if outcome == true { return true }
            let now = MonotonicClock.nanoseconds
            let isDue = state.withLock { state in
                guard state.next <= now else { return false }
                state.next = now + intervalNanoseconds
                return true
            }
            if isDue { return false }
        }
    }
}
