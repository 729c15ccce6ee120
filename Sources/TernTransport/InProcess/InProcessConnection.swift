// A connection within the process: calls on one side, requests on the other, nothing between.
//
// Threads: any, at any time. The lock guards the table of calls and the counts; neither the receiver
// nor a completion is called with it held.
//
// Life: open -> closed -> reported. `close` empties the table and fails its calls. The receiver is
// told of the end once no thread is inside `receive` on this connection's behalf: `entrants` counts
// them, and the last one out, or the one who closes, reports. So no request follows the report.
// Whoever takes a call out of the table, by reply, abandonment or close, runs its completion: that
// makes it run exactly once.

/// One channel's way to one in-process listener.
final class InProcessConnection: ReplySink {
    private struct State {
        var calls: [UInt32: WaitingCall] = [:]
        var inFlight = RequestsInFlight()
        var entrants = 0
        var isClosed = false
        var isReported = false

        /// Whether the end must be reported now, by the caller.
        mutating func mustReport() -> Bool {
            guard isClosed, entrants == 0, !isReported else { return false }
            isReported = true
            return true
        }
    }

    /// A call's completion, in a structure.
    ///
    /// A bare function put into a dictionary is wrapped into one of another convention, which
    /// allocates on the way in and on the way out.
    private struct WaitingCall {
        let completion: RequestChannel.Completion
    }

    let id: ConnectionID
    private let listener: InProcessListener
    private let state = Locked(State())

    init(id: ConnectionID, listener: InProcessListener) {
        self.id = id
        self.listener = listener
    }

    /// Whether calls are still taken.
    var isOpen: Bool { state.withLock { !$0.isClosed } }

    /// What became of a call on its way in.
    private enum Entry {
        case closed
        case accepted
        case refused(TransportRefusal)
    }

    /// Hands a request to the receiver, on this thread.
    ///
    /// - Parameters:
    ///   - request: The frame.
    ///   - requestID: Not in use on this connection.
    ///   - completion: Run with the outcome.
    func call(
        _ request: consuming MessageBuffer,
        requestID: UInt32,
        completion: @escaping RequestChannel.Completion
    ) {
        let byteCount = request.byteCount
        let limits = listener.limits
        let entry: Entry = state.withLock { state in
            guard !state.isClosed, listener.isReceiving else { return .closed }
            state.calls[requestID] = WaitingCall(completion: completion)
            state.entrants += 1
            guard byteCount <= limits.frameByteCount else {
                return .refused(
                    .tooLarge(byteCount: UInt64(byteCount), limit: limits.frameByteCount)
                )
            }
            if let refusal = state.inFlight.reserve(byteCount, limits: limits) {
                return .refused(refusal)
            }
            return .accepted
        }
        switch entry {
        case .closed:
            completion(.failure(lost))
            return
        case .accepted:
            listener.requestEntered()
            listener.receiver.receive(
                IncomingRequest(
                    message: request,
                    replier: Replier(
                        sink: self,
                        address: ReplyAddress(requestID: requestID),
                        requestByteCount: byteCount
                    ),
                    connection: id,
                    receivedAtNanoseconds: MonotonicClock.nanoseconds
                )
            )
        case .refused(let refusal):
            listener.counters.refusedRequests.add()
            if let frame = listener.receiver.frame(for: refusal, prefix: request.bytes) {
                listener.counters.replies.add()
                finish(requestID, with: .success(frame))
            }
        }
        let mustReport = state.withLock { state in
            state.entrants -= 1
            return state.mustReport()
        }
        if mustReport { listener.connectionEnded(self) }
    }

    /// Runs the completion of a call, unless that has been done.
    ///
    /// - Returns: Whether the call was still waiting.
    @discardableResult
    func finish(
        _ requestID: UInt32,
        with outcome: consuming Result<MessageBuffer, TransportError>
    ) -> Bool {
        let call = state.withLock { $0.calls.removeValue(forKey: requestID) }
        call?.completion(outcome)
        return call != nil
    }

    func send(
        _ reply: consuming MessageBuffer,
        to address: ReplyAddress,
        requestByteCount: Int
    ) {
        state.withLock { $0.inFlight.release(requestByteCount) }
        let isWanted = finish(address.words[0], with: .success(reply))
        if isWanted {
            listener.counters.replies.add()
        } else {
            listener.counters.droppedReplies.add()
        }
        listener.requestLeft()
    }

    func abandon(_ address: ReplyAddress, requestByteCount: Int) {
        state.withLock { $0.inFlight.release(requestByteCount) }
        listener.counters.abandonedRequests.add()
        listener.requestLeft()
    }

    /// Whether a call with this id waits for its reply.
    func isInUse(_ requestID: UInt32) -> Bool {
        state.withLock { $0.calls[requestID] != nil }
    }

    /// The calls that wait for a reply.
    var callCount: Int { state.withLock { $0.calls.count } }

    /// Ends the connection and fails every call that waits.
    func close(failingWith error: TransportError, end: ConnectionEnd) {
        let calls: [UInt32: WaitingCall]? = state.withLock { state in
            guard !state.isClosed else { return nil }
            state.isClosed = true
            defer { state.calls = [:] }
            return state.calls
        }
        guard let calls else { return }
        listener.counters.countEnd(end)
        for call in calls.values { call.completion(.failure(error)) }
        if state.withLock({ $0.mustReport() }) { listener.connectionEnded(self) }
    }

    /// What a call meets that finds this connection closed by the server.
    var lost: TransportError {
        .connectionLost(endpoint: listener.url, reason: "the server was shut down")
    }
}
