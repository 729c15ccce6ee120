internal import TernTensor
internal import TernThreadPool
internal import TernTransport
internal import TernWire

extension InferenceDispatcher {
    // MARK: - From queue to reply

    /// Takes the next batch of what waits for `model`, answers it, and leaves the rest to a later turn.
    package func takeTurn(of model: ServedModel) {
        while let seat = model.queue.begin() {
            work(on: seat, of: model)
            guard model.queue.end(seat) else { return }
            // Behind the turns of other models.
            if pool.submit(model.turn()) { return }
            model.discardTurn()
        }
    }

    private func work(on seat: ExecutorSeat, of model: ServedModel) {
        let now = MonotonicClock.nanoseconds
        var count = 0
        for position in seat.slots.indices {
            let slot = slot(at: seat.slots[position])
            switch slot.start(atNanoseconds: now) {
            case .run:
                seat.slots[count] = slot.index
                count += 1
            case .expired: answerLate(slot, of: model, atNanoseconds: now)
            case .released: free(slot, of: model)
            }
        }
        seat.slots.removeLast(seat.slots.count - count)
        if count > 1, runTogether(seat, of: model, startedAt: now) { return }
        for index in seat.slots { runAlone(slot(at: index), of: model, with: seat.executor) }
    }

    private func answerLate(_ slot: RequestSlot, of model: ServedModel, atNanoseconds now: UInt64) {
        counters.count(.expired)
        let failure = slot.withWork { request in
            Self.deadlineExceeded(
                budgetMicroseconds: request.facts.index.header.microseconds,
                waitedNanoseconds: now &- request.facts.receivedAtNanoseconds
            )
        }
        end(slot, of: model, with: .failure(failure))
    }

    /// How a request ended.
    private enum Ending: ~Copyable {
        /// With this reply.
        case reply(MessageBuffer)
        /// With a reply that stands in the request's own memory.
        case replyInPlace
        case failure(RequestFailure)
    }

    /// Frees the slot and sends the reply.
    private func end(_ slot: RequestSlot, of model: ServedModel, with ending: consuming Ending) {
        let header = slot.withWork { $0.facts.index.header }
        let finished = slot.finish()
        free(slot, of: model)
        guard let replier = finished.replier else { return }
        switch consume ending {
        case .reply(let reply): replier.reply(reply)
        case .replyInPlace: replier.reply(finished.message)
        case .failure(let failure):
            replier.reply(frames.error(failure, to: ReplyEnvelope(header), over: finished.message))
        }
    }

    // MARK: - One request

    private func runAlone(
        _ slot: RequestSlot,
        of model: ServedModel,
        with executor: any ModelExecutor
    ) {
        let ending: Ending = slot.withWork { request in
            do throws(RequestFailure) {
                guard let reply = try outputs(of: &request, with: executor) else {
                    return .replyInPlace
                }
                return .reply(reply)
            } catch {
                logFailure(error, of: request.view, connection: request.facts.connection)
                return .failure(error)
            }
        }
        end(slot, of: model, with: ending)
    }

    /// Runs the model and writes the reply.
    ///
    /// - Returns: The reply; `nil` if it stands in the request's message.
    private func outputs(
        of request: inout RequestAtWork,
        with executor: any ModelExecutor
    ) throws(RequestFailure) -> MessageBuffer? {
        let startedAt = MonotonicClock.nanoseconds
        do throws(ExecutionFailure) {
            try bind(request.view, to: executor, of: request.model)
            try executor.run(unless: request.interruption)
        } catch {
            // Counted by whoever gave it up.
            if error.isInterruption { throw Self.cancelled }
            counters.count(.failed)
            throw failure(error, of: request.model)
        }
        let computedAt = MonotonicClock.nanoseconds
        request.model.load.record(computeNanoseconds: computedAt &- startedAt)
        let times = WorkTimes(
            startedAt: startedAt,
            assembledAt: startedAt,
            computedAt: computedAt
        )
        if writeReplyInPlace(of: &request, executor, times) {
            counters.count(.completed)
            return nil
        }
        return try encoded(request, executor, times, rows: nil)
    }

    /// Makes the received payloads the model's inputs, where they are.
    private func bind(
        _ view: borrowing ModelInferRequestView,
        to executor: any ModelExecutor,
        of model: ServedModel
    ) throws(ExecutionFailure) {
        var inputs = view.inputs
        var position = 0
        while let input = inputs.next() {
            guard let index = model.inputs.index(named: input.name, guess: position) else {
                preconditionFailure("an input was queued that the model doesn't have")
            }
            try executor.bindInput(index, input.payload, shape: input.shape)
            position += 1
        }
    }

    /// Writes the reply into memory of its own, and counts it.
    private func encoded(
        _ request: borrowing RequestAtWork,
        _ executor: any ModelExecutor,
        _ times: WorkTimes,
        rows: BatchRows?
    ) throws(RequestFailure) -> MessageBuffer {
        do throws(RequestFailure) {
            let reply = try encode(
                request.view,
                request.model,
                executor,
                facts: request.facts,
                times,
                rows: rows
            )
            counters.count(.completed)
            return reply
        } catch {
            counters.count(.failed)
            throw error
        }
    }

    // MARK: - Several requests at once

    /// Runs the requests of a seat together and answers each with its rows.
    ///
    /// - Returns: `false`, with nothing answered, if the batch failed: then it is found out for each
    ///   alone what is wrong.
    private func runTogether(
        _ seat: ExecutorSeat,
        of model: ServedModel,
        startedAt: UInt64
    ) -> Bool {
        let rowCount = assemble(seat)
        let assembledAt = MonotonicClock.nanoseconds
        do throws(ExecutionFailure) {
            try seat.stage.bind(to: seat.executor)
            // Nobody's wish to stop is everybody's.
            try seat.executor.run(unless: seat.interruption)
        } catch {
            return false
        }
        for output in 0..<model.outputs.count {
            let shape = seat.executor.outputShape(output)
            guard shape.rank > 0, shape[0] == rowCount else { return false }
        }
        let computedAt = MonotonicClock.nanoseconds
        let times = WorkTimes(
            startedAt: startedAt,
            assembledAt: assembledAt,
            computedAt: computedAt
        )
        model.load.record(
            computeNanoseconds: (computedAt &- startedAt) / UInt64(seat.slots.count)
        )
        counters.countBatch(ofRequests: seat.slots.count)
        var first = 0
        for index in seat.slots {
            let slot = slot(at: index)
            let ending: Ending = slot.withWork { request in
                let count = Self.rowCount(of: request.view)
                let rows = BatchRows(first: first, count: count, of: rowCount)
                first += count
                do throws(RequestFailure) {
                    return .reply(try encoded(request, seat.executor, times, rows: rows))
                } catch {
                    logFailure(error, of: request.view, connection: request.facts.connection)
                    return .failure(error)
                }
            }
            end(slot, of: model, with: ending)
        }
        return true
    }

    /// Puts the inputs of a seat's requests together.
    ///
    /// - Returns: The number of rows.
    private func assemble(_ seat: ExecutorSeat) -> Int {
        seat.stage.begin()
        var rowCount = 0
        for index in seat.slots {
            slot(at: index).withWork { request in
                let view = request.view
                rowCount += Self.rowCount(of: view)
                var inputs = view.inputs
                var position = 0
                while let input = inputs.next() {
                    seat.stage.expect(byteCount: input.payload.byteCount, of: position)
                    position += 1
                }
            }
        }
        for index in seat.slots {
            slot(at: index).withWork { request in
                var inputs = request.view.inputs
                var position = 0
                while let input = inputs.next() {
                    seat.stage.append(input.payload, shape: input.shape, to: position)
                    position += 1
                }
            }
        }
        return rowCount
    }

    private static func rowCount(of view: borrowing ModelInferRequestView) -> Int {
        var inputs = view.inputs
        guard let first = inputs.next(), first.shape.rank > 0 else {
            preconditionFailure("a request without rows was put into a batch")
        }
        return first.shape[0]
    }

    // MARK: - Replies

    /// Writes the reply around the only output that is wanted, if that is a part of the request as it
    /// was received, as it is of a model that passes an input through or changes its shape alone:
    /// nothing is copied.
    ///
    /// - Returns: Whether it was possible; if not, nothing has changed.
    private func writeReplyInPlace(
        of request: inout RequestAtWork,
        _ executor: any ModelExecutor,
        _ times: WorkTimes
    ) -> Bool {
        let facts = request.facts
        let model = request.model
        guard
            let output = Self.onlyWantedOutput(
                ModelInferRequestView(request.message.bytes, index: facts.index),
                of: model.outputs
            )
        else { return false }
        let byteCount = executor.outputBytes(output).byteCount
        guard byteCount > 0,
            let payloadOffset = request.message.offset(of: executor.outputBytes(output))
        else { return false }
        let withPhaseTimes = facts.index.header.wantsPhaseTimes
        let descriptor = model.outputs.descriptors[output]
        let shape = executor.outputShape(output)
        var measure = ModelInferReplyWriter.measure(withPhaseTimes: withPhaseTimes)
        measure.addTensor(
            nameByteCount: descriptor.name.utf8.count,
            rank: shape.rank,
            payloadByteCount: byteCount
        )
        let frameOffset = payloadOffset - (measure.byteCount - byteCount)
        guard (try? measure.check(limits: limits.wire)) != nil,
            request.message.moveFrame(to: frameOffset, byteCount: measure.byteCount)
        else { return false }
        var bytes = request.message.mutableBytes
        var writer = ModelInferReplyWriter(
            correlationID: facts.index.header.correlationID,
            version: model.version,
            withPhaseTimes: withPhaseTimes,
            measure: measure,
            into: &bytes
        )
        let place = writer.append(
            // SAFETY: only asks for the bytes of code units, which are bytes.
            name: unsafe descriptor.name.utf8Span.span.bytes,
            elementType: descriptor.elementType,
            shape: shape,
            payloadByteCount: byteCount,
            into: &bytes
        )
        precondition(
            place.offset == payloadOffset - frameOffset && place.byteCount == byteCount,
            "a reply was written over its own payload"
        )
        writer.finish(
            phaseTimes: withPhaseTimes ? times.phaseTimes(of: facts) : nil,
            into: &bytes
        )
        return true
    }

    private static func onlyWantedOutput(
        _ view: borrowing ModelInferRequestView,
        of contract: OutputContract
    ) -> Int? {
        var wanted = WantedOutputs(view, of: contract)
        guard let first = wanted.next(), wanted.next() == nil else { return nil }
        return first
    }

    /// Writes the reply: one copy of each output that is wanted.
    private func encode(
        _ view: borrowing ModelInferRequestView,
        _ model: ServedModel,
        _ executor: any ModelExecutor,
        facts: RequestFacts,
        _ times: WorkTimes,
        rows: BatchRows?
    ) throws(RequestFailure) -> MessageBuffer {
        let withPhaseTimes = view.wantsPhaseTimes
        var measure = ModelInferReplyWriter.measure(withPhaseTimes: withPhaseTimes)
        var wanted = WantedOutputs(view, of: model.outputs)
        while let output = wanted.next() {
            measure.addTensor(
                nameByteCount: model.outputs.descriptors[output].name.utf8.count,
                rank: executor.outputShape(output).rank,
                payloadByteCount: BatchRows.bytes(executor.outputBytes(output), rows).byteCount
            )
        }
        do throws(WireError) { try measure.check(limits: limits.wire) } catch {
            throw tooLarge(measure.byteCount, of: model)
        }
        guard var message = frames.outputs.take(byteCount: measure.byteCount) else {
            throw noReplyMemory(for: measure.byteCount)
        }
        var bytes = message.mutableBytes
        var writer = ModelInferReplyWriter(
            correlationID: view.correlationID,
            version: model.version,
            withPhaseTimes: withPhaseTimes,
            measure: measure,
            into: &bytes
        )
        wanted = WantedOutputs(view, of: model.outputs)
        while let output = wanted.next() {
            let descriptor = model.outputs.descriptors[output]
            writer.append(
                // SAFETY: only asks for the bytes of code units, which are bytes.
                name: unsafe descriptor.name.utf8Span.span.bytes,
                elementType: descriptor.elementType,
                shape: BatchRows.shape(executor.outputShape(output), rows),
                payload: BatchRows.bytes(executor.outputBytes(output), rows),
                into: &bytes
            )
        }
        writer.finish(
            phaseTimes: withPhaseTimes ? times.phaseTimes(of: facts) : nil,
            into: &bytes
        )
        return message
    }

    // MARK: - What can go wrong on the way

    private func failure(_ failure: ExecutionFailure, of model: ServedModel) -> RequestFailure {
        RequestFailure(
            failure.isCausedByRequest ? .invalidArgument : .internal,
            failure.reason,
            subject: "model '\(model.name)' version \(model.version)",
            expected: failure.isCausedByRequest ? "inputs that the model can work with" : nil
        )
    }

    private func tooLarge(_ byteCount: Int, of model: ServedModel) -> RequestFailure {
        RequestFailure(
            .outOfRange,
            "the reply is too large for a frame",
            subject: "reply of model '\(model.name)'",
            expected: "at most \(limits.wire.frameByteCount) bytes",
            found: "\(byteCount) bytes"
        )
    }

    private func noReplyMemory(for byteCount: Int) -> RequestFailure {
        RequestFailure(
            .resourceExhausted,
            "the memory for replies is used up",
            subject: "reply memory",
            expected: "at most \(frames.outputs.limitByteCount) bytes in use",
            found: "\(frames.outputs.byteCountInUse) in use and \(byteCount) wanted",
            retryAfterMicroseconds: 10_000
        )
    }
}

/// When a worker began with a request, when the batch was put together, and when its outputs were
/// there.
private struct WorkTimes {
    let startedAt: UInt64
    let assembledAt: UInt64
    let computedAt: UInt64

    /// The phases of a request whose reply is complete but for them.
    func phaseTimes(of facts: RequestFacts) -> PhaseTimes {
        PhaseTimes(
            receiveNanoseconds: facts.admittedAtNanoseconds &- facts.receivedAtNanoseconds,
            queueNanoseconds: startedAt &- facts.admittedAtNanoseconds,
            batchWaitNanoseconds: assembledAt &- startedAt,
            computeNanoseconds: computedAt &- assembledAt,
            encodeNanoseconds: MonotonicClock.nanoseconds &- computedAt
        )
    }
}

/// The rows of a batch that one request gets.
private struct BatchRows {
    let first: Int
    let count: Int
    let total: Int

    init(first: Int, count: Int, of total: Int) {
        self.first = first
        self.count = count
        self.total = total
    }

    /// The shape of these rows of an output; of all of it without rows.
    static func shape(_ shape: Shape, _ rows: BatchRows?) -> Shape {
        guard let rows else { return shape }
        var shape = shape
        shape[0] = rows.count
        return shape
    }

    /// The bytes of these rows of an output; all of them without rows.
    @_lifetime(copy bytes)
    static func bytes(_ bytes: RawSpan, _ rows: BatchRows?) -> RawSpan {
        guard let rows else { return bytes }
        let size = bytes.byteCount / rows.total
        return bytes.extracting(rows.first * size..<(rows.first + rows.count) * size)
    }
}

/// The model's outputs that a request wants, by index, in the order of the reply.
private struct WantedOutputs: ~Escapable {
    private var names: NameIterator
    private let contract: OutputContract
    private var position = 0
    private let wantsAll: Bool

    @_lifetime(copy request)
    init(_ request: borrowing ModelInferRequestView, of contract: OutputContract) {
        names = request.wantedOutputs
        wantsAll = request.wantedOutputCount == 0
        self.contract = contract
    }

    mutating func next() -> Int? {
        if wantsAll {
            guard position < contract.count else { return nil }
            defer { position += 1 }
            return position
        }
        guard let name = names.next() else { return nil }
        guard let index = contract.index(named: name) else {
            preconditionFailure("an output was queued that the model doesn't have")
        }
        return index
    }
}
