internal import CTernCPU

/// Bounds how long a thread spins, by the clock.
struct SpinBudget {
    private let nanoseconds: UInt64
    private let lookoutNanoseconds: UInt64
    private var polls: UInt32 = 0
    /// When the first pause began.
    private(set) var start: UInt64 = 0

    /// A budget that starts to run at the first pause.
    ///
    /// - Parameters:
    ///   - nanoseconds: How long to spin.
    ///   - lookoutNanoseconds: How long to spin while nobody else does; not shorter.
    init(nanoseconds: UInt64, lookoutNanoseconds: UInt64 = 0) {
        self.nanoseconds = nanoseconds
        self.lookoutNanoseconds = lookoutNanoseconds
    }

    /// Starts again with the whole budget.
    mutating func restart() { polls = 0 }

    /// Pauses for an instant.
    ///
    /// The clock, which costs about as much as the pause, is read every 16th time.
    ///
    /// - Parameters:
    ///   - isAtWork: Whether work may be shared any moment, because somebody runs a job; then the
    ///     shorter time counts twice. Asked once that is over.
    ///   - isLookout: Whether nobody else spins; asked once the shorter time is over.
    /// - Returns: Whether the budget is used up.
    @inline(__always)
    mutating func pauseOrExpire(
        isAtWork: @autoclosure () -> Bool = false,
        isLookout: @autoclosure () -> Bool = false
    ) -> Bool {
        if polls & 15 == 0 {
            let now = tern_monotonic_nanoseconds()
            if polls == 0 { start = now }
            let spent = now &- start
            if spent >= nanoseconds, spent >= lookoutNanoseconds || !isLookout(),
                spent >= 2 &* nanoseconds || !isAtWork()
            {
                return true
            }
        }
        polls &+= 1
        // 0 means "not started".
        if polls == 0 { polls = 16 }
        tern_pause()
        return false
    }
}
