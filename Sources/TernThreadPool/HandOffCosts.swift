internal import CTernCPU
internal import Glibc

// What it costs on this machine to let another thread help: the table that decides when a loop or a
// fork is shared at all.
//
// Two numbers matter, and they are a factor of 200 apart: how long until a thread that spins has
// answered (two cache lines travel, about 150 ns), and how long until a thread that sleeps has
// (a system call, an interrupt to another processor, often a halted virtual one: 30 µs). Both depend
// on the processor, the hypervisor and the kernel, so they are measured, once for the process, when
// its first pool with workers is made: a thread of its own answers 48 calls spinning and 8 from
// sleep, about 1 ms altogether and never more than 5 ms of asking. Of the spinning answers the
// tenth percentile counts and of the others the median, so that another process that gets in between
// does not show for the life of the pool. What was not answered in time counts as the usual value;
// whether helpers really come is watched while the pool runs (StallWatch.swift).
//
// From the costs follow the thresholds:
//  - a short loop is tried with help from 8 times the spinning answer on (about 1.3 µs), and then as it
//    turned out (LoopHistory.swift);
//  - a fork, or a short loop of which nothing is known yet because its place in the table is taken, is
//    shared from 25 times the spinning answer on (about 4 µs): then half of the work, handed over,
//    costs 8 % of itself, and what the helper must fetch from this thread's cache has room, too;
//  - a sleeping worker is woken from 3 times its answer on (about 100 µs): the helper comes when a
//    third is done, and the loop takes two thirds of its time instead of all of it.

/// What handing work to another thread costs.
package struct HandOffCosts: Sendable, Equatable {
    /// From calling a thread that spins until its answer is seen.
    package var spinningNanoseconds: Int
    /// From calling a thread that sleeps until its answer is seen.
    package var sleepingNanoseconds: Int

    /// Makes costs that are known.
    package init(spinningNanoseconds: Int, sleepingNanoseconds: Int) {
        self.spinningNanoseconds = spinningNanoseconds
        self.sleepingNanoseconds = sleepingNanoseconds
    }

    /// What they are on a usual machine: 160 ns and 33 µs.
    package static let usual = HandOffCosts(spinningNanoseconds: 160, sleepingNanoseconds: 33_334)

    /// What they are on this machine, measured at the first use.
    package static let ofThisMachine = measured()

    /// Whether help pays in a loop that takes less need not even be tried; between 1 and 20 µs.
    package var trialThresholdNanoseconds: Int {
        min(max(8 * spinningNanoseconds, 1_000), 20_000)
    }

    /// A fork predicted to take less on one thread stays there; between 2 and 50 µs.
    package var sharingThresholdNanoseconds: Int {
        min(max(25 * spinningNanoseconds, 2_000), 50_000)
    }

    /// Work predicted to take this long or longer may wake a sleeping worker; between 50 µs and 1 ms.
    package var wakingThresholdNanoseconds: Int {
        min(max(3 * sleepingNanoseconds, 50_000), 1_000_000)
    }
}

extension HandOffCosts {
    /// Measures, with a thread that ends before this returns.
    static func measured() -> HandOffCosts {
        let exchange: UnsafeMutablePointer<Exchange> = .allocate(capacity: 1)
        unsafe exchange.initialize(to: Exchange())
        defer {
            unsafe exchange.deinitialize(count: 1)
            unsafe exchange.deallocate()
        }
        var thread = pthread_t()
        let failure = unsafe pthread_create(
            &thread,
            nil,
            { argument in
                // SAFETY: the argument is the exchange above, freed after this thread was joined.
                unsafe argument!.assumingMemoryBound(to: Exchange.self).pointee.answer()
                return nil
            },
            exchange
        )
        guard failure == 0 else { return usual }
        let costs = unsafe exchange.pointee.ask()
        pthread_join(thread, nil)
        return costs
    }
}

/// Calls of one thread and answers of another, by number.
private struct Exchange: ~Copyable {
    private static var warmUpCount: UInt64 { 16 }
    private static var spinningCount: UInt64 { 48 }
    private static var sleepingCount: UInt64 { 8 }
    private static var lastSpinning: UInt64 { warmUpCount + spinningCount }
    private static var last: UInt64 { lastSpinning + sleepingCount }
    private static var stop: UInt64 { 1 << 31 }
    private static var limitNanoseconds: UInt64 { 5_000_000 }

    private let call = PaddedWord<PoolWord>(0)
    private let reply = PaddedWord<PoolWord>(0)

    /// Answers until the last call, or until told to stop.
    func answer() {
        var number: UInt64 = 1
        while number <= Self.last {
            // Acquire, like all here: nothing but the words themselves is handed over.
            let called = call.word.loadAcquire()
            if called == Self.stop { return }
            if called == number {
                reply.word.storeRelease(number)
                number += 1
            } else if number > Self.lastSpinning {
                call.word.park(while: UInt32(truncatingIfNeeded: number - 1))
            } else {
                tern_pause()
            }
        }
    }

    /// Calls, and measures how long the answers take.
    func ask() -> HandOffCosts {
        let start = tern_monotonic_nanoseconds()
        var spinning: [Int] = []
        var sleeping: [Int] = []
        for number in 1...Self.last {
            let isSleeping = number > Self.lastSpinning
            if isSleeping { giveTimeToSleep() }
            let called = tern_monotonic_nanoseconds()
            call.word.storeRelease(number)
            if isSleeping { unsafe PoolWord.unpark(call.word.parkingPlace, 1) }
            var polls = 0
            while reply.word.loadAcquire() != number {
                polls += 1
                if polls & 63 == 0, tern_monotonic_nanoseconds() &- start > Self.limitNanoseconds {
                    call.word.storeRelease(Self.stop)
                    unsafe PoolWord.unpark(call.word.parkingPlace, 1)
                    return Self.costs(spinning, sleeping)
                }
                tern_pause()
            }
            let elapsed = Int(clamping: tern_monotonic_nanoseconds() &- called)
            if isSleeping {
                sleeping.append(elapsed)
            } else if number > Self.warmUpCount {
                spinning.append(elapsed)
            }
        }
        return Self.costs(spinning, sleeping)
    }

    /// Until the answering thread has fallen asleep and its processor, perhaps, too.
    private func giveTimeToSleep() {
        let start = tern_monotonic_nanoseconds()
        while tern_monotonic_nanoseconds() &- start < 60_000 { tern_pause() }
    }

    private static func costs(_ spinning: [Int], _ sleeping: [Int]) -> HandOffCosts {
        var costs = HandOffCosts.usual
        if spinning.count >= 8 {
            costs.spinningNanoseconds = spinning.sorted()[spinning.count / 10]
        }
        if sleeping.count >= 3 {
            costs.sleepingNanoseconds = sleeping.sorted()[sleeping.count / 2]
        }
        return costs
    }
}
