internal import TernRuntime
internal import TernTransport
internal import TernWire

// Threads that meet at a slot, and what each may do:
//
// - the transport's thread that received a request fills a free slot and queues it;
// - a worker starts it and finishes it;
// - a transport's thread that received a Cancel, or that saw the connection close, and the clock's
//   thread when the deadline passes withdraw it; a worker that has begun is asked to stop.
//
// Each does so under the slot's lock, and `RequestLifecycle` says who answers. Between start and
// finish the frame belongs to the worker alone, while the right to answer stays in the slot, where
// whoever is first takes it.
//
// A slot is free again when its queue has let go of it: by the worker that took it from there, or by
// whoever withdrew the request and found it still there. Tickets tell the requests apart that a slot
// holds one after the other. The slot is the alarm of its request's deadline, set before it is queued
// and taken back when it starts; an alarm that rings late finds that nothing is due.

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
    /// Tells it apart from the slot's other requests.
    let ticket: UInt64
}

/// A request in a worker's hands.
internal struct RequestAtWork: ~Copyable {
    var message: MessageBuffer
    let facts: RequestFacts
    let model: ServedModel
    /// Whether the result is still wanted.
    let interruption: Interruption

    /// The frame's contents.
    var view: ModelInferRequestView {
        @_lifetime(borrow self)
        get { ModelInferRequestView(message.bytes, index: facts.index) }
    }
}

/// What a worker that started a request has to do.
internal enum StartedRequest {
    /// Run the model.
    case run
    /// Answer that the deadline has passed.
    case expired
    /// Nothing: it was answered while it waited, and the slot is free.
    case released
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
internal final class RequestSlot: Alarm, @unchecked Sendable {
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

    /// The request that a worker has begun; between start and finish that worker's alone.
    private var work: RequestAtWork?

    init(index: Int, dispatcher: InferenceDispatcher) {
        self.index = index
        self.dispatcher = dispatcher
        super.init()
    }

    override func ring() { dispatcher.expire(self) }

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
        guard facts.deadline != .never else { return }
        AlarmClock.shared.setAgain(self, at: facts.deadline.nanoseconds)
    }

    /// Takes the request up; if it is to be worked on, it is there until ``finish()``.
    func start(atNanoseconds now: UInt64) -> StartedRequest {
        contents.withLock { contents in
            guard let facts = contents.facts, let model = contents.model else {
                preconditionFailure("an empty slot was started")
            }
            if facts.deadline != .never { AlarmClock.shared.takeBack(self) }
            let start = contents.lifecycle.start(
                isExpired: facts.deadline.hasPassed(atNanoseconds: now)
            )
            if start == .release {
                contents.facts = nil
                contents.model = nil
                return .released
            }
            guard let message = contents.message.take() else {
                preconditionFailure("a request was started without its frame")
            }
            interruption.reset()
            work = RequestAtWork(
                message: message,
                facts: facts,
                model: model,
                interruption: interruption
            )
            return start == .run ? .run : .expired
        }
    }

    /// Calls `body` with the request that was started.
    func withWork<Result: ~Copyable, Failure: Error>(
        _ body: (inout RequestAtWork) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(&work!)
    }

    /// Ends the request in a worker's hands; the slot is free.
    ///
    /// - Returns: Its frame, and the right to answer; that is `nil` if somebody else has answered.
    func finish() -> FinishedRequest {
        guard let request = work.take() else {
            preconditionFailure("a request was finished that was not started")
        }
        let replier: Replier? = contents.withLock { contents in
            let answer = contents.lifecycle.finish()
            contents.facts = nil
            contents.model = nil
            return answer == .send ? contents.replier.take() : nil
        }
        return FinishedRequest(message: request.message, replier: replier)
    }

    /// Frees the slot of a request that was withdrawn and taken out of its queue.
    func discard() {
        contents.withLock { contents in
            let start = contents.lifecycle.start(isExpired: false)
            precondition(start == .release, "a request was discarded that was not withdrawn")
            contents.facts = nil
            contents.model = nil
        }
    }

    /// Gives up the request in this slot if it waits and its time is up.
    func expire(atNanoseconds now: UInt64) -> WithdrawnRequest? {
        contents.withLock { contents in
            guard let facts = contents.facts, facts.deadline.hasPassed(atNanoseconds: now),
                contents.lifecycle.isQueued
            else { return nil }
            return withdraw(&contents)
        }
    }

    /// Gives up the request in this slot if it waits under this ticket.
    func giveUp(ticket: UInt64) -> WithdrawnRequest? {
        contents.withLock { contents in
            guard let facts = contents.facts, facts.ticket == ticket, contents.lifecycle.isQueued
            else { return nil }
            return withdraw(&contents)
        }
    }

    /// Gives up the request, under the lock; `nil` if it was answered before.
    private func withdraw(_ contents: inout Contents) -> WithdrawnRequest? {
        guard let facts = contents.facts, let model = contents.model,
            contents.lifecycle.withdraw() == .send, let replier = contents.replier.take()
        else { return nil }
        return WithdrawnRequest(
            message: contents.message.take(),
            replier: replier,
            facts: facts,
            model: model
        )
    }

    /// Gives up the request in this slot if it is the one that `target` means.
    ///
    /// - Returns: The right to answer, and the frame if no worker has it; `nil` if it is another
    ///   request or was answered before.
    func withdraw(_ target: WithdrawalTarget) -> WithdrawnRequest? {
        contents.withLock { contents in
            guard let facts = contents.facts, target.matches(facts),
                let withdrawn = withdraw(&contents)
            else { return nil }
            // Without effect on a request that no worker has begun.
            interruption.request()
            return withdrawn
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
            guard let withdrawn = withdraw(&contents) else { return .none }
            return .withdrawn(withdrawn)
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
    let facts: RequestFacts
    let model: ServedModel
}

/// A request that was worked on, for whoever sends its reply.
internal struct FinishedRequest: ~Copyable {
    /// The frame, whose memory can hold the reply.
    var message: MessageBuffer
    /// The right to answer; `nil` if somebody else has.
    var replier: Replier?
}
