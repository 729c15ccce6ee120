import CSystemCallCounter
import CTernCPU
import Glibc

// Workers that sleep: what it takes to wake them, to do without them, and to have them.

/// Two words that a thread and a sleeper exchange, and when the sleeper woke.
private final class Sleeper: Sendable {
    let call = PaddedWord<HardwareWord>(0)
    let answer = PaddedWord<HardwareWord>(0)
    let end: UInt64 = 1 << 31
}

/// Waking a worker for a job, against waking a thread with the bare system call, in turns.
func measureWaking() {
    let sleeper = Sleeper()
    var thread = pthread_t()
    pthread_create(
        &thread,
        nil,
        { argument in
            let sleeper = Unmanaged<Sleeper>.fromOpaque(argument!).takeUnretainedValue()
            var seen: UInt64 = 0
            while true {
                let called = sleeper.call.word.loadAcquire()
                if called == sleeper.end { return nil }
                if called == seen {
                    sleeper.call.word.park(while: UInt32(truncatingIfNeeded: seen))
                } else {
                    seen = called
                    sleeper.answer.word.storeRelease(seen)
                }
            }
        },
        Unmanaged.passUnretained(sleeper).toOpaque()
    )
    let pool = ThreadPool(.init(workerCount: 1, spinMicroseconds: 0))
    let answer = Sleeper()
    let job = PoolJob(context: Unmanaged.passUnretained(answer).toOpaque()) { context in
        let answer = Unmanaged<Sleeper>.fromOpaque(context!).takeUnretainedValue()
        _ = answer.answer.word.fetchAdd(1)
    }
    var bare: [Double] = []
    var pooled: [Double] = []
    for round in 1...UInt64(3_000) {
        usleep(150)
        var start = tern_ticks()
        sleeper.call.word.storeRelease(round)
        HardwareWord.unpark(sleeper.call.word.parkingPlace, 1)
        while sleeper.answer.word.loadAcquire() != round { tern_pause() }
        bare.append(nanoseconds(tern_ticks() - start))
        usleep(150)
        start = tern_ticks()
        _ = pool.submit(job)
        while answer.answer.word.loadAcquire() != round { tern_pause() }
        pooled.append(nanoseconds(tern_ticks() - start))
    }
    sleeper.call.word.storeRelease(sleeper.end)
    HardwareWord.unpark(sleeper.call.word.parkingPlace, 1)
    pthread_join(thread, nil)
    pool.shutdown()
    let bareTimes = Distribution(bare)
    let poolTimes = Distribution(pooled)
    report("bare futex: wake until answer", bareTimes.summary(1_000, "µs"))
    report("job: submit until answer, worker asleep", poolTimes.summary(1_000, "µs"))
    report("ratio of medians", text(poolTimes.median / bareTimes.median), goal: "1.15")
}

/// Short loops while the helper sleeps, against the same on one thread, in turns.
func measureParkedHelper() {
    let pool = ThreadPool(.init(workerCount: 1, spinMicroseconds: 0))
    usleep(20_000)
    for parts in [2, 5, 10, 20, 40] {
        let product = Product(partCount: parts)
        let predicted = Int(serialTime(product))
        var alone: [Double] = []
        var pooled: [Double] = []
        for _ in 0..<2_000 {
            var start = tern_ticks()
            product.runAlone()
            alone.append(nanoseconds(tern_ticks() - start))
            start = tern_ticks()
            product.run(on: pool, predicted: predicted)
            pooled.append(nanoseconds(tern_ticks() - start))
        }
        let serial = Distribution(alone)
        report(
            "\(text(serial.median / 1_000)) µs of work, helper asleep",
            "\(text(Distribution(pooled).median - serial.median)) ns more than serial "
                + "(p10 \(text(Distribution(pooled).percentile(10) - serial.percentile(10))))",
            goal: "1000 ns"
        )
        product.free()
    }
    pool.shutdown()
}

/// The shortest of many runs on one thread.
func serialTime(_ product: Product) -> Double {
    Distribution(
        (0..<50).map { _ in
            let start = tern_ticks()
            product.runAlone()
            return nanoseconds(tern_ticks() - start)
        }
    ).percentile(0)
}

/// What the process uses while nothing happens, one second after its last job.
func measureIdle() {
    let pool = ThreadPool(
        .init(
            workerCount: max(2, ThreadPool.availableProcessorCount),
            lookoutMicroseconds: 250
        )
    )
    for _ in 0..<1_000 {
        _ = pool.submit(PoolJob(context: nil) { _ in })
        pool.parallelFor(count: 100) { _ in spin(1_000) }
    }
    usleep(1_000_000)
    let before = processorNanoseconds
    let start = tern_monotonic_nanoseconds()
    usleep(2_000_000)
    let used = processorNanoseconds - before
    let percent = used / Double(tern_monotonic_nanoseconds() - start) * 100
    report("idle, one second after the last job", "\(text(percent, 4)) % of a core", goal: "0.5 %")
    pool.shutdown()
}
