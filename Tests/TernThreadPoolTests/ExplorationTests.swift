import InterleavingExplorer
import Testing

@testable import TernThreadPool

// What the explorer must find in the smallest programs there are; without that, what it doesn't find
// in the pool's protocols says nothing.

/// Two threads that each store to a word and then load the other's.
private func storeBuffering(_: World) -> Scenario {
    let words = [ModelCell(), ModelCell()]
    let seen = Seen(2)
    return Scenario(
        threads: [0, 1].map { own in
            {
                words[own].storeSequential(1)
                seen[own] = words[1 - own].loadSequential()
            }
        },
        verdict: { seen[0] == 0 && seen[1] == 0 ? "both loads came before both stores" : nil }
    )
}

/// A thread that hands a value to another with a flag.
private func messagePassing(_: World) -> Scenario {
    let payload = ModelCell()
    let flag = ModelCell()
    let seen = Seen(2)
    return Scenario(
        threads: [
            {
                payload.value = 7
                flag.storeRelease(1)
            },
            {
                seen[0] = flag.loadAcquire()
                seen[1] = payload.value
            },
        ],
        verdict: { seen[0] == 1 && seen[1] != 7 ? "the flag came without the payload" : nil }
    )
}

/// What threads of a run found out; not shared memory of the model.
final class Seen: @unchecked Sendable {
    private var values: [UInt64]
    init(_ count: Int) { values = Array(repeating: 0, count: count) }
    subscript(_ index: Int) -> UInt64 {
        get { values[index] }
        set { values[index] = newValue }
    }
    var all: [UInt64] { values }
}

@Suite struct ExplorationTests {
    @Test func `sequential stores and loads keep their order, and weaker ones don't`() {
        expectSound(preemptions: 3, oldReads: 3, storeBuffering)
        for weakening in [Weakening.sequentialStores, .sequentialLoads] {
            expectUnsound(without: weakening, preemptions: 0, oldReads: 1, storeBuffering)
        }
    }

    @Test func `release and acquire hand values over, and weaker orderings don't`() {
        expectSound(preemptions: 3, oldReads: 3, messagePassing)
        for weakening in [Weakening.releases, .acquires] {
            expectUnsound(without: weakening, preemptions: 0, oldReads: 1, messagePassing)
        }
    }

    @Test func `an interruption between a load and a store is found`() {
        let finding = Exploration.find(preemptions: 1, oldReads: 0) { _ in
            let sum = ModelCell()
            return Scenario(
                threads: [1, 2].map { amount in { sum.value += amount } },
                verdict: { sum.value == 3 ? nil : "an addition was lost" }
            )
        }
        #expect(finding.failure == "an addition was lost")
    }

    @Test func `additions by read-modify-write are never lost`() {
        expectSound(preemptions: 3, oldReads: 3) { _ in
            let sum = ModelCell()
            return Scenario(
                threads: [1, 2, 4].map { amount in { sum.add(amount) } },
                verdict: { sum.value == 7 ? nil : "an addition was lost" }
            )
        }
    }

    @Test func `a thread that sleeps for ever is found`() {
        let finding = Exploration.find(preemptions: 1, oldReads: 0) { _ in
            let flag = ModelCell()
            return Scenario(
                threads: [
                    {
                        // Looks, then sleeps without looking again.
                        if flag.value == 0 { flag.park(while: 0) }
                    },
                    {
                        flag.unpark()
                        flag.value = 1
                    },
                ],
                verdict: { nil }
            )
        }
        #expect(finding.failure == "threads [0] sleep for ever")
    }

    @Test func `a kernel that compares before it lets a thread sleep loses no wake-up`() {
        expectSound(preemptions: 3, oldReads: 3) { _ in
            let flag = ModelCell()
            return Scenario(
                threads: [
                    { while flag.loadAcquire() == 0 { flag.park(while: 0) } },
                    {
                        flag.storeRelease(1)
                        flag.unpark()
                    },
                ],
                verdict: { nil }
            )
        }
    }
}
