import CTernCPU
import Glibc

// Requests on a pool of two threads: two at once, and work that only one thread can do.

/// A request of several loops, submitted to a pool again and again, and how long each took.
private final class Requests: @unchecked Sendable {
    let pool: ThreadPool
    let product: Product
    let predicted: Int
    let loopCount: Int
    let done = PaddedWord<HardwareWord>(0)
    private var started: UInt64 = 0
    private(set) var nanosecondsOfLast = 0.0

    init(_ pool: ThreadPool, partCount: Int, loopCount: Int) {
        self.pool = pool
        self.loopCount = loopCount
        product = Product(partCount: partCount)
        predicted = Int(serialTime(product))
    }

    /// All loops of one request, on one thread if there is no `pool`.
    func run(on pool: ThreadPool?) {
        for _ in 0..<loopCount {
            if let pool { product.run(on: pool, predicted: predicted) } else { product.runAlone() }
        }
    }

    /// Hands one request to the pool; ``wait(_:)`` for it before the next.
    func submit() {
        started = tern_ticks()
        _ = pool.submit(
            PoolJob(context: Unmanaged.passUnretained(self).toOpaque()) { context in
                let requests = Unmanaged<Requests>.fromOpaque(context!).takeUnretainedValue()
                requests.run(on: requests.pool)
                requests.nanosecondsOfLast = nanoseconds(tern_ticks() - requests.started)
                _ = requests.done.word.fetchAdd(1)
            }
        )
    }

    func wait(_ count: UInt64) {
        while done.word.loadAcquire() < count { usleep(20) }
    }
}

/// Two requests at once on two workers, each against the same alone on one thread, in turns.
func measureTwoRequests() {
    let pool = ThreadPool(.init(workerCount: 2, lookoutMicroseconds: 250))
    for parts in [10, 40, 400] {
        let loopCount = 4_000 / parts
        let requests = (0..<2).map { _ in
            Requests(pool, partCount: parts, loopCount: loopCount)
        }
        var ratios: [Double] = []
        for round in 1...UInt64(60) {
            let start = tern_ticks()
            requests[0].run(on: nil)
            let alone = nanoseconds(tern_ticks() - start)
            for each in requests { each.submit() }
            for each in requests { each.wait(round) }
            for each in requests { ratios.append(each.nanosecondsOfLast / alone) }
        }
        report(
            "two requests of \(loopCount) loops of \(requests[0].predicted / 1_000) µs at once",
            "\(text(Distribution(ratios).median)) of the time alone on one thread  "
                + "(p10 \(text(Distribution(ratios).percentile(10))), "
                + "p90 \(text(Distribution(ratios).percentile(90))))",
            goal: "1.15"
        )
        for each in requests { each.product.free() }
    }
    pool.shutdown()
}

/// Work of one thread while a helper is awake, and on what a shared loop has just written, against the
/// same without a pool, in turns.
func measureSerialWork() {
    let pool = ThreadPool(.init(workerCount: 1, spinMicroseconds: 3_000_000, costs: .usual))
    pool.prewake()
    usleep(1_000)
    let own = Product(partCount: 20)
    let count = 64 * 1_024
    let values: UnsafeMutablePointer<Float> = .allocate(capacity: count)
    values.initialize(repeating: 1, count: count)
    var total: Float = 0
    func write(_ range: Range<Int>) { for index in range { values[index] += 1 } }
    func read() {
        var sums = SIMD16<Float>()
        let vectors = UnsafeRawPointer(values)
        for index in 0..<count / 16 {
            sums += vectors.loadUnaligned(fromByteOffset: 64 * index, as: SIMD16<Float>.self)
        }
        total += sums.sum()
    }
    func ticks(_ body: () -> Void) -> Double {
        let start = tern_ticks()
        body()
        return nanoseconds(tern_ticks() - start)
    }
    let quiet = ThreadPool(workerCount: 0)
    var times: [[Double]] = Array(repeating: [], count: 4)
    for _ in 0..<2_000 {
        for (index, pool) in [quiet, pool].enumerated() {
            // The helper of the second one spins all the time; here it is told to be there.
            pool.parallelFor(count: 2, predictedSerialNanoseconds: 60_000) { _ in spin(2_000) }
            times[index].append(ticks { own.runAlone() })
            pool.parallelFor(
                count: 16,
                grain: 1,
                predictedSerialNanoseconds: 60_000
            ) { write($0.lowerBound * count / 16..<$0.upperBound * count / 16) }
            times[2 + index].append(ticks(read))
        }
    }
    let medians = times.map { Distribution($0).median }
    report(
        "\(text(medians[0] / 1_000)) µs of serial work beside a hot helper",
        "\(text(100 * (medians[1] / medians[0] - 1))) % longer",
        goal: "5 %"
    )
    report(
        "\(text(medians[2] / 1_000)) µs of reading what a shared loop wrote",
        "\(text(100 * (medians[3] / medians[2] - 1))) % longer than after a loop of its own thread"
    )
    if total == 42 { print() }
    own.free()
    values.deallocate()
    pool.shutdown()
    quiet.shutdown()
}
