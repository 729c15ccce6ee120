import CAllocationCounter
import CSystemCallCounter
import CTernCPU
import Glibc

// What the pool's steps cost in nanoseconds.

/// Time per operation of `body`, which does `count` of them, over the repeats.
private func perOperation(_ count: Int, _ body: () -> Void) -> Distribution {
    Distribution(
        (0..<repeatCount).map { _ in
            let start = tern_ticks()
            body()
            return nanoseconds(tern_ticks() - start) / Double(count)
        }
    )
}

/// Primitives at a fixed place.
private final class Places {
    let deque = ChaseLevDeque<HardwareWord>(capacity: 1024)
}

func measureDeque() {
    let places = Places()
    let count = 1_000_000
    var sum: UInt64 = 0
    let pushPop = perOperation(count) {
        for entry in 1...UInt64(count) {
            _ = places.deque.push(entry)
            sum &+= places.deque.pop()
        }
    }
    report("push and pop", pushPop.summary(), goal: "5 ns")
    let steal = Distribution(
        (0..<repeatCount).map { _ in
            var ticks: UInt64 = 0
            for _ in 0..<1_000 {
                for entry in 1...UInt64(1_000) { _ = places.deque.push(entry) }
                let start = tern_ticks()
                for _ in 0..<1_000 {
                    if case .entry(let entry) = places.deque.steal() { sum &+= entry }
                }
                ticks += tern_ticks() - start
            }
            return nanoseconds(ticks) / 1e6
        }
    )
    report("steal, uncontended", steal.summary(), goal: "5 ns")
    let empty = perOperation(count) {
        for _ in 0..<count where places.deque.steal() != .nothing { sum &+= 1 }
    }
    report("probe of an empty deque", empty.summary())

    let pool = ThreadPool(.init(workerCount: 1, spinMicroseconds: 0, costs: .usual))
    usleep(20_000)
    let parts = 1_000_000
    var total = 0
    let alone = perOperation(parts) {
        pool.parallelFor(count: parts, predictedSerialNanoseconds: 0) { total &+= $0.lowerBound }
    }
    let claim = perOperation(parts) {
        pool.parallelFor(count: parts, predictedSerialNanoseconds: 99_000) {
            total &+= $0.lowerBound
        }
    }
    report("part of a loop, not shared", alone.summary())
    report("part of a loop, half own half stolen slice", claim.summary(), goal: "6 ns own")
    pool.shutdown()
    if sum &+ UInt64(truncatingIfNeeded: total) == 42 { print() }
}

/// A word alone on its line that a region's parts use to meet.
private final class Meeting: Sendable {
    let arrived = PaddedWord<HardwareWord>(0)
    let missed = PaddedWord<HardwareWord>(0)
}

/// Times each of many regions, for two seconds at most.
private func timed(_ count: Int, _ body: () -> Void) -> Distribution {
    let end = tern_monotonic_nanoseconds() + 2_000_000_000
    var times: [Double] = []
    while times.count < count, tern_monotonic_nanoseconds() < end {
        for _ in 0..<100 {
            let start = tern_ticks()
            body()
            times.append(nanoseconds(tern_ticks() - start))
        }
    }
    return Distribution(times)
}

func measureRegions() {
    let pool = ThreadPool(.init(workerCount: 1, spinMicroseconds: 3_000_000, costs: .usual))
    pool.prewake()
    usleep(1_000)
    let clock = Distribution(
        (0..<10_000).map { _ in
            let start = tern_ticks()
            return nanoseconds(tern_ticks() - start)
        }
    )
    report("the clock itself, contained below", clock.summary())
    let empty = timed(200_000) {
        pool.parallelFor(count: 2, predictedSerialNanoseconds: 5_000) { _ in }
    }
    report("empty region, helper hot", empty.summary(), goal: "p50 250, p99 600 ns")

    // Neither part ends before the other has begun, so the helper really comes; if it is not on a
    // processor the parts give up, and the region is not counted.
    let meeting = Meeting()
    func meet(_ before: UInt64) {
        _ = meeting.arrived.word.fetchAdd(1)
        var polls = 0
        while meeting.arrived.word.loadAcquire() < before + 2, polls < 400 {
            polls += 1
            tern_pause()
        }
        if polls == 400 { meeting.missed.word.storeRelaxed(1) }
    }
    func reportMeetings(_ name: String, _ run: (UInt64) -> Void) {
        var times: [Double] = []
        var count = 0
        let end = tern_monotonic_nanoseconds() + 3_000_000_000
        while count < 200_000, tern_monotonic_nanoseconds() < end {
            count += 1
            let before = meeting.arrived.word.loadRelaxed()
            meeting.missed.word.storeRelaxed(0)
            let start = tern_ticks()
            run(before)
            let elapsed = nanoseconds(tern_ticks() - start)
            if meeting.missed.word.loadRelaxed() == 0 {
                times.append(elapsed)
            } else {
                // It may sleep because it was in the way, which these regions don't wake it from.
                pool.prewake()
                usleep(100)
            }
        }
        let share = Double(times.count) / Double(count)
        report(
            name,
            Distribution(times).summary() + ", met in \(text(100 * share)) % of regions"
        )
    }
    reportMeetings("region whose two parts meet, helper hot") { before in
        pool.parallelFor(count: 2, predictedSerialNanoseconds: 5_000) { _ in meet(before) }
    }
    reportMeetings("fork whose halves meet, helper hot") { before in
        pool.join(predictedSerialNanoseconds: 5_000, { meet(before) }, { meet(before) })
    }
    let unshared = timed(200_000) {
        pool.parallelFor(count: 2, predictedSerialNanoseconds: 1_000) { _ in }
    }
    report("empty region below the threshold", unshared.summary())
    pool.shutdown()
}

/// Allocations and system calls of many regions with a hot helper.
func measureCostless() {
    let pool = ThreadPool(.init(workerCount: 1, spinMicroseconds: 3_000_000, costs: .usual))
    pool.prewake()
    usleep(1_000)
    var total = 0
    func regions() {
        for round in 0..<300_000 {
            pool.parallelFor(count: 8, predictedSerialNanoseconds: 5_000) { part in
                withExtendedLifetime(total &+ round &+ part.lowerBound) {}
            }
            pool.join(predictedSerialNanoseconds: 5_000, { total &+= round }, {})
        }
    }
    regions()
    let calls = benchmark_system_call_count()
    var before = rusage()
    getrusage(0, &before)
    tern_allocations_count(1)
    regions()
    tern_allocations_count(0)
    var after = rusage()
    getrusage(0, &after)
    report("allocations in 600,000 regions", "\(tern_allocations_own())", goal: "0")
    report(
        "futex calls in 600,000 regions",
        "\(benchmark_system_call_count() - calls)",
        goal: "0"
    )
    report("voluntary context switches", "\(after.ru_nvcsw - before.ru_nvcsw)", goal: "0")
    pool.shutdown()
}
