import InterleavingExplorer
import Testing

@testable import TernThreadPool

/// A primitive at a fixed place that the threads of a scenario share.
final class Placed<Value: ~Copyable>: @unchecked Sendable {
    let value: Value
    init(_ value: consuming Value) { self.value = value }
}

/// Counts who took which entry, and whether what was written before the push was visible.
private final class Takings {
    private var counts: [Int]
    private var unseen = 0
    private let payloads: [ModelCell]

    init(_ count: Int) {
        counts = Array(repeating: 0, count: count)
        payloads = (0..<count).map { _ in ModelCell() }
    }

    func prepare(_ entry: UInt64) { payloads[Int(entry) - 1].value = entry }

    func take(_ entry: UInt64) {
        guard entry != 0 else { return }
        counts[Int(entry) - 1] += 1
        if payloads[Int(entry) - 1].value != entry { unseen += 1 }
    }

    var verdict: String? {
        if counts.contains(where: { $0 != 1 }) { return "entries were taken \(counts) times" }
        return unseen > 0 ? "an entry came before what it points to" : nil
    }
}

private typealias ModelDeque = Placed<ChaseLevDeque<ModelWord>>

private func steal(_ deque: ModelDeque, _ takings: Takings) {
    while true {
        switch deque.value.steal() {
        case .nothing: return
        case .contended: continue
        case .entry(let entry): return takings.take(entry)
        }
    }
}

/// An owner that pushes and pops, and thieves that make so many attempts each.
private func owner(
    capacity: Int,
    pushes: Int,
    pops: Int,
    thefts: [Int]
) -> (World) -> Scenario {
    { _ in
        let deque = ModelDeque(ChaseLevDeque(capacity: capacity))
        let takings = Takings(pushes)
        let owner = {
            for entry in 1...UInt64(pushes) {
                takings.prepare(entry)
                if !deque.value.push(entry) { takings.take(entry) }
            }
            for _ in 0..<pops { takings.take(deque.value.pop()) }
        }
        let thieves = thefts.map { attempts in
            { for _ in 0..<attempts { steal(deque, takings) } }
        }
        return Scenario(threads: [owner] + thieves) {
            while case let entry = deque.value.pop(), entry != 0 { takings.take(entry) }
            return takings.verdict
        }
    }
}

@Suite struct DequeExplorationTests {
    @Test func `owner and thieves take each entry once`() {
        expectSound(
            preemptions: 2,
            oldReads: 2,
            owner(capacity: 4, pushes: 2, pops: 2, thefts: [2])
        )
        expectSound(
            preemptions: 2,
            oldReads: 1,
            owner(capacity: 4, pushes: 3, pops: 2, thefts: [1, 1])
        )
    }

    @Test func `a slot that is used again is not taken twice`() {
        expectSound(
            preemptions: 2,
            oldReads: 2,
            owner(capacity: 1, pushes: 3, pops: 1, thefts: [2])
        )
    }

    @Test(arguments: [Weakening.sequentialStores, .sequentialLoads])
    func `without a fence in pop or steal an entry is taken twice`(_ weakening: Weakening) {
        expectUnsound(
            without: weakening,
            preemptions: 2,
            oldReads: 2,
            owner(capacity: 4, pushes: 2, pops: 2, thefts: [2])
        )
    }

    @Test func `without release in push an entry comes before what it points to`() {
        expectUnsound(
            without: .releases,
            preemptions: 2,
            oldReads: 2,
            owner(capacity: 4, pushes: 2, pops: 2, thefts: [2])
        )
    }
}
