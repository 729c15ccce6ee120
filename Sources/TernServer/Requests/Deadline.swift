/// When a request is of no use any more.
///
/// A request says how much time is left, not what the time is: clocks of two machines differ. The
/// budget counts from the moment its last byte was read.
package struct Deadline: Equatable, Sendable {
    /// On the server's clock; `UInt64.max` is never.
    package let nanoseconds: UInt64

    /// A deadline that never comes.
    package static let never = Deadline(nanoseconds: .max)

    private init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// The deadline of a request.
    ///
    /// - Parameters:
    ///   - receivedAtNanoseconds: When the request had arrived.
    ///   - budgetMicroseconds: The time it had left then; `nil` is no limit. A budget too long for
    ///     the clock is no limit either.
    package init(receivedAtNanoseconds: UInt64, budgetMicroseconds: UInt64?) {
        guard let budgetMicroseconds else {
            self = .never
            return
        }
        let (budget, budgetOverflow) = budgetMicroseconds.multipliedReportingOverflow(by: 1000)
        let (sum, sumOverflow) = receivedAtNanoseconds.addingReportingOverflow(budget)
        nanoseconds = budgetOverflow || sumOverflow ? .max : sum
    }

    /// Whether the deadline has come.
    package func hasPassed(atNanoseconds now: UInt64) -> Bool {
        self != .never && now >= nanoseconds
    }
}
