import CTernCPU
import Glibc

// A matrix product on two threads against the same on one, in turns, for work of several lengths.

/// Sets of runs of both kinds, in turns; medians of each set, and their ratio.
private func compare(
    _ pool: ThreadPool,
    _ partCount: Int,
    seconds: Double,
    prepare: () -> Void
) -> (serial: Distribution, ratio: Distribution, means: Double) {
    let product = Product(partCount: partCount)
    defer { product.free() }
    let predicted = Int(serialTime(product))
    let perSet = max(3, min(200, 4_000_000 / max(predicted, 1)))
    var serial: [Double] = []
    var ratios: [Double] = []
    var total = (alone: 0.0, shared: 0.0)
    let start = tern_monotonic_nanoseconds()
    while Double(tern_monotonic_nanoseconds() - start) < seconds * 1e9 {
        var alone: [Double] = []
        for _ in 0..<perSet {
            let start = tern_ticks()
            product.runAlone()
            alone.append(nanoseconds(tern_ticks() - start))
        }
        prepare()
        product.run(on: pool, predicted: predicted)
        var shared: [Double] = []
        for _ in 0..<perSet {
            let start = tern_ticks()
            product.run(on: pool, predicted: predicted)
            shared.append(nanoseconds(tern_ticks() - start))
        }
        total.alone += alone.reduce(0, +)
        total.shared += shared.reduce(0, +)
        serial.append(Distribution(alone).median)
        ratios.append(Distribution(alone).median / Distribution(shared).median)
    }
    return (Distribution(serial), Distribution(ratios), total.alone / total.shared)
}

private let partCounts = [1, 2, 3, 4, 6, 10, 20, 40, 60, 100, 200, 400, 2_000]

private func goal(_ nanoseconds: Double) -> String {
    switch nanoseconds {
    case 1e6...: "1.9"
    case 100e3..<500e3: "1.8"
    case 17e3..<50e3: "1.5"
    default: "0.97"
    }
}

/// Each thread on a processor of its own, so that the helper is hot and not on this thread's.
func measureSpeedUp() {
    let last = ThreadPool.availableProcessorCount - 1
    // The pool first: its threads begin with the mask of this one.
    let pool = ThreadPool(.init(workerCount: 1, pinsWorkers: true))
    _ = tern_pin_to_nth_processor(Int32(last))
    for parts in partCounts {
        let result = compare(pool, parts, seconds: 0.6) {
            pool.prewake()
            spin(100_000)
            pool.prewake()
        }
        report(
            "\(text(result.serial.median / 1_000)) µs of work, helper hot",
            "\(text(result.ratio.median))x  (min \(text(result.ratio.percentile(0))), "
                + "p25 \(text(result.ratio.percentile(25))), "
                + "p75 \(text(result.ratio.percentile(75))), "
                + "max \(text(result.ratio.percentile(100))); of means \(text(result.means)))",
            goal: goal(result.serial.median)
        )
    }
    pool.shutdown()
}

/// With the last processor kept busy by another process.
func measureNeighbour() {
    let hogs = Hogs(1, onProcessor: ThreadPool.availableProcessorCount - 1)
    let pool = ThreadPool(.init(workerCount: 1))
    for parts in [10, 40, 100, 400, 2_000, 10_000] {
        let result = compare(pool, parts, seconds: 1.5) {}
        report(
            "\(text(result.serial.median / 1_000)) µs of work beside a busy process",
            "\(text(result.means))x of means  (medians \(text(result.ratio.median)), "
                + "worst set \(text(result.ratio.percentile(0))))",
            goal: "0.9"
        )
    }
    pool.shutdown()
    hogs.end()
}

/// Work done in a while beside four busy processes, against the share of the machine that the
/// scheduler owes two threads.
func measureHogs() {
    let processors = ThreadPool.availableProcessorCount
    for parts in [40, 400, 4_000] {
        let product = Product(partCount: parts)
        let single = serialTime(product)
        let pool = ThreadPool(.init(workerCount: 1))
        let hogs = Hogs(2 * processors)
        var alone: [Double] = []
        var shared: [Double] = []
        /// Runs for a tenth of a second; how much of one undisturbed thread that was.
        func rate(_ body: () -> Void) -> Double {
            let start = tern_monotonic_nanoseconds()
            var runs = 0
            while tern_monotonic_nanoseconds() - start < 100_000_000 {
                body()
                runs += 1
            }
            return Double(runs) * single / Double(tern_monotonic_nanoseconds() - start)
        }
        for _ in 0..<repeatCount {
            alone.append(rate { product.runAlone() })
            shared.append(rate { product.run(on: pool, predicted: Int(single)) })
        }
        hogs.end()
        pool.shutdown()
        product.free()
        let alonePart = alone.reduce(0, +) / Double(alone.count)
        let sharedPart = shared.reduce(0, +) / Double(shared.count)
        let others = Double(2 * processors)
        // What the scheduler owes two threads beside so many, and one.
        let owed = 2 / (others + 2) / (1 / (others + 1))
        report(
            "\(text(single / 1_000)) µs of work beside \(2 * processors) busy processes",
            "\(text(sharedPart / alonePart)) of what one thread gets, "
                + "\(text(sharedPart / alonePart / owed)) of two threads' share "
                + "(one thread gets \(text(alonePart)) of a processor)",
            goal: "0.7 of the share"
        )
    }
}
