internal import Synchronization

/// What a server has done with the inference requests it received, since it was made.
package final class ServerCounters: Sendable {
    private let admitted = Atomic<UInt64>(0)
    private let completed = Atomic<UInt64>(0)
    private let failed = Atomic<UInt64>(0)
    private let expired = Atomic<UInt64>(0)
    private let withdrawn = Atomic<UInt64>(0)
    private let refused = Atomic<UInt64>(0)
    private let invalid = Atomic<UInt64>(0)
    private let batches = Atomic<UInt64>(0)
    private let batched = Atomic<UInt64>(0)

    package init() {}

    /// Requests that were put in the queue.
    package var admittedCount: UInt64 { admitted.load(ordering: .relaxed) }
    /// Requests whose model ran to its end, whether or not somebody still wanted the result.
    package var completedCount: UInt64 { completed.load(ordering: .relaxed) }
    /// Requests whose model failed, or whose reply could not be written.
    package var failedCount: UInt64 { failed.load(ordering: .relaxed) }
    /// Requests that did not run because their time budget was used up.
    package var expiredCount: UInt64 { expired.load(ordering: .relaxed) }
    /// Requests given up by a Cancel or by the loss of their connection, running ones among them.
    package var withdrawnCount: UInt64 { withdrawn.load(ordering: .relaxed) }
    /// Requests turned away because of a limit, or because the server drains.
    package var refusedCount: UInt64 { refused.load(ordering: .relaxed) }
    /// Requests turned away because of what is in them.
    package var invalidCount: UInt64 { invalid.load(ordering: .relaxed) }

    /// Runs of a model that worked on more than one request.
    package var batchCount: UInt64 { batches.load(ordering: .relaxed) }
    /// Requests that were worked on together with others.
    package var batchedCount: UInt64 { batched.load(ordering: .relaxed) }

    internal enum Event { case admitted, completed, failed, expired, withdrawn, refused, invalid }

    /// Counts one event.
    ///
    /// Relaxed: the counts guard nothing.
    internal func count(_ event: Event) {
        switch event {
        case .admitted: admitted.wrappingAdd(1, ordering: .relaxed)
        case .completed: completed.wrappingAdd(1, ordering: .relaxed)
        case .failed: failed.wrappingAdd(1, ordering: .relaxed)
        case .expired: expired.wrappingAdd(1, ordering: .relaxed)
        case .withdrawn: withdrawn.wrappingAdd(1, ordering: .relaxed)
        case .refused: refused.wrappingAdd(1, ordering: .relaxed)
        case .invalid: invalid.wrappingAdd(1, ordering: .relaxed)
        }
    }

    /// Counts a batch.
    internal func countBatch(ofRequests count: Int) {
        batches.wrappingAdd(1, ordering: .relaxed)
        batched.wrappingAdd(UInt64(count), ordering: .relaxed)
    }
}
