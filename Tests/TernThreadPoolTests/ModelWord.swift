import Glibc
import InterleavingExplorer
import Testing

@testable import TernThreadPool

/// A word in the explored world of the moment: what the pool's protocols run on to be explored.
@safe struct ModelWord: ~Copyable, SharedWord {
    private let world: World
    private let id: Int

    init(_ value: UInt64) {
        guard let world = unsafe Exploration.world else {
            preconditionFailure("a modelled word was made outside an exploration")
        }
        self.world = world
        id = world.makeWord(value)
    }

    private var acquire: Ordering { world.weakenings.contains(.acquires) ? .relaxed : .oneSided }
    private var release: Ordering { world.weakenings.contains(.releases) ? .relaxed : .oneSided }

    func loadRelaxed() -> UInt64 { world.load(id, .relaxed) }
    func loadAcquire() -> UInt64 { world.load(id, acquire) }
    func loadSequential() -> UInt64 {
        world.load(id, world.weakenings.contains(.sequentialLoads) ? .oneSided : .sequential)
    }

    func storeRelaxed(_ value: UInt64) { world.store(id, value, .relaxed) }
    func storeRelease(_ value: UInt64) { world.store(id, value, release) }
    func storeSequential(_ value: UInt64) {
        world.store(
            id,
            value,
            world.weakenings.contains(.sequentialStores) ? .oneSided : .sequential
        )
    }

    func fetchAddRelaxed(_ value: UInt64) -> UInt64 {
        world.update(id, .relaxed) { $0 &+ value }.before
    }

    func fetchAdd(_ value: UInt64) -> UInt64 {
        world.update(id, .sequential) { $0 &+ value }.before
    }

    func fetchSubtract(_ value: UInt64) -> UInt64 {
        world.update(id, .sequential) { $0 &- value }.before
    }

    func fetchOr(_ value: UInt64) -> UInt64 {
        world.update(id, .sequential) { $0 | value }.before
    }

    func fetchAnd(_ value: UInt64) -> UInt64 {
        world.update(id, .sequential) { $0 & value }.before
    }

    func compareExchange(expected: UInt64, desired: UInt64) -> Bool {
        world.update(id, .sequential) { $0 == expected ? desired : nil }.isChanged
    }

    func compareExchangeRelaxed(expected: UInt64, desired: UInt64) -> Bool {
        world.update(id, .relaxed) { $0 == expected ? desired : nil }.isChanged
    }

    func park(while expected: UInt32) {
        world.park(id, at: UInt(id + 1), while: expected)
    }

    /// Not an address: nobody looks there.
    var parkingPlace: UnsafeRawPointer { unsafe UnsafeRawPointer(bitPattern: id + 1)! }

    static func unpark(_ place: UnsafeRawPointer, _ count: Int) {
        unsafe Exploration.world?.unpark(UInt(bitPattern: place), count)
    }
}

/// Explores scenarios, one at a time.
///
/// Goes further with `TERN_POOL_EXPLORATION=preemptions,old-reads`: each at least as many as the
/// tests ask for themselves. `TERN_POOL_EXPLORATION=3,2 swift test --filter Exploration` takes
/// minutes.
enum Exploration {
    /// Not a `Mutex`, because the thread sanitizer does not see that one.
    nonisolated(unsafe) private static let turn = {
        let mutex: UnsafeMutablePointer<pthread_mutex_t> = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        return unsafe mutex
    }()
    /// Guarded by `turn` and, within a run, by whose turn it is.
    nonisolated(unsafe) fileprivate(set) static var world: World?

    private static let further: [Int] =
        unsafe getenv("TERN_POOL_EXPLORATION").map {
            unsafe String(cString: $0).split(separator: ",").compactMap { Int($0) }
        } ?? []

    /// Prints, when someone asked to go further.
    fileprivate static func tell(_ text: String) {
        guard !further.isEmpty else { return }
        print(text)
        fflush(nil)
    }

    /// Explores; failures are told to the caller, not to the tests.
    static func find(
        preemptions: Int,
        oldReads: Int,
        weakenings: Set<Weakening> = [],
        _ setUp: (World) -> Scenario
    ) -> Finding {
        let isFurther = further.count == 2 && weakenings.isEmpty
        let bounds = Bounds(
            preemptionCount: max(preemptions, isFurther ? further[0] : 0),
            oldReadCount: max(oldReads, isFurther ? further[1] : 0)
        )
        unsafe pthread_mutex_lock(turn)
        defer {
            unsafe world = nil
            unsafe pthread_mutex_unlock(turn)
        }
        return explore(bounds, weakenings: weakenings) { newWorld in
            unsafe world = newWorld
            return setUp(newWorld)
        }
    }
}

/// Expects that nothing goes wrong in a scenario, whatever happens.
func expectSound(
    preemptions: Int,
    oldReads: Int,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ setUp: (World) -> Scenario
) {
    let finding = Exploration.find(preemptions: preemptions, oldReads: oldReads, setUp)
    let steps = finding.trace.map(\.description).joined(separator: "\n")
    #expect(
        finding.failure == nil,
        "run \(finding.runCount):\n\(steps)",
        sourceLocation: sourceLocation
    )
    #expect(finding.runCount > 1, sourceLocation: sourceLocation)
    Exploration.tell(
        "sound after \(finding.runCount) runs, \(finding.isComplete ? "" : "not ")complete"
    )
}

/// Expects that a scenario goes wrong if the orderings are not honoured.
func expectUnsound(
    without weakening: Weakening,
    preemptions: Int,
    oldReads: Int,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ setUp: (World) -> Scenario
) {
    let finding = Exploration.find(
        preemptions: preemptions,
        oldReads: oldReads,
        weakenings: [weakening],
        setUp
    )
    #expect(
        finding.failure != nil,
        "\(finding.runCount) runs without \(weakening) went well",
        sourceLocation: sourceLocation
    )
    Exploration.tell(
        "unsound without \(weakening) after \(finding.runCount) runs: \(finding.failure ?? "-")"
    )
}

/// A word on the heap, for closures to share.
final class ModelCell: Sendable {
    private let word = ModelWord(0)
    var value: UInt64 {
        get { word.loadRelaxed() }
        set { word.storeRelaxed(newValue) }
    }
    func loadSequential() -> UInt64 { word.loadSequential() }
    func storeSequential(_ value: UInt64) { word.storeSequential(value) }
    func loadAcquire() -> UInt64 { word.loadAcquire() }
    func storeRelease(_ value: UInt64) { word.storeRelease(value) }
    func add(_ value: UInt64) { _ = word.fetchAddRelaxed(value) }
    func park(while expected: UInt32) { word.park(while: expected) }
    func unpark() { unsafe ModelWord.unpark(word.parkingPlace, 1) }
}
