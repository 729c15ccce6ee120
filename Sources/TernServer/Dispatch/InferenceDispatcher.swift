internal import Synchronization
internal import TernThreadPool
internal import TernTransport
internal import TernWire

// The one way of an inference request from frame to reply:
//
//   transport's thread   decode ─▶ find the model ─▶ validate ─▶ admit: a slot ─▶ the model's queue
//   worker               a turn: seat and batch ─▶ bind views ─▶ run ─▶ encode ─▶ free ─▶ send
//
// In steady state neither half allocates on the Swift heap: slots, seats and message memory are
// reused, names are compared as bytes, and the turn handed to the pool is two words.
//
// A request that is turned away on the first half is answered there. On the second half the slot
// says who answers (see `RequestLifecycle`). A slot is free again before the reply leaves, so a client that keeps to its limits is never refused because of its own last request;
// what a drain waits for is the transport's count of replies that have not left.

/// Admits inference requests, queues them, runs them and answers them.
internal final class InferenceDispatcher: TurnTaker {
    let catalog: ModelCatalog
    let frames: ReplyFrames
    let counters: ServerCounters
    let log: ServerLog
    let limits: ServerLimits
    let pool: ThreadPool

    private let freeSlots: IndexStack
    private let isAccepting = Atomic<Bool>(false)
    private let ticketCount = Atomic<UInt64>(0)

    // SAFETY: written in `init` only, before anybody else has a reference.
    private nonisolated(unsafe) var allSlots: [RequestSlot] = []

    init(
        catalog: ModelCatalog,
        pool: ThreadPool,
        frames: ReplyFrames,
        counters: ServerCounters,
        log: ServerLog,
        limits: ServerLimits
    ) {
        self.catalog = catalog
        self.pool = pool
        self.frames = frames
        self.counters = counters
        self.log = log
        self.limits = limits
        freeSlots = IndexStack(capacity: limits.inFlightCount)
        unsafe allSlots = (0..<limits.inFlightCount).map {
            RequestSlot(index: $0, dispatcher: self)
        }
    }

    /// Whether new requests are admitted.
    func setAccepting(_ isAccepting: Bool) {
        self.isAccepting.store(isAccepting, ordering: .relaxed)
    }

    /// How many slots are in use.
    var inFlightCount: Int { freeSlots.takenCount }

    func slot(at index: Int) -> RequestSlot { unsafe allSlots[index] }

    /// A slot's request is out of it.
    func free(_ slot: RequestSlot, of model: ServedModel) {
        model.load.leave()
        freeSlots.push(slot.index)
    }

    // MARK: - From frame to queue

    /// Takes a frame that says it is a `ModelInfer` request.
    func receive(_ request: consuming IncomingRequest) {
        let index: ModelInferRequestIndex
        do throws(WireError) {
            index = try ModelInferRequestIndex(decoding: request.message.bytes, limits: limits.wire)
        } catch {
            let envelope = ReplyEnvelope(readingFrom: request.message.bytes)
            counters.count(.invalid)
            logFailure(RequestFailure(error), connection: request.connection)
            return frames.fail(request, RequestFailure(error), to: envelope)
        }
        do throws(RequestFailure) {
            let model = try check(request.message.bytes, index: index)
            let deadline = Deadline(
                receivedAtNanoseconds: request.receivedAtNanoseconds,
                budgetMicroseconds: index.header.microseconds
            )
            let slot = try admit(to: model, by: deadline, of: request, index: index)
            submit(request, index: index, deadline: deadline, to: slot, of: model)
        } catch {
            counters.count(event(of: error))
            logFailure(
                error,
                of: ModelInferRequestView(request.message.bytes, index: index),
                connection: request.connection
            )
            frames.fail(request, error, to: ReplyEnvelope(index.header))
        }
    }

    private func event(of failure: RequestFailure) -> ServerCounters.Event {
        if failure.isRefusal { return .refused }
        return failure.reply.code == .deadlineExceeded ? .expired : .invalid
    }

    /// Finds the model and holds the request against what it takes and gives.
    private func check(
        _ frame: RawSpan,
        index: ModelInferRequestIndex
    ) throws(RequestFailure) -> ServedModel {
        guard isAccepting.load(ordering: .relaxed) else {
            throw RequestFailure(
                .unavailable,
                "the server is being shut down",
                subject: "server",
                expected: "a server that accepts work",
                found: "one that finishes its last requests",
                retryAfterMicroseconds: 100_000
            )
        }
        let view = ModelInferRequestView(frame, index: index)
        let model = try catalog.table.model(
            named: view.modelName,
            version: view.version,
            label: view.label
        )
        try model.inputs.validate(view)
        try model.outputs.validate(view)
        return model
    }

    /// Counts the request in, if the limits allow it and its turn would come in time.
    private func admit(
        to model: ServedModel,
        by deadline: Deadline,
        of request: borrowing IncomingRequest,
        index: ModelInferRequestIndex
    ) throws(RequestFailure) -> RequestSlot {
        if deadline != .never {
            let now = MonotonicClock.nanoseconds
            guard !deadline.hasPassed(atNanoseconds: now) else {
                throw Self.deadlineExceeded(
                    budgetMicroseconds: index.header.microseconds,
                    waitedNanoseconds: now &- request.receivedAtNanoseconds
                )
            }
            let wait = model.load.typicalWaitNanoseconds(
                waitingCount: model.queue.waitingCount,
                workerCount: pool.workerCount
            )
            guard !deadline.hasPassed(atNanoseconds: now &+ wait) else {
                throw hopeless(model, deadline.nanoseconds &- now, waitNanoseconds: wait)
            }
        }
        guard model.load.enter() else {
            throw overload(
                of: model,
                subject: "model '\(model.name)'",
                limit: model.load.inFlightLimit
            )
        }
        guard let index = freeSlots.pop() else {
            model.load.leave()
            throw overload(of: model, subject: "server", limit: freeSlots.capacity)
        }
        return slot(at: index)
    }

    /// Why a request is refused whose turn would come too late.
    private func hopeless(
        _ model: ServedModel,
        _ leftNanoseconds: UInt64,
        waitNanoseconds: UInt64
    ) -> RequestFailure {
        RequestFailure(
            .resourceExhausted,
            "the time budget would be used up before the model could run",
            subject: "model '\(model.name)'",
            expected: "a wait of less than the \(leftNanoseconds / 1000) µs that are left",
            found: "about \(waitNanoseconds / 1000) µs of work before it",
            retryAfterMicroseconds: model.load.retryAfterMicroseconds(
                workerCount: pool.workerCount
            )
        )
    }

    private func overload(of model: ServedModel, subject: String, limit: Int) -> RequestFailure {
        RequestFailure(
            .resourceExhausted,
            "too many requests are in flight",
            subject: subject,
            expected: "at most \(limit) requests in flight",
            found: "\(limit)",
            retryAfterMicroseconds: model.load.retryAfterMicroseconds(
                workerCount: pool.workerCount
            )
        )
    }

    /// Wakes a worker for a request whose last part has not arrived, if nobody is awake: it takes 30 µs.
    func prepareForWork() { pool.prewake() }

    /// Puts the request into its slot and its place in the model's queue.
    private func submit(
        _ request: consuming IncomingRequest,
        index: ModelInferRequestIndex,
        deadline: Deadline,
        to slot: RequestSlot,
        of model: ServedModel
    ) {
        let share = model.batching?.share(
            of: ModelInferRequestView(request.message.bytes, index: index)
        )
        let ticket = ticketCount.wrappingAdd(1, ordering: .relaxed).newValue
        let facts = RequestFacts(
            index: index,
            connection: request.connection,
            receivedAtNanoseconds: request.receivedAtNanoseconds,
            admittedAtNanoseconds: MonotonicClock.nanoseconds,
            deadline: deadline,
            ticket: ticket
        )
        let queued = QueuedRequest(
            slot: slot.index,
            ticket: ticket,
            deadlineNanoseconds: deadline.nanoseconds,
            rowCount: share?.rows ?? 1,
            kind: share?.kind
        )
        counters.count(.admitted)
        request.takeApart { message, replier in
            slot.admit(message: message, replier: replier, facts: facts, model: model)
        }
        let urgency = UrgencyClass(priority: index.header.priority)
        guard model.queue.add(queued, urgency: urgency) else { return }
        guard !pool.submit(model.turn()) else { return }
        model.discardTurn()
        for stranded in model.queue.giveUpTurn() {
            let slot = self.slot(at: stranded.slot)
            let withdrawn = slot.giveUp(ticket: stranded.ticket)
            slot.discard()
            free(slot, of: model)
            guard let withdrawn else { continue }
            counters.count(.refused)
            let failure = overload(of: model, subject: "queue", limit: limits.inFlightCount)
            answer(withdrawn, failure)
        }
    }

    // MARK: - Giving requests up

    /// Gives up the requests that `target` means, answering each with `CANCELLED`.
    ///
    /// - Returns: Whether there was any without an answer.
    /// - Throws: ``RequestFailure`` if there is no memory for the answer.
    func cancel(_ target: WithdrawalTarget) throws(RequestFailure) -> Bool {
        var spare: MessageBuffer?
        var wasInFlight = false
        for index in 0..<freeSlots.capacity {
            // Taken before a request is withdrawn, which then can be answered for certain.
            if spare == nil { spare = frames.control.take(byteCount: Self.cancelledFrameByteCount) }
            guard spare != nil else {
                throw RequestFailure(
                    .resourceExhausted,
                    "the memory for replies is used up",
                    retryAfterMicroseconds: 10_000
                )
            }
            guard let withdrawn = slot(at: index).withdraw(target) else { continue }
            counters.count(.withdrawn)
            leaveQueue(withdrawn, slot: slot(at: index))
            answer(withdrawn, Self.cancelled, spare: spare.take())
            wasInFlight = true
            // A connection has one request of a correlation id; a key may name several.
            if target.call != nil { break }
        }
        return wasInFlight
    }

    /// Gives up what a lost connection had asked for.
    func abandon(of connection: ConnectionID) {
        for index in 0..<freeSlots.capacity {
            switch slot(at: index).abandon(of: connection) {
            case .none: continue
            case .interrupted: counters.count(.withdrawn)
            case .withdrawn(let withdrawn):
                counters.count(.withdrawn)
                leaveQueue(withdrawn, slot: slot(at: index))
                // The transport knows that nobody is there; it only counts the reply as gone.
                answer(withdrawn, Self.cancelled)
            }
        }
    }

    /// Answers the request in `slot` if its time was up while it waited; on the clock's thread.
    func expire(_ slot: RequestSlot) {
        let now = MonotonicClock.nanoseconds
        guard let withdrawn = slot.expire(atNanoseconds: now) else { return }
        counters.count(.expired)
        leaveQueue(withdrawn, slot: slot)
        let failure = Self.deadlineExceeded(
            budgetMicroseconds: withdrawn.facts.index.header.microseconds,
            waitedNanoseconds: now &- withdrawn.facts.receivedAtNanoseconds
        )
        answer(withdrawn, failure)
    }

    /// Frees the place and the slot of a request that was withdrawn, unless a worker will.
    private func leaveQueue(_ request: borrowing WithdrawnRequest, slot: RequestSlot) {
        guard request.model.queue.remove(slot: slot.index, ticket: request.facts.ticket) else {
            return
        }
        slot.discard()
        free(slot, of: request.model)
    }

    static func deadlineExceeded(
        budgetMicroseconds: UInt64?,
        waitedNanoseconds: UInt64
    ) -> RequestFailure {
        RequestFailure(
            .deadlineExceeded,
            "the time budget was used up before the model could run",
            subject: "time budget",
            expected: "work to begin within \(budgetMicroseconds ?? 0) µs",
            found: "\(waitedNanoseconds / 1000) µs"
        )
    }

    internal static let cancelled = RequestFailure(
        .cancelled,
        "the request was cancelled before it was answered",
        subject: "request"
    )

    /// More than the frame of ``cancelled`` has.
    private static let cancelledFrameByteCount = 512

    /// Answers a request that was in a slot.
    ///
    /// - Parameters:
    ///   - request: The request.
    ///   - failure: What to answer.
    ///   - spare: Memory for the answer in case a worker has the request's.
    private func answer(
        _ request: consuming WithdrawnRequest,
        _ failure: RequestFailure,
        spare: consuming MessageBuffer? = nil
    ) {
        let envelope = ReplyEnvelope(
            FrameHeader(
                kindCode: MessageKind.modelInfer.rawValue,
                correlationID: request.facts.index.header.correlationID
            )
        )
        var memory: MessageBuffer? = request.message
        if memory == nil { memory = spare }
        guard let memory else {
            preconditionFailure("a request is to be answered without memory for the answer")
        }
        request.replier.reply(frames.error(failure, to: envelope, over: memory))
    }
}

extension RequestFailure {
    /// Whether the server, not the request, is the reason.
    fileprivate var isRefusal: Bool {
        reply.code == .resourceExhausted || reply.code == .unavailable
    }
}
