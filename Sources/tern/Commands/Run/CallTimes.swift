import Foundation

/// What equal calls of a model took.
struct CallTimes: Encodable {
    let loadNanoseconds: Double
    let firstCallNanoseconds: Double
    let calls: Int
    let p50Nanoseconds: Double
    let p90Nanoseconds: Double
    let p99Nanoseconds: Double
    let smallestNanoseconds: Double
    let largestNanoseconds: Double

    /// Times calls with the inputs that are bound.
    ///
    /// Before them come calls that aren't counted: at least three, for 50 ms or as many as are
    /// timed, so that caches and threads are warm.
    ///
    /// - Parameters:
    ///   - local: The model.
    ///   - callCount: How many calls are timed.
    ///   - loadTime: What it took to load the model, for the report.
    ///   - firstTime: What the first call took, for the report.
    /// - Throws: ``Failure`` if a call fails.
    init(
        of local: LocalModel,
        callCount: Int,
        loadTime: Duration,
        firstTime: Duration
    ) throws {
        loadNanoseconds = loadTime.nanoseconds
        firstCallNanoseconds = firstTime.nanoseconds
        let clock = ContinuousClock()
        let start = clock.now
        for index in 0..<max(callCount, 3) {
            try local.call()
            if index >= 2, clock.now - start > .milliseconds(50) { break }
        }
        var nanoseconds: [Double] = []
        nanoseconds.reserveCapacity(callCount)
        for _ in 0..<callCount {
            let start = clock.now
            try local.call()
            nanoseconds.append((clock.now - start).nanoseconds)
        }
        nanoseconds.sort()
        func quantile(_ share: Double) -> Double {
            nanoseconds[min(callCount - 1, Int(share * Double(callCount)))]
        }
        calls = callCount
        p50Nanoseconds = quantile(0.5)
        p90Nanoseconds = quantile(0.9)
        p99Nanoseconds = quantile(0.99)
        smallestNanoseconds = quantile(0)
        largestNanoseconds = quantile(1)
    }

    var description: String {
        func text(_ nanoseconds: Double) -> String { String(format: "%.1f", nanoseconds / 1000) }
        return "loaded in \(text(loadNanoseconds)) µs, first call \(text(firstCallNanoseconds))\n"
            + "\(calls) calls: p50 \(text(p50Nanoseconds)) µs, p90 \(text(p90Nanoseconds)), "
            + "p99 \(text(p99Nanoseconds)), smallest \(text(smallestNanoseconds)), largest "
            + text(largestNanoseconds)
    }

    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        // Finite numbers always have a JSON form.
        guard let data = try? encoder.encode(self) else { return "{}" }
        return String(decoding: data, as: UTF8.self)
    }
}

extension Duration {
    /// The duration in nanoseconds.
    var nanoseconds: Double {
        Double(components.seconds) * 1e9 + Double(components.attoseconds) * 1e-9
    }
}
