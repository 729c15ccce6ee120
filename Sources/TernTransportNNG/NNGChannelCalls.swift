package import TernTransport

/// One call of a channel: what is to be sent, and whom to tell the outcome.
///
/// Its stages are changed under the channel's lock:
///
///     waiting -> writing -> sent
///         any of them -> over, which is when the completion runs
///
/// The request belongs to the channel while the call waits, to whoever writes to the connection
/// while it is being written, and is given back to its pool after that. A call that is over while
/// it is being written keeps its request until the write has ended, because the system reads it.
@safe package final class NNGChannelCall: @unchecked Sendable {
    package enum Stage: Sendable, Equatable { case waiting, writing, sent, over }

    /// The call's number, never used twice by a channel.
    package let id: CallID

    private let completion: RequestChannel.Completion

    /// When the call began to wait for its turn, or was last told for how long it had waited.
    package var waitsSinceNanoseconds: UInt64

    /// Where the call stands.
    package fileprivate(set) var stage = Stage.waiting

    /// The frame to send.
    package var request: MessageBuffer?

    /// How long the frame is.
    package let requestByteCount: Int

    /// Where the frame is; valid as long as there is a ``request``, whose memory never moves.
    @unsafe internal let requestAddress: UnsafeMutableRawPointer

    fileprivate var next: NNGChannelCall?
    // SAFETY: a call in the queue is held by its predecessor or by the queue's head.
    fileprivate unowned(unsafe) var previous: NNGChannelCall?

    fileprivate init(
        id: CallID,
        request: consuming MessageBuffer,
        waitsSinceNanoseconds: UInt64,
        completion: @escaping RequestChannel.Completion
    ) {
        self.id = id
        requestByteCount = request.byteCount
        unsafe requestAddress = unsafe request.frameAddress
        self.request = consume request
        self.waitsSinceNanoseconds = waitsSinceNanoseconds
        self.completion = completion
    }

    /// Tells the outcome; for whoever took the call out of the table, once, without the lock.
    package func complete(with outcome: consuming Result<MessageBuffer, TransportError>) {
        completion(outcome)
    }

    /// The id on the wire: 31 bits of the call's number, and the top bit.
    package var requestID: UInt32 { UInt32(truncatingIfNeeded: id.rawValue) | 0x8000_0000 }
}

/// The calls of a channel that have no outcome yet, as a value: no I/O, no lock, no clock.
///
/// Whoever removes a call from here, and nobody else, runs its completion; that is what makes the
/// outcome unique whatever reply, deadline and broken connection race for it.
package struct NNGChannelCalls: ~Copyable {
    private var byRequestID: [UInt32: NNGChannelCall] = [:]
    private var head: NNGChannelCall?
    private var tail: NNGChannelCall?
    private var nextNumber: UInt64

    /// The most calls there may be.
    package let limit: Int

    /// Begins with none; request ids count from a random start.
    package init(limit: Int, firstNumber: UInt64 = UInt64(UInt32.random(in: 1...UInt32.max))) {
        self.limit = limit
        nextNumber = firstNumber
    }

    /// How many calls have no outcome yet.
    package var count: Int { byRequestID.count }

    /// Whether calls wait to be written.
    package var someoneWaits: Bool { head != nil }

    /// Adds a call at the end of the queue.
    ///
    /// - Precondition: ``count`` is below ``limit``.
    package mutating func add(
        _ request: consuming MessageBuffer,
        atNanoseconds now: UInt64,
        completion: @escaping RequestChannel.Completion
    ) -> NNGChannelCall {
        precondition(count < limit, "a call was added to a full channel")
        while byRequestID[UInt32(truncatingIfNeeded: nextNumber) | 0x8000_0000] != nil {
            nextNumber += 1
        }
        let call = NNGChannelCall(
            id: CallID(rawValue: nextNumber),
            request: request,
            waitsSinceNanoseconds: now,
            completion: completion
        )
        nextNumber += 1
        byRequestID[call.requestID] = call
        append(call)
        return call
    }

    /// Takes the call at the front of the queue, to write it.
    package mutating func takeForWriting() -> NNGChannelCall? {
        guard let call = head else { return nil }
        unlink(call)
        call.stage = .writing
        return call
    }

    /// Notes that all of a call has been handed to the system.
    package mutating func wasWritten(_ call: NNGChannelCall) {
        if call.stage == .writing { call.stage = .sent }
    }

    /// Puts a call of which nothing was written back to the front of the queue, unless it is over.
    package mutating func putBack(_ call: NNGChannelCall) {
        guard call.stage == .writing else { return }
        call.stage = .waiting
        prepend(call)
    }

    /// Whether a reply with this id would be taken.
    package func awaitsReply(_ requestID: UInt32) -> Bool {
        guard let call = byRequestID[requestID] else { return false }
        return call.stage != .waiting
    }

    /// Removes the call that a reply has come for.
    ///
    /// - Returns: `nil` for an id that is not in use, or whose request hasn't been sent.
    package mutating func takeReplied(_ requestID: UInt32) -> NNGChannelCall? {
        guard let call = byRequestID[requestID], call.stage != .waiting else { return nil }
        remove(call)
        return call
    }

    /// Removes a call that is given up.
    ///
    /// - Returns: The call and the stage it was in, or `nil` if its outcome is known already.
    package mutating func abandon(_ id: CallID) -> (NNGChannelCall, NNGChannelCall.Stage)? {
        let requestID = UInt32(truncatingIfNeeded: id.rawValue) | 0x8000_0000
        guard let call = byRequestID[requestID], call.id == id else { return nil }
        let stage = call.stage
        remove(call)
        return (call, stage)
    }

    /// Removes a call that was being written when its connection broke.
    ///
    /// - Returns: Whether the call had no outcome yet.
    package mutating func takeBroken(_ call: NNGChannelCall) -> Bool {
        guard call.stage != .over else { return false }
        remove(call)
        return true
    }

    /// Removes the calls that were sent; those that wait, or are being written, stay.
    package mutating func takeSent() -> [NNGChannelCall] {
        let sent = byRequestID.values.filter { $0.stage == .sent }
        for call in sent { remove(call) }
        return sent
    }

    /// Removes all calls.
    package mutating func takeAll() -> [NNGChannelCall] {
        let all = Array(byRequestID.values)
        for call in all { remove(call) }
        return all
    }

    private mutating func remove(_ call: NNGChannelCall) {
        byRequestID[call.requestID] = nil
        if call.stage == .waiting { unlink(call) }
        call.stage = .over
    }

    private mutating func append(_ call: NNGChannelCall) {
        unsafe call.previous = tail
        tail?.next = call
        tail = call
        if head == nil { head = call }
    }

    private mutating func prepend(_ call: NNGChannelCall) {
        call.next = head
        unsafe head?.previous = call
        head = call
        if tail == nil { tail = call }
    }

    private mutating func unlink(_ call: NNGChannelCall) {
        let previous = unsafe call.previous
        let next = call.next
        unsafe call.previous = nil
        call.next = nil
        if let previous { previous.next = next } else { head = next }
        if let next { unsafe next.previous = previous } else { tail = previous }
    }
}
