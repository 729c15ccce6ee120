/// What a server as a whole is doing, as a value.
///
///     starting ──started──▶ serving ──drain──▶ draining ──drained / deadline──▶ stopped
///         └───────────────────┴──────────stop─────┴────────────────────────────────▲
///
/// While it drains, a server answers everything that it had accepted, answers questions about
/// itself, and turns new work away with a hint to go elsewhere.
package struct ServiceState: Equatable, Sendable {
    /// Where the server stands.
    package enum Phase: UInt8, Equatable, Sendable {
        /// Models are being loaded; no endpoint is open.
        case starting
        /// Everything is answered.
        case serving
        /// Accepted work is finished; new work is turned away.
        case draining
        /// Nothing is answered.
        case stopped
    }

    /// What a request to drain means now.
    package enum DrainAction: Equatable, Sendable {
        /// Stop accepting connections and wait for accepted work.
        case begin
        /// Somebody drains already: wait for the end.
        case join
        /// There is nothing to wait for.
        case none
    }

    /// What a request to stop means now.
    package enum StopAction: Equatable, Sendable {
        /// Close everything.
        case tearDown
        /// That was done before.
        case none
    }

    /// The phase.
    package private(set) var phase = Phase.starting

    package init() {}

    /// Whether new inference is accepted.
    package var acceptsWork: Bool { phase == .serving }

    /// The models are loaded and the endpoints open.
    ///
    /// - Returns: `false` if the server was stopped meanwhile.
    package mutating func started() -> Bool {
        switch phase {
        case .starting:
            phase = .serving
            return true
        case .stopped:
            return false
        case .serving, .draining:
            preconditionFailure("a server was started twice")
        }
    }

    /// The server is to finish what it accepted.
    package mutating func drain() -> DrainAction {
        switch phase {
        case .serving:
            phase = .draining
            return .begin
        case .draining:
            return .join
        case .starting, .stopped:
            return .none
        }
    }

    /// The server is to end now.
    package mutating func stop() -> StopAction {
        guard phase != .stopped else { return .none }
        phase = .stopped
        return .tearDown
    }
}

/// How a drain ended.
package enum DrainOutcome: Equatable, Sendable {
    /// Every accepted request's reply has left.
    case complete
    /// The time was up; this many replies had not left.
    case timedOut(unansweredCount: Int)
}
