internal import TernTensor
internal import TernThreadPool
internal import TernTransport
internal import TernWire

extension RequestSlot {
    /// The job that works on this slot's request.
    var job: PoolJob {
        // SAFETY: the dispatcher keeps its slots until the pool has run every job.
        unsafe PoolJob(context: Unmanaged.passUnretained(self).toOpaque()) { context in
            guard let context = unsafe context else {
                preconditionFailure("a job was run without its slot")
            }
            let slot = unsafe Unmanaged<RequestSlot>.fromOpaque(context).takeUnretainedValue()
            slot.dispatcher.work(on: slot)
        }
    }
}

extension InferenceDispatcher {
    // MARK: - From queue to reply

    /// Works on the request in `slot`, or leaves it to whoever gives back an executor of its model;
    /// then on those that others left.
    fileprivate func work(on slot: RequestSlot) {
        guard let model = slot.model else {
            preconditionFailure("a job was run whose slot is empty")
        }
        guard case .run(let executor) = model.executors.take(forSlot: slot.index) else { return }
        var next: Int? = slot.index
        while let index = next { next = run(self.slot(at: index), of: model, with: executor) }
    }

    /// Runs one request to its reply.
    ///
    /// - Returns: The slot of a request that waited for the executor, which the caller still has;
    ///   `nil` if the executor is given back.
    private func run(
        _ slot: RequestSlot,
        of model: ServedModel,
        with executor: any ModelExecutor
    ) -> Int? {
        guard let request = slot.start(atNanoseconds: MonotonicClock.nanoseconds) else {
            free(slot, of: model)
            return model.executors.giveBack(executor)
        }
        let reply = reply(to: request, with: executor)
        let replier = slot.finish()
        free(slot, of: model)
        let next = model.executors.giveBack(executor)
        replier?.reply(reply)
        return next
    }

    /// The reply to a request: its outputs, or why there are none.
    private func reply(
        to request: consuming RequestAtWork,
        with executor: any ModelExecutor
    ) -> MessageBuffer {
        let failure: RequestFailure
        do throws(RequestFailure) {
            if let reply = try outputs(of: &request, with: executor) { return reply }
            return request.message
        } catch {
            failure = error
        }
        logFailure(
            failure,
            of: ModelInferRequestView(request.message.bytes, index: request.facts.index),
            connection: request.facts.connection
        )
        return frames.error(
            failure,
            to: ReplyEnvelope(request.facts.index.header),
            over: request.message
        )
    }

    /// Runs the model and writes the reply.
    ///
    /// - Returns: The reply; `nil` if it stands in the request's message.
    private func outputs(
        of request: inout RequestAtWork,
        with executor: any ModelExecutor
    ) throws(RequestFailure) -> MessageBuffer? {
        let startedAt = MonotonicClock.nanoseconds
        try run(request, with: executor, startedAt: startedAt)
        let computedAt = MonotonicClock.nanoseconds
        request.model.load.record(computeNanoseconds: computedAt &- startedAt)
        let times = WorkTimes(startedAt: startedAt, computedAt: computedAt)
        if writeReplyInPlace(of: &request, executor, times) {
            counters.count(.completed)
            return nil
        }
        let reply: MessageBuffer
        do throws(RequestFailure) {
            reply = try encode(
                ModelInferRequestView(request.message.bytes, index: request.facts.index),
                request.model,
                executor,
                facts: request.facts,
                times
            )
        } catch {
            counters.count(.failed)
            throw error
        }
        counters.count(.completed)
        return reply
    }

    private func run(
        _ request: borrowing RequestAtWork,
        with executor: any ModelExecutor,
        startedAt: UInt64
    ) throws(RequestFailure) {
        let view = ModelInferRequestView(request.message.bytes, index: request.facts.index)
        if request.isExpired {
            counters.count(.expired)
            throw deadlineExceeded(
                view,
                waitedNanoseconds: startedAt &- request.facts.receivedAtNanoseconds
            )
        }
        do throws(ExecutionFailure) {
            try bind(view, to: executor, of: request.model)
            try executor.run(unless: request.interruption)
        } catch {
            // Counted by whoever gave it up.
            if error.isInterruption { throw Self.cancelled }
            counters.count(.failed)
            throw failure(error, of: request.model)
        }
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
        _ times: WorkTimes
    ) throws(RequestFailure) -> MessageBuffer {
        let withPhaseTimes = view.wantsPhaseTimes
        var measure = ModelInferReplyWriter.measure(withPhaseTimes: withPhaseTimes)
        var wanted = WantedOutputs(view, of: model.outputs)
        while let output = wanted.next() {
            measure.addTensor(
                nameByteCount: model.outputs.descriptors[output].name.utf8.count,
                rank: executor.outputShape(output).rank,
                payloadByteCount: executor.outputBytes(output).byteCount
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
                shape: executor.outputShape(output),
                payload: executor.outputBytes(output),
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

    private func deadlineExceeded(
        _ view: borrowing ModelInferRequestView,
        waitedNanoseconds: UInt64
    ) -> RequestFailure {
        RequestFailure(
            .deadlineExceeded,
            "the time budget was used up before the model could run",
            subject: "time budget",
            expected: "work to begin within \(view.budgetMicroseconds ?? 0) µs",
            found: "\(waitedNanoseconds / 1000) µs"
        )
    }

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

/// When a worker began with a request, and when its outputs were there.
private struct WorkTimes {
    let startedAt: UInt64
    let computedAt: UInt64

    /// The phases of a request whose reply is complete but for them.
    func phaseTimes(of facts: RequestFacts) -> PhaseTimes {
        PhaseTimes(
            receiveNanoseconds: facts.admittedAtNanoseconds &- facts.receivedAtNanoseconds,
            queueNanoseconds: startedAt &- facts.admittedAtNanoseconds,
            batchWaitNanoseconds: 0,
            computeNanoseconds: computedAt &- startedAt,
            encodeNanoseconds: MonotonicClock.nanoseconds &- computedAt
        )
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
