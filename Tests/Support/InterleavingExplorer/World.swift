// Shared memory as a program may see it, for one run of a few threads of which one runs at a time.
//
// Every word keeps all values that were ever stored in it, in order. A thread does not read "the"
// value: it may read any that is not older than what it already knows, and what it knows is its view,
// a place in the history of each word:
//
//     load           any value from the thread's view on; the view moves on to it. Reading an old
//                    value is what happens on a processor while the store of a newer one is still in
//                    another processor's store buffer.
//     acquire        the thread also learns the view that the value was stored with
//     store          at the end of the history, with no view to learn from it
//     release        with the view of the thread that stores
//     read-modify-write   reads the newest value; keeps the view of the value it replaces
//     sequential     an acquire or release that also takes part in one order of all sequential
//                    operations: a sequential load reads nothing older than the latest sequential
//                    store to the word
//     park, wake     the kernel's calls: full barriers among each other
//
// This is C11's memory model without two things that the protocols under test don't rely on: stores
// that enter a history in another order than they were executed, and loads that are executed early.
// It forgives less than x86-64, so an ordering that is missing there or on arm64 is found here.

/// How strong an operation is.
package enum Ordering: Sendable {
    case relaxed
    case oneSided
    case sequential
}

/// How many values of each word a thread knows to be superseded.
typealias View = SIMD64<UInt8>

/// One value in a word's history.
struct StoredValue {
    var value: UInt64
    /// What who reads it with acquire learns.
    var view: View
}

/// One run's memory and threads.
///
/// Only the thread whose turn it is may use it.
package final class World: @unchecked Sendable {
    /// How many words a run may have.
    package static var wordLimit: Int { 64 }

    private enum Status: Equatable {
        case runnable
        /// Lets others go first.
        case yielding
        case parked(UInt)
        case finished
    }

    private struct Thread {
        var status = Status.runnable
        var view: View
        let turn: Turn
    }

    /// The orderings that are deliberately not honoured.
    package let weakenings: Set<Weakening>

    private let decisions: Decisions
    private var preemptionsLeft: Int
    private var oldReadsLeft: Int
    private let stepLimit: Int
    private let end: Turn

    private var histories: [[StoredValue]] = []
    /// The latest sequential store in each history.
    private var sequentialFloor = View()
    /// What the kernel's calls have made known.
    private var kernelView = View()
    private var threads: [Thread] = []
    /// Whose turn it is; nil while the run is set up or judged.
    private var current: Int?
    /// What the thread that sets up and judges knows.
    private var outsideView = View()

    package private(set) var failure: String?
    package private(set) var trace: [Step] = []

    init(
        bounds: Bounds,
        weakenings: Set<Weakening>,
        decisions: Decisions,
        end: Turn
    ) {
        preemptionsLeft = bounds.preemptionCount
        oldReadsLeft = bounds.oldReadCount
        stepLimit = bounds.stepCount
        self.weakenings = weakenings
        self.decisions = decisions
        self.end = end
        trace.reserveCapacity(256)
    }

    // MARK: Threads

    /// Starts a run of one thread for each turn; returns when it has ended.
    func run(_ turns: [Turn]) {
        threads = turns.map { Thread(view: outsideView, turn: $0) }
        let first = decisions.choose(among: threads.count)
        current = first
        threads[first].turn.give()
        end.take()
        current = nil
        for thread in threads { outsideView = pointwiseMax(outsideView, thread.view) }
    }

    /// Ends the calling thread's part in the run.
    func finishThread() {
        guard let own = current else { return }
        threads[own].status = .finished
        record(.finish, nil, 0)
        handOn()
    }

    /// Ends the run with a failure; the calling thread never goes on.
    package func fail(_ reason: String) {
        failure = failure ?? reason
        guard current != nil else { return }
        current = nil
        end.give()
        while true { Turn().take() }
    }

    /// Lets other threads go first: what a thread does that spins.
    package func yield() {
        guard let own = current else { return }
        let turn = threads[own].turn
        threads[own].status = .yielding
        record(.yield, nil, 0)
        handOn()
        turn.take()
        threads[own].status = .runnable
    }

    /// Gives the turn to one that can run; who cannot go on itself calls this.
    private func handOn() {
        var candidates = indices(.runnable)
        if candidates.isEmpty { candidates = indices(.yielding) }
        guard !candidates.isEmpty else {
            if threads.contains(where: { $0.status != .finished }) {
                let sleepers = threads.indices.filter { threads[$0].status != .finished }
                return fail("threads \(sleepers) sleep for ever")
            }
            current = nil
            return end.give()
        }
        let next = candidates[decisions.choose(among: candidates.count)]
        current = next
        threads[next].turn.give()
    }

    private func indices(_ status: Status) -> [Int] {
        threads.indices.filter { threads[$0].status == status }
    }

    /// Comes before each operation: the place where another thread may get the turn.
    private func step() {
        guard let own = current else { return }
        if trace.count >= stepLimit { fail("a run does not end within \(stepLimit) steps") }
        // Who has yielded goes on when another has made a step.
        for index in threads.indices where threads[index].status == .yielding {
            threads[index].status = .runnable
        }
        guard preemptionsLeft > 0 else { return }
        let others = threads.indices.filter { $0 != own && threads[$0].status == .runnable }
        let choice = decisions.choose(among: others.count + 1)
        guard choice > 0 else { return }
        preemptionsLeft -= 1
        let turn = threads[own].turn
        current = others[choice - 1]
        threads[others[choice - 1]].turn.give()
        turn.take()
    }

    // MARK: Memory

    /// Makes a word that everybody knows to hold `value`.
    package func makeWord(_ value: UInt64) -> Int {
        precondition(histories.count < Self.wordLimit, "too many words for a view")
        histories.append([StoredValue(value: value, view: View())])
        return histories.count - 1
    }

    private var view: View {
        get { current.map { threads[$0].view } ?? outsideView }
        set {
            if let current { threads[current].view = newValue } else { outsideView = newValue }
        }
    }

    /// Reads a word.
    package func load(_ word: Int, _ ordering: Ordering) -> UInt64 {
        step()
        let value = read(word, ordering)
        record(.load, word, value)
        return value
    }

    private func read(_ word: Int, _ ordering: Ordering) -> UInt64 {
        let newest = histories[word].count - 1
        var oldest = Int(view[word])
        if ordering == .sequential { oldest = max(oldest, Int(sequentialFloor[word])) }
        let known = newest - oldest
        var age = 0
        if known > 0 && oldReadsLeft > 0 && current != nil {
            age = decisions.choose(among: known + 1)
            if age > 0 { oldReadsLeft -= 1 }
        }
        let stored = histories[word][newest - age]
        var seen = view
        seen[word] = UInt8(newest - age)
        if ordering != .relaxed { seen = pointwiseMax(seen, stored.view) }
        view = seen
        return stored.value
    }

    /// Writes a word.
    package func store(_ word: Int, _ value: UInt64, _ ordering: Ordering) {
        step()
        append(word, value, ordering, inherited: View())
        record(.store, word, value)
    }

    private func append(_ word: Int, _ value: UInt64, _ ordering: Ordering, inherited: View) {
        let place = histories[word].count
        precondition(place <= 255, "too many stores to one word for a view")
        var seen = view
        seen[word] = UInt8(place)
        view = seen
        var carried = inherited
        carried[word] = UInt8(place)
        if ordering != .relaxed { carried = pointwiseMax(carried, seen) }
        histories[word].append(StoredValue(value: value, view: carried))
        if ordering == .sequential { sequentialFloor[word] = UInt8(place) }
    }

    /// Replaces a word's newest value; if `change` returns nil it is only read, relaxed.
    ///
    /// - Returns: The value before, and whether it was replaced.
    package func update(
        _ word: Int,
        _ ordering: Ordering,
        _ change: (UInt64) -> UInt64?
    ) -> (before: UInt64, isChanged: Bool) {
        step()
        let newest = histories[word].count - 1
        let stored = histories[word][newest]
        var seen = view
        seen[word] = UInt8(newest)
        guard let value = change(stored.value) else {
            view = seen
            record(.update, word, stored.value)
            return (stored.value, false)
        }
        if ordering != .relaxed { seen = pointwiseMax(seen, stored.view) }
        view = seen
        append(word, value, ordering, inherited: stored.view)
        record(.update, word, value)
        return (stored.value, true)
    }

    // MARK: The kernel

    /// Sleeps while the low half of a word is `expected`.
    package func park(_ word: Int, at place: UInt, while expected: UInt32) {
        step()
        view = pointwiseMax(view, kernelView)
        let value = read(word, .relaxed)
        record(.park, word, value)
        guard let own = current, UInt32(truncatingIfNeeded: value) == expected else { return }
        let turn = threads[own].turn
        threads[own].status = .parked(place)
        handOn()
        turn.take()
    }

    /// Wakes threads that sleep at a place.
    package func unpark(_ place: UInt, _ count: Int) {
        step()
        record(.unpark, nil, UInt64(place))
        kernelView = pointwiseMax(kernelView, view)
        var left = count
        while left > 0 {
            let sleepers = indices(.parked(place))
            guard !sleepers.isEmpty else { return }
            let woken = sleepers[decisions.choose(among: sleepers.count)]
            threads[woken].status = .runnable
            threads[woken].view = pointwiseMax(threads[woken].view, kernelView)
            left -= 1
        }
    }

    private func record(_ operation: Step.Operation, _ word: Int?, _ value: UInt64) {
        guard let current else { return }
        trace.append(Step(thread: current, operation: operation, word: word, value: value))
    }
}

/// An ordering that a run does not honour, to see whether that is noticed.
package enum Weakening: Sendable {
    /// Sequential stores are release stores.
    case sequentialStores
    /// Sequential loads are acquire loads.
    case sequentialLoads
    /// Release stores are relaxed.
    case releases
    /// Acquire loads are relaxed.
    case acquires
}

/// What a thread did in a run.
package struct Step: Sendable, CustomStringConvertible {
    enum Operation { case load, store, update, park, unpark, yield, finish }

    let thread: Int
    let operation: Operation
    let word: Int?
    let value: UInt64

    package var description: String {
        let place = word.map { " word \($0)" } ?? ""
        return "thread \(thread): \(operation)\(place) 0x\(String(value, radix: 16))"
    }
}

private func pointwiseMax(_ first: View, _ second: View) -> View {
    first.replacing(with: second, where: first .< second)
}
