/// The life of one admitted request, as a value: events in, what to do out, no effects inside.
///
///     free ──admit──▶ queued ──start──▶ running ──finish──▶ free
///                       │                  │
///                    withdraw           withdraw
///                       ▼                  ▼
///               withdrawnQueued ──start──▶ free   withdrawnRunning ──finish──▶ free
///
/// Whoever moves a request out of `queued` or `running` towards an answer gets ``Answer/send``, and
/// exactly one caller gets it: that is how every admitted request has exactly one reply whatever
/// a worker, a cancelling client and a lost connection do at the same time. The slot that holds
/// this value serialises the events with its lock.
package struct RequestLifecycle: Equatable, Sendable {
    private enum State: Equatable {
        case free
        case queued
        case running
        case withdrawnQueued
        case withdrawnRunning
    }

    /// What a worker that takes the request up must do.
    package enum Start: Equatable, Sendable {
        /// Run the model.
        case run
        /// The time budget is used up: answer so, without running.
        case expire
        /// The request was answered while it waited: only give the slot back.
        case release
    }

    /// Whether the caller must answer.
    package enum Answer: Equatable, Sendable {
        /// The caller, and nobody else, answers now.
        case send
        /// Somebody else has answered.
        case none
    }

    private var state = State.free

    package init() {}

    /// Whether the request still waits for its answer.
    package var isAwaitingAnswer: Bool { state == .queued || state == .running }

    /// Whether no worker has taken it up, and it still waits for its answer.
    package var isQueued: Bool { state == .queued }

    /// Whether nothing occupies the slot.
    package var isFree: Bool { state == .free }

    /// A request was admitted.
    package mutating func admit() {
        precondition(state == .free, "a slot that is in use was given to a second request")
        state = .queued
    }

    /// A worker takes the request up.
    ///
    /// - Parameter isExpired: Whether its time budget is used up.
    /// - Returns: What to do. After ``Start/run`` and ``Start/expire`` the worker ends with
    ///   ``finish()``; after ``Start/release`` the slot is free.
    package mutating func start(isExpired: Bool) -> Start {
        switch state {
        case .queued:
            state = .running
            return isExpired ? .expire : .run
        case .withdrawnQueued:
            state = .free
            return .release
        case .free, .running, .withdrawnRunning:
            preconditionFailure("a request was started that was not queued")
        }
    }

    /// The requester gave the request up, or is gone.
    package mutating func withdraw() -> Answer {
        switch state {
        case .queued:
            state = .withdrawnQueued
            return .send
        case .running:
            state = .withdrawnRunning
            return .send
        case .free, .withdrawnQueued, .withdrawnRunning:
            return .none
        }
    }

    /// A worker is done with the request; the slot is free.
    package mutating func finish() -> Answer {
        switch state {
        case .running:
            state = .free
            return .send
        case .withdrawnRunning:
            state = .free
            return .none
        case .free, .queued, .withdrawnQueued:
            preconditionFailure("a request finished that was not running")
        }
    }
}
