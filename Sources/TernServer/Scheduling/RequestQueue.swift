// Which of the requests that wait for a model goes next, as a value: no locks, no clocks.

/// How urgent a request is; the protocol's 256 priorities fall into three classes.
package enum UrgencyClass: Int, CaseIterable, Sendable {
    /// Above 0.
    case urgent
    /// 0, where nothing was said.
    case normal
    /// Below 0.
    case background

    /// The class of a priority as the protocol carries it.
    package init(priority: Int8) {
        self = priority > 0 ? .urgent : priority < 0 ? .background : .normal
    }
}

/// What a queue has to know of a request that waits.
package struct QueuedRequest: Equatable, Sendable {
    /// The slot that holds the request.
    package let slot: Int
    /// Tells apart the requests that one slot holds one after the other; of two with one deadline
    /// the smaller came first.
    package let ticket: UInt64
    /// When it is of no use any more, on the server's clock.
    package let deadlineNanoseconds: UInt64
    /// How many rows it brings to a batch; at least 1.
    package let rowCount: Int
    /// Requests with equal kinds can share a batch; `nil` shares with none.
    package let kind: BatchKind?

    package init(
        slot: Int,
        ticket: UInt64,
        deadlineNanoseconds: UInt64 = .max,
        rowCount: Int = 1,
        kind: BatchKind? = nil
    ) {
        self.slot = slot
        self.ticket = ticket
        self.deadlineNanoseconds = deadlineNanoseconds
        self.rowCount = rowCount
        self.kind = kind
    }

    /// Whether this one goes first: the earlier deadline, then the earlier arrival.
    func precedes(_ other: QueuedRequest) -> Bool {
        (deadlineNanoseconds, ticket) < (other.deadlineNanoseconds, other.ticket)
    }
}

/// The requests that wait for one version of a model: the most urgent class first, within a class
/// the earliest deadline.
///
/// A class that was passed over eight times while it had requests is served next, so that none
/// starves: it gets at least every ninth turn. Allocates when it is made, not later.
package struct RequestQueue: Sendable {
    /// How often a class that has requests is passed over in a row, at most.
    package static let patience = 8

    private var heaps: [DeadlineHeap]
    private var passedOver: [Int]

    /// Makes a queue for at most `capacity` requests.
    package init(capacity: Int) {
        heaps = UrgencyClass.allCases.map { _ in DeadlineHeap(capacity: capacity) }
        passedOver = UrgencyClass.allCases.map { _ in 0 }
    }

    /// How many requests wait.
    package private(set) var count = 0

    /// Adds a request.
    ///
    /// - Complexity: O(log n).
    package mutating func add(_ request: QueuedRequest, urgency: UrgencyClass) {
        heaps[urgency.rawValue].add(request)
        count += 1
    }

    /// Takes a request out before its turn.
    ///
    /// - Returns: Whether it was there.
    /// - Complexity: O(n).
    package mutating func remove(slot: Int, ticket: UInt64) -> Bool {
        for index in heaps.indices where heaps[index].remove(slot: slot, ticket: ticket) {
            count -= 1
            return true
        }
        return false
    }

    /// Takes the next turn's requests out: the first in order, and after it those of its class that
    /// can share a batch with it, as long as the next in order can.
    ///
    /// Requests of one row each come in powers of two, for which the model is prepared; what is left
    /// over waits for the next turn, which is next.
    ///
    /// - Parameters:
    ///   - rowLimit: The most rows of a batch; a request that has more comes alone.
    ///   - slots: Where the slots go; empty if nobody waits.
    /// - Complexity: O(k log n) for k requests.
    package mutating func take(rowLimit: Int, into slots: inout [Int]) {
        slots.removeAll(keepingCapacity: true)
        guard let urgency = next(), let first = heaps[urgency].takeFirst() else { return }
        defer { count -= slots.count }
        slots.append(first.slot)
        guard let kind = first.kind, first.rowCount < rowLimit else { return }
        var rowCount = first.rowCount
        var isSingle = first.rowCount == 1
        let most = (heaps[urgency].count + 1).largestPowerOfTwoWithin
        while let next = heaps[urgency].first, next.kind == kind,
            rowCount + next.rowCount <= rowLimit
        {
            isSingle = isSingle && next.rowCount == 1
            if isSingle, slots.count == most { break }
            slots.append(next.slot)
            rowCount += next.rowCount
            taken.append(next)
            _ = heaps[urgency].takeFirst()
        }
        defer { taken.removeAll(keepingCapacity: true) }
        guard isSingle else { return }
        // Another kind came in between: back to a power of two.
        let kept = slots.count.largestPowerOfTwoWithin
        while slots.count > kept, let last = taken.popLast() {
            heaps[urgency].add(last)
            slots.removeLast()
        }
    }

    /// Takes out all there are, in no order.
    package mutating func takeAll() -> [QueuedRequest] {
        let all = heaps.flatMap(\.requests)
        for index in heaps.indices { heaps[index].requests.removeAll(keepingCapacity: true) }
        count = 0
        return all
    }

    /// Those that `take` might have to put back.
    private var taken: [QueuedRequest] = []

    /// The class whose turn it is.
    private mutating func next() -> Int? {
        var choice: Int?
        for index in heaps.indices where !heaps[index].isEmpty {
            if choice == nil || passedOver[index] >= Self.patience { choice = index }
        }
        guard let choice else { return nil }
        for index in heaps.indices {
            passedOver[index] = index == choice || heaps[index].isEmpty ? 0 : passedOver[index] + 1
        }
        return choice
    }
}

/// Requests by deadline: a binary heap whose memory is taken once.
private struct DeadlineHeap: Sendable {
    var requests: [QueuedRequest] = []

    init(capacity: Int) { requests.reserveCapacity(capacity) }

    var count: Int { requests.count }
    var isEmpty: Bool { requests.isEmpty }
    var first: QueuedRequest? { requests.first }

    mutating func add(_ request: QueuedRequest) {
        requests.append(request)
        siftUp(from: requests.count - 1)
    }

    mutating func takeFirst() -> QueuedRequest? {
        guard let first = requests.first else { return nil }
        remove(at: 0)
        return first
    }

    mutating func remove(slot: Int, ticket: UInt64) -> Bool {
        guard let index = requests.firstIndex(where: { $0.slot == slot && $0.ticket == ticket })
        else { return false }
        remove(at: index)
        return true
    }

    private mutating func remove(at index: Int) {
        let last = requests.removeLast()
        guard index < requests.count else { return }
        requests[index] = last
        siftUp(from: index)
        siftDown(from: index)
    }

    private mutating func siftUp(from start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard requests[index].precedes(requests[parent]) else { return }
            requests.swapAt(index, parent)
            index = parent
        }
    }

    private mutating func siftDown(from start: Int) {
        var index = start
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < requests.count {
                if requests[child].precedes(requests[least]) { least = child }
            }
            guard least != index else { return }
            requests.swapAt(index, least)
            index = least
        }
    }
}

extension Int {
    /// The largest power of two that is no larger; at least 1.
    fileprivate var largestPowerOfTwoWithin: Int {
        self < 2 ? 1 : 1 << (Int.bitWidth - 1 - leadingZeroBitCount)
    }
}
