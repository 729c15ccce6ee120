internal import CTernCPU

/// Bounds how long a thread spins, by the clock.
struct SpinBudget {
    private let nanoseconds: UInt64
    private var polls: UInt32 = 0
    private var start: UInt64 = 0

    /// A budget that starts to run at the first pause.
    init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// Starts again with the whole budget.
    mutating func restart() { polls = 0 }

    /// Pauses for an instant.
    ///
    /// The clock, which costs about as much as the pause, is read every 16th time.
    ///
    /// - Returns: Whether the budget is used up.
    @inline(__always)
    mutating func pauseOrExpire() -> Bool {
        if polls & 15 == 0 {
            let now = tern_monotonic_nanoseconds()
            if polls == 0 { start = now }
            if now &- start >= nanoseconds { return true }
        }
        polls &+= 1
        // 0 means "not started".
        if polls == 0 { polls = 16 }
        tern_pause()
        return false
    }
}
