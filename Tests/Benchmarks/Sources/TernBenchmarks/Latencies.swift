import Foundation

/// Measured durations of one run, in nanoseconds.
struct Latencies {
    private let ordered: [UInt64]

    init(_ nanoseconds: [UInt64]) { ordered = nanoseconds.sorted() }

    /// The smallest value that at least `fraction` of all values don't exceed.
    func percentile(_ fraction: Double) -> Double {
        let rank = Int((fraction * Double(ordered.count)).rounded(.up)) - 1
        return Double(ordered[min(max(rank, 0), ordered.count - 1)])
    }
}

/// One figure over several repeats.
struct Spread {
    let median: Double
    let smallest: Double
    let largest: Double

    init(_ values: [Double]) {
        let ordered = values.sorted()
        median = ordered[ordered.count / 2]
        smallest = ordered.first ?? .nan
        largest = ordered.last ?? .nan
    }

    /// Such as `91.2 (88.0–97.3)`.
    func text(dividedBy unit: Double = 1, digits: Int = 1) -> String {
        func number(_ value: Double) -> String {
            String(format: "%.\(digits)f", value / unit)
        }
        return "\(number(median)) (\(number(smallest))–\(number(largest)))"
    }
}
