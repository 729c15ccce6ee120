internal import TernTransport

/// The free slots of a fixed table, to be taken and given back from any thread.
///
/// A stack, so that the slot used last, whose memory is warm, is used next. Taking and giving back
/// costs a short lock and allocates nothing.
package final class IndexStack: Sendable {
    private let indices: Locked<[Int]>
    /// How many indices there are in all.
    package let capacity: Int

    /// Holds the indices `0..<capacity`.
    package init(capacity: Int) {
        precondition(capacity > 0, "a table without slots can serve nobody")
        self.capacity = capacity
        indices = Locked(Array((0..<capacity).reversed()))
    }

    /// Takes an index nobody holds; `nil` if all are taken.
    package func pop() -> Int? { indices.withLock { $0.popLast() } }

    /// Gives an index back.
    package func push(_ index: Int) {
        indices.withLock { indices in
            precondition(indices.count < capacity, "an index was given back twice")
            indices.append(index)
        }
    }

    /// How many indices are taken.
    package var takenCount: Int { capacity - indices.withLock { $0.count } }
}
