import CTernCPU
import Glibc

/// Measures the pool: `pool` for everything, `pool NAME…` for some parts.
@main
private enum PoolBenchmark {
    static let parts: [(name: String, run: @Sendable () -> Void)] = [
        ("deque", measureDeque), ("regions", measureRegions), ("costless", measureCostless),
        ("waking", measureWaking), ("parked", measureParkedHelper), ("idle", measureIdle),
        ("requests", measureTwoRequests), ("serial", measureSerialWork),
        ("neighbour", measureNeighbour), ("hogs", measureHogs),
        // The last, because it binds this thread to a processor.
        ("speed", measureSpeedUp),
    ]

    static func main() {
        let arguments = CommandLine.arguments.dropFirst()
        if arguments.first == "hog" { Hogs.run(onProcessor: Int(arguments.last ?? "") ?? -1) }
        let costs = HandOffCosts.ofThisMachine
        print(
            "\(ThreadPool.availableProcessorCount) processors; an answer takes "
                + "\(costs.spinningNanoseconds) ns from spinning, "
                + "\(costs.sleepingNanoseconds) ns from sleep: shares from "
                + "\(costs.sharingThresholdNanoseconds) ns, wakes from "
                + "\(costs.wakingThresholdNanoseconds) ns"
        )
        for part in parts where arguments.isEmpty || arguments.contains(part.name) {
            print("\n\(part.name)")
            printLoad()
            part.run()
        }
    }
}

/// How often each measurement is repeated; the spread is over these.
let repeatCount = 15
