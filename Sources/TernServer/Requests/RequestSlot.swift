internal import TernRuntime
internal import TernTransport
internal import TernWire

// Threads that meet at a slot, and what each may do:
//
// - the transport's thread that received a request fills a free slot and submits its job;
// - a worker starts it and finishes it;
// - a transport's thread that received a Cancel, or that saw the connection close, withdraws it; a
//   worker that has begun is asked to stop.
//
// Each does so under the slot's lock, and `RequestLifecycle` says who answers. Between start and
// finish the frame belongs to the worker alone, while the right to answer stays in the slot, where
// whoever is first takes it.

/// What a slot keeps about a request beside its frame.
internal struct RequestFacts: Sendable {
    /// Where the parts of the frame stand.
    let index: ModelInferRequestIndex
    /// The connection it came on.
    let connection: ConnectionID
    /// When it had arrived.
    let receivedAtNanoseconds: UInt64
    /// When it was decoded, validated and admitted.
    let admittedAtNanoseconds: UInt64
    /// When it is of no use any more.
    let deadline: Deadline
}

/// A request in a worker's hands.
internal struct RequestAtWork: ~Copyable {
    var message: MessageBuffer
    let facts: RequestFacts
    let model: ServedModel
    /// Whether the result is still wanted.
    let interruption: Interruption
    /// Whether the deadline had passed before the work began.
    let isExpired: Bool
}

/// Which request a Cancel means; where both are there, both must fit.
internal struct WithdrawalTarget: Equatable, Sendable {
    /// Names a call of one connection.
    struct Call: Equatable, Sendable {
        let connection: ConnectionID
        let correlationID: UInt64
    }

    /// The request's correlation id, on the connection it came on.
    let call: Call?
    /// The request's key, whatever connection it came on.
    let key: IdempotencyKey?

    func matches(_ facts: RequestFacts) -> Bool {
        if let call {
            guard facts.connection == call.connection,
                facts.index.header.correlationID == call.correlationID
            else { return false }
        }
        if let key { guard facts.index.header.idempotencyKey == key else { return false } }
        return call != nil || key != nil
    }
}

/// A place for one admitted request; made when the server starts and used over and over.
internal final class RequestSlot: Sendable {
    /// Its place in the table.
    let index: Int

    /// Whose work runs here; the dispatcher owns the slots and outlives their jobs.
    unowned let dispatcher: InferenceDispatcher

    /// Reset when a request is started, requested when it is given up while it runs; both under the
    /// lock, so that it never stops the slot's next request.
    private let interruption = Interruption()

    private struct Contents: ~Copyable {
        var lifecycle = RequestLifecycle()
        var message: MessageBuffer?
        var replier: Replier?
        var facts: RequestFacts?
        var model: ServedModel?
    }

    private let contents = Locked(Contents())

    init(index: Int, dispatcher: InferenceDispatcher) {
        self.index = index
        self.dispatcher = dispatcher
    }

    /// Puts an admitted request into this free slot.
    func admit(
        message: consuming MessageBuffer,
        replier: consuming Replier,
        facts: RequestFacts,
        model: ServedModel
    ) {
        var message: MessageBuffer? = message
        var replier: Replier? = replier
        contents.withLock { contents in
            contents.lifecycle.admit()
            contents.message = message.take()
            contents.replier = replier.take()
            contents.facts = facts
            contents.model = model
        }
    }

    /// The model of the request, which a worker must get an executor of before it starts.
    var model: ServedModel? { contents.withLock { $0.model } }

    /// Takes the request up.
    ///
    /// - Returns: The request, to be ended with ``finish()``; `nil` if it was answered while it
    ///   waited, and the slot is free.
    func start(atNanoseconds now: UInt64) -> RequestAtWork? {
        contents.withLock { contents in
            guard let facts = contents.facts, let model = contents.model else {
                preconditionFailure("an empty slot was started")
            }
            let isExpired = facts.deadline.hasPassed(atNanoseconds: now)
            switch contents.lifecycle.start(isExpired: isExpired) {
            case .release:
                contents.facts = nil
                contents.model = nil
                return nil
            case .run, .expire:
                guard let message = contents.message.take() else {
                    preconditionFailure("a request was started without its frame")
                }
                interruption.reset()
                return RequestAtWork(
                    message: message,
                    facts: facts,
                    model: model,
                    interruption: interruption,
                    isExpired: isExpired
                )
            }
        }
    }

    /// Ends the request in a worker's hands; the slot is free.
    ///
    /// - Returns: The right to answer; `nil` if somebody else has answered.
    func finish() -> Replier? {
        contents.withLock { contents in
            let answer = contents.lifecycle.finish()
            contents.facts = nil
            contents.model = nil
            return answer == .send ? contents.replier.take() : nil
        }
    }

    /// Takes a request back that could not be queued; the slot is free.
    ///
    /// - Returns: Its frame and the right to answer; `nil` if somebody else has answered.
    func reject() -> WithdrawnRequest? {
        contents.withLock { contents in
            let answer = contents.lifecycle.reject()
            let correlationID = contents.facts?.index.header.correlationID ?? 0
            contents.facts = nil
            contents.model = nil
            let message = contents.message.take()
            guard answer == .send, let replier = contents.replier.take() else { return nil }
            return WithdrawnRequest(
                message: message,
                replier: replier,
                correlationID: correlationID
            )
        }
    }

    /// Gives up the request in this slot if it is the one that `target` means.
    ///
    /// - Returns: The right to answer, and the frame if no worker has it; `nil` if it is another
    ///   request or was answered before.
    func withdraw(_ target: WithdrawalTarget) -> WithdrawnRequest? {
        contents.withLock { contents in
            guard let facts = contents.facts, target.matches(facts),
                contents.lifecycle.withdraw() == .send, let replier = contents.replier.take()
            else { return nil }
            // Without effect on a request that no worker has begun.
            interruption.request()
            return WithdrawnRequest(
                message: contents.message.take(),
                replier: replier,
                correlationID: facts.index.header.correlationID
            )
        }
    }

    /// Gives up the request in this slot if it came on `connection`, which is gone.
    ///
    /// A worker that has begun is asked to stop, and its reply finds nobody.
    func abandon(of connection: ConnectionID) -> Abandonment {
        contents.withLock { contents in
            guard let facts = contents.facts, facts.connection == connection else { return .none }
            guard contents.lifecycle.isQueued else {
                guard contents.lifecycle.isAwaitingAnswer else { return .none }
                interruption.request()
                return .interrupted
            }
            guard contents.lifecycle.withdraw() == .send, let replier = contents.replier.take()
            else { return .none }
            return .withdrawn(
                WithdrawnRequest(
                    message: contents.message.take(),
                    replier: replier,
                    correlationID: facts.index.header.correlationID
                )
            )
        }
    }
}

/// What became of a request whose connection is gone.
internal enum Abandonment: ~Copyable {
    /// There was none to give up.
    case none
    /// A worker has it and was asked to stop.
    case interrupted
    /// Nobody will work on it.
    case withdrawn(WithdrawnRequest)
}

/// A request that will not be worked on, for whoever answers it.
internal struct WithdrawnRequest: ~Copyable {
    /// The frame, whose memory can hold the answer; `nil` if a worker is reading it.
    var message: MessageBuffer?
    var replier: Replier
    let correlationID: UInt64
}
