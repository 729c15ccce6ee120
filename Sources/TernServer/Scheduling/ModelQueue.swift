internal import TernRuntime
internal import TernTransport

// The requests that wait for a model, the executors that run them, and the turns between.
//
// A turn is one visit of a worker: it takes a seat and a batch of what waits, runs it, gives the seat
// back. Turns are jobs in the pool's first-in, first-out queue. A model has at most as many turns
// there as it has seats, and after each it stands at the end again: so a model of which thousands of
// requests wait is served as often as one of which one does.
//
//     add ─▶ turns < seats: one more turn, which the caller submits
//     begin ─▶ a seat with a batch        or nobody waits: the turn is over
//     end ─▶ more wait: the turn is submitted again    or the turn is over
//
// All under one lock. A turn that is counted always has a seat, so no worker waits for one.

/// Where one worker at a time runs a model: the executor, and what it works on.
internal final class ExecutorSeat {
    let executor: any ModelExecutor
    /// The slots of the turn's batch.
    var slots: [Int] = []
    /// Never requested: a batch is run to its end.
    let interruption = Interruption()
    /// Where the inputs of a batch stand together.
    let stage: BatchStage

    init(_ executor: any ModelExecutor, inputCount: Int, batchLimit: Int) {
        self.executor = executor
        slots.reserveCapacity(batchLimit)
        stage = BatchStage(inputCount: inputCount)
    }
}

/// The queue and the seats of one version of a model.
package final class ModelQueue: Sendable {
    private struct State {
        var requests: RequestQueue
        var idle: [ExecutorSeat]
        var turnCount = 0
    }

    private let state: Locked<State>
    private let seatCount: Int

    /// The most rows that run together; 1 if batches are no use.
    package let rowLimit: Int

    /// Makes an empty queue.
    ///
    /// - Parameters:
    ///   - executors: At least one.
    ///   - inputCount: How many inputs the model has.
    ///   - waitingLimit: The most requests that can wait.
    ///   - rowLimit: The most rows that run together.
    package init(
        executors: [any ModelExecutor],
        inputCount: Int,
        waitingLimit: Int,
        rowLimit: Int
    ) {
        precondition(!executors.isEmpty, "a model without executors would never answer")
        self.rowLimit = rowLimit
        seatCount = executors.count
        let seats = executors.map {
            ExecutorSeat($0, inputCount: inputCount, batchLimit: rowLimit)
        }
        state = Locked(State(requests: RequestQueue(capacity: waitingLimit), idle: seats))
    }

    /// How many requests wait.
    package var waitingCount: Int { state.withLock { $0.requests.count } }

    /// How many seats nobody uses.
    package var idleCount: Int { state.withLock { $0.idle.count } }

    /// Adds a request.
    ///
    /// - Returns: Whether the caller must submit a turn.
    package func add(_ request: QueuedRequest, urgency: UrgencyClass) -> Bool {
        state.withLock { state in
            state.requests.add(request, urgency: urgency)
            guard state.turnCount < seatCount else { return false }
            state.turnCount += 1
            return true
        }
    }

    /// A turn could not be submitted.
    ///
    /// - Returns: The requests that are taken out because no other turn would come to them.
    package func giveUpTurn() -> [QueuedRequest] {
        state.withLock { state in
            state.turnCount -= 1
            return state.turnCount == 0 ? state.requests.takeAll() : []
        }
    }

    /// Takes a request back.
    ///
    /// - Returns: Whether it still waited; if not, a worker has it.
    package func remove(slot: Int, ticket: UInt64) -> Bool {
        state.withLock { $0.requests.remove(slot: slot, ticket: ticket) }
    }

    /// Begins a turn.
    ///
    /// - Returns: A seat with a batch of at least one, to be ended with ``end(_:)``; `nil` if
    ///   nobody waits, and the turn is over.
    func begin() -> ExecutorSeat? {
        state.withLock { state in
            guard state.requests.count > 0, let seat = state.idle.popLast() else {
                state.turnCount -= 1
                return nil
            }
            state.requests.take(rowLimit: rowLimit, into: &seat.slots)
            return seat
        }
    }

    /// Gives a seat back.
    ///
    /// - Returns: Whether more wait: then the turn goes on, and is to be submitted again.
    func end(_ seat: ExecutorSeat) -> Bool {
        state.withLock { state in
            state.idle.append(seat)
            if state.requests.count > 0 { return true }
            state.turnCount -= 1
            return false
        }
    }
}
