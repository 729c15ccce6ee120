import Testing

@testable import TernServer

@Suite struct RequestQueueTests {
    private static let kind = BatchKind()

    private func drain(_ queue: inout RequestQueue, rowLimit: Int = 1) -> [[Int]] {
        var turns: [[Int]] = []
        var slots: [Int] = []
        while true {
            queue.take(rowLimit: rowLimit, into: &slots)
            if slots.isEmpty { return turns }
            turns.append(slots)
        }
    }

    @Test func `the earliest deadline goes first, and of equal ones the earliest arrival`() {
        var queue = RequestQueue(capacity: 8)
        for (slot, deadline) in [(0, UInt64.max), (1, 500), (2, 100), (3, .max), (4, 500)] {
            queue.add(
                QueuedRequest(slot: slot, ticket: UInt64(slot), deadlineNanoseconds: deadline),
                urgency: .normal
            )
        }
        #expect(queue.count == 5)
        #expect(drain(&queue) == [[2], [1], [4], [0], [3]])
        #expect(queue.count == 0)
    }

    @Test func `urgent requests go first whatever their deadline, and nobody starves`() {
        var queue = RequestQueue(capacity: 64)
        for slot in 0..<20 {
            queue.add(QueuedRequest(slot: slot, ticket: UInt64(slot)), urgency: .urgent)
        }
        queue.add(
            QueuedRequest(slot: 100, ticket: 100, deadlineNanoseconds: 1),
            urgency: .normal
        )
        queue.add(
            QueuedRequest(slot: 200, ticket: 101, deadlineNanoseconds: 1),
            urgency: .background
        )
        let order = drain(&queue).map { $0[0] }
        #expect(order.prefix(8) == [0, 1, 2, 3, 4, 5, 6, 7])
        #expect(Set(order[8..<10]) == [100, 200])
        #expect(order.count == 22)
    }

    @Test func `priorities fall into three classes`() {
        #expect([-128, -1].map { UrgencyClass(priority: $0) } == [.background, .background])
        #expect([0, 1, 127].map { UrgencyClass(priority: $0) } == [.normal, .urgent, .urgent])
    }

    @Test func `rows of one kind come together, in powers of two, up to the limit`() {
        var queue = RequestQueue(capacity: 32)
        for slot in 0..<13 {
            queue.add(
                QueuedRequest(slot: slot, ticket: UInt64(slot), kind: Self.kind),
                urgency: .normal
            )
        }
        #expect(drain(&queue, rowLimit: 8).map { $0.count } == [8, 4, 1])
    }

    @Test func `a request of another kind ends a batch and loses no place`() {
        var queue = RequestQueue(capacity: 32)
        var other = BatchKind()
        _ = other.add(7)
        for slot in 0..<8 {
            queue.add(
                QueuedRequest(
                    slot: slot,
                    ticket: UInt64(slot),
                    kind: slot == 3 ? other : slot == 5 ? nil : Self.kind
                ),
                urgency: .normal
            )
        }
        #expect(drain(&queue, rowLimit: 8) == [[0, 1], [2], [3], [4], [5], [6, 7]])
        #expect(queue.count == 0)
    }

    @Test func `the limit counts rows, not requests`() {
        var queue = RequestQueue(capacity: 32)
        for (slot, rows) in [3, 3, 3, 20, 1].enumerated() {
            queue.add(
                QueuedRequest(slot: slot, ticket: UInt64(slot), rowCount: rows, kind: Self.kind),
                urgency: .normal
            )
        }
        #expect(drain(&queue, rowLimit: 8) == [[0, 1], [2], [3], [4]])
    }

    @Test func `what is removed is gone, and the order of the rest stays`() {
        var queue = RequestQueue(capacity: 32)
        for slot in 0..<10 {
            queue.add(
                QueuedRequest(
                    slot: slot,
                    ticket: UInt64(slot),
                    deadlineNanoseconds: UInt64(100 - slot)
                ),
                urgency: .normal
            )
        }
        func remove(_ slot: Int, _ ticket: UInt64) -> Bool {
            queue.remove(slot: slot, ticket: ticket)
        }
        #expect(remove(5, 5))
        #expect(!remove(5, 5))
        #expect(!remove(4, 5))
        #expect(drain(&queue).map { $0[0] } == [9, 8, 7, 6, 4, 3, 2, 1, 0])
    }

    @Test func `sizes of a kind are told apart, and too many or too large ones have none`() {
        var a = BatchKind()
        var b = BatchKind()
        let fit = [a.add(1), a.add(2), b.add(2), b.add(1)]
        #expect(fit == [true, true, true, true])
        #expect(a != b)
        #expect(BatchKind() != a)
        let rest = [a.add(3), a.add(4), a.add(5), b.add(1 << 16)]
        #expect(rest == [true, true, false, false])
    }
}
