import TernThreadPool

/// Something that is timed by running it many times.
protocol BenchmarkedWork: AnyObject {
    /// Runs it once.
    ///
    /// - Parameter copy: Counts up from 0 and starts again, so that copies of its memory are used in
    ///   turn.
    func run(copy: Int)
}

/// What one call took, in several samples.
struct BenchmarkTiming {
    /// The mean of each sample's calls, ascending.
    let nanoseconds: [Double]

    var median: Double { nanoseconds[nanoseconds.count / 2] }
    /// Of all samples: what a call takes with everything that gets in between.
    var mean: Double { nanoseconds.reduce(0, +) / Double(nanoseconds.count) }
    var smallest: Double { nanoseconds[0] }
    var largest: Double { nanoseconds[nanoseconds.count - 1] }
}

/// Times several works in turns, so that what disturbs the machine for a while disturbs all of them.
struct BenchmarkTimer {
    /// How many samples of each work.
    var sampleCount = 15
    /// About how long one sample takes.
    var sampleNanoseconds = 2e6
    /// Whose helpers are woken before each sample, as a server does when a request arrives.
    var pool: ThreadPool?
    /// How far the calls count before they start again; see ``BenchmarkedWork/run(copy:)``.
    var copyCount = 1

    /// Measures all works.
    ///
    /// - Returns: One timing per work, in their order.
    func time(_ works: [any BenchmarkedWork]) -> [BenchmarkTiming] {
        let callCounts = works.map { work in
            // Warm caches, and the pool's helpers.
            let first = Self.nanoseconds { run(work, calls: copyCount) }
            let estimate = Swift.min(
                first,
                Self.nanoseconds { run(work, calls: copyCount) }
            )
            let rounds = Swift.max(1, Int(sampleNanoseconds / Swift.max(estimate, 1)))
            return Swift.min(rounds, 1_000_000) * copyCount
        }
        var samples = works.map { _ in [Double]() }
        for _ in 0..<sampleCount {
            for (index, work) in works.enumerated() {
                // What ran before has left other data in the caches, and waking takes its time.
                pool?.prewake()
                run(work, calls: Swift.max(copyCount, callCounts[index] / 8))
                let elapsed = Self.nanoseconds { run(work, calls: callCounts[index]) }
                samples[index].append(elapsed / Double(callCounts[index]))
            }
        }
        return samples.map { BenchmarkTiming(nanoseconds: $0.sorted()) }
    }

    private func run(_ work: any BenchmarkedWork, calls: Int) {
        var copy = 0
        for _ in 0..<calls {
            work.run(copy: copy)
            copy = copy + 1 == copyCount ? 0 : copy + 1
        }
    }

    private static func nanoseconds(_ body: () -> Void) -> Double {
        let duration = ContinuousClock().measure(body)
        let (seconds, attoseconds) = duration.components
        return Double(seconds) * 1e9 + Double(attoseconds) * 1e-9
    }
}
