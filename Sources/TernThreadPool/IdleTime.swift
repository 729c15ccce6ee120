internal import CTernCPU

/// How long a worker usually waits between two jobs: what tells whether looking out for the next one
/// is likely to pay.
struct IdleTime {
    /// Longer waits count as this long, so that a pause is soon forgotten.
    private static let longest: UInt64 = 1_000_000

    private var usual = longest
    private var start = tern_monotonic_nanoseconds()

    /// The worker has nothing to do any more.
    mutating func begin() { start = tern_monotonic_nanoseconds() }

    /// A job has come.
    ///
    /// The latest wait counts for half, those before it for the other half.
    mutating func end() {
        let latest = min(tern_monotonic_nanoseconds() &- start, Self.longest)
        usual = (usual + latest) / 2
    }

    /// Whether jobs have lately come within `nanoseconds`.
    func isUsually(atMost nanoseconds: UInt64) -> Bool { usual <= nanoseconds }
}
