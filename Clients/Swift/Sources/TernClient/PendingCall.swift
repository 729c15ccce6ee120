internal import Synchronization
internal import TernTransport

/// One call from the moment its task is suspended to the moment it runs on.
///
/// The outcome comes once, from the channel: it runs the completion exactly once, whatever happens
/// first, a reply, a broken connection, or that the call is given up. Deadline and cancellation
/// therefore don't resume the task themselves. They leave word why, and tell the channel to give
/// the call up, which runs the completion there and then.
///
/// The channel names a call only when `call` returns, and a deadline or a cancellation may be
/// earlier. So the name is stored first and the reason read after it on one side, the other way
/// round on the other; both accesses are sequentially consistent, so at least one side sees what
/// the other wrote and gives the call up. Both may; the channel ignores the second.
///
/// The object is its own alarm, so that a deadline allocates nothing.
@safe internal final class PendingCall: Alarm, @unchecked Sendable {
    internal typealias Outcome = Result<ReplyFrame, CallFailure>

    private static let nobody: UInt8 = 0
    private static let deadline: UInt8 = 1
    private static let cancellation: UInt8 = 2

    private let channel: any RequestChannel
    private let deadlineNanoseconds: UInt64
    private let whoGaveUp = Atomic<UInt8>(PendingCall.nobody)
    /// The channel's name for the call; 0 before there is one.
    private let name = Atomic<UInt64>(0)
    /// Stored before the task is resumed and loaded after.
    ///
    /// The runtime orders what happens before a resumption and after it; but if the outcome comes
    /// before the task has been suspended it does so where the thread sanitizer doesn't look.
    private let isOver = Atomic<Bool>(false)
    /// Set before the channel learns of the call, read by the completion.
    private var continuation: UnsafeContinuation<Outcome, Never>?

    internal init(channel: any RequestChannel, deadlineNanoseconds: UInt64) {
        self.channel = channel
        self.deadlineNanoseconds = deadlineNanoseconds
    }

    /// Sends `request` and waits for the outcome; no thread is blocked.
    ///
    /// Returns at once when the task is cancelled or the deadline has come.
    ///
    /// All of it happens on the caller's executor: a closure belongs to the actor it captures, while
    /// one that captures none would be run elsewhere, which costs two hops between threads.
    internal func outcome(
        of request: consuming MessageBuffer,
        isolation: isolated (any Actor)? = #isolation
    ) async -> Outcome {
        var request: MessageBuffer? = consume request
        let outcome = await withTaskCancellationHandler {
            _ = isolation
            return await unsafe withUnsafeContinuation { continuation in
                unsafe self.continuation = continuation
                if let request = request.take() { send(request) }
            }
        } onCancel: {
            giveUp(because: Self.cancellation)
        }
        // Pairs with the store in `resume`.
        _ = isOver.load(ordering: .acquiring)
        return outcome
    }

    private func send(_ request: consuming MessageBuffer) {
        // A task that was cancelled before it got here sends nothing.
        guard whoGaveUp.load(ordering: .sequentiallyConsistent) == Self.nobody else {
            return resume(with: .failure(.cancelled(wasSent: false)))
        }
        let id = channel.call(request) { self.complete($0) }
        name.store(id.rawValue, ordering: .sequentiallyConsistent)
        guard whoGaveUp.load(ordering: .sequentiallyConsistent) == Self.nobody else {
            return channel.abandon(id)
        }
        // Does nothing if the outcome is known already.
        AlarmClock.shared.set(self, at: deadlineNanoseconds)
    }

    override internal func ring() { giveUp(because: Self.deadline) }

    private func giveUp(because reason: UInt8) {
        let (isFirst, _) = whoGaveUp.compareExchange(
            expected: Self.nobody,
            desired: reason,
            ordering: .sequentiallyConsistent
        )
        guard isFirst else { return }
        let id = name.load(ordering: .sequentiallyConsistent)
        if id != 0 { channel.abandon(CallID(rawValue: id)) }
    }

    /// Runs once, on a thread of the transport or of whoever gives the call up.
    private func complete(_ result: consuming Result<MessageBuffer, TransportError>) {
        switch consume result {
        case .success(let message): resume(with: .success(ReplyFrame(message)))
        case .failure(let error): resume(with: .failure(failure(for: error)))
        }
        // The task is on its way already; this costs it nothing.
        AlarmClock.shared.takeBack(self)
    }

    private func resume(with outcome: Outcome) {
        guard let continuation = unsafe continuation else {
            preconditionFailure("a call had an outcome before it was made")
        }
        isOver.store(true, ordering: .releasing)
        // SAFETY: the channel runs the completion exactly once, and not at all for a call that
        // was never handed to it.
        unsafe continuation.resume(returning: outcome)
    }

    private func failure(for error: TransportError) -> CallFailure {
        switch (whoGaveUp.load(ordering: .sequentiallyConsistent), error) {
        case (Self.cancellation, .unavailable): .cancelled(wasSent: false)
        case (Self.cancellation, .closed): .cancelled(wasSent: true)
        case (Self.deadline, .closed): .deadlineExceeded
        case (Self.deadline, .unavailable(_, let reason)): .notConnected(reason: reason)
        default: .transport(error)
        }
    }
}

/// Why a call has no reply.
internal enum CallFailure: Error {
    /// The caller's task was cancelled, perhaps before anything was sent.
    case cancelled(wasSent: Bool)
    /// The deadline came first.
    case deadlineExceeded
    /// The deadline came before there was a connection.
    case notConnected(reason: String)
    /// Something on the way.
    case transport(TransportError)
}
