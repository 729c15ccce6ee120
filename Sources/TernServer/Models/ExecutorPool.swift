internal import TernTransport

/// The executors of one version of a model, and the requests that wait for one.
///
/// There are as many executors as may run at once; they are made when the model is loaded. A worker
/// that finds none does not wait: it leaves the request here and goes on, and whoever gives an
/// executor back takes the request that waited longest instead. So no thread is ever held by a
/// busy model.
package final class ExecutorPool: Sendable {
    private struct State {
        var idle: [any ModelExecutor]
        var waiting: IndexQueue
    }

    private let state: Locked<State>

    /// What a worker that asked for an executor gets.
    package enum Turn {
        /// An executor; end with ``giveBack(_:)``.
        case run(any ModelExecutor)
        /// The request waits; whoever is done next takes it up.
        case wait
    }

    /// Makes a pool.
    ///
    /// - Parameters:
    ///   - executors: At least one.
    ///   - waitingLimit: The most requests that can wait.
    package init(executors: [any ModelExecutor], waitingLimit: Int) {
        precondition(!executors.isEmpty, "a model without executors would never answer")
        state = Locked(State(idle: executors, waiting: IndexQueue(capacity: waitingLimit)))
    }

    /// Hands an executor to the request in the slot at `slotIndex`, or remembers the request.
    package func take(forSlot slotIndex: Int) -> Turn {
        state.withLock { state in
            if let executor = state.idle.popLast() { return .run(executor) }
            state.waiting.append(slotIndex)
            return .wait
        }
    }

    /// Takes an executor back.
    ///
    /// - Parameter executor: What ``take(forSlot:)`` handed out.
    /// - Returns: The slot of a request that waited: the caller keeps the executor and runs it.
    package func giveBack(_ executor: any ModelExecutor) -> Int? {
        state.withLock { state in
            if let next = state.waiting.popFirst() { return next }
            state.idle.append(executor)
            return nil
        }
    }

    /// How many executors nobody uses.
    package var idleCount: Int { state.withLock { $0.idle.count } }
}

/// A first-in, first-out queue of small numbers with room for a fixed count of them; allocates when
/// it is made and never again.
package struct IndexQueue: Sendable {
    private var storage: [Int]
    private var first = 0

    /// How many there are.
    package private(set) var count = 0

    /// Makes an empty queue for at most `capacity` numbers.
    package init(capacity: Int) {
        precondition(capacity > 0, "a queue needs room")
        storage = Array(repeating: 0, count: capacity)
    }

    /// Adds a number at the end.
    ///
    /// - Precondition: There is room.
    package mutating func append(_ index: Int) {
        precondition(count < storage.count, "more requests wait than were admitted")
        storage[(first + count) % storage.count] = index
        count += 1
    }

    /// Removes the number that has been here longest.
    package mutating func popFirst() -> Int? {
        guard count > 0 else { return nil }
        let index = storage[first]
        first = (first + 1) % storage.count
        count -= 1
        return index
    }
}
