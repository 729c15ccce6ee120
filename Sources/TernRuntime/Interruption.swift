internal import Synchronization

/// Lets another thread stop a call that is running.
///
/// The session looks at it between two nodes, which costs one plain load each; a node that has begun
/// is finished. Relaxed on both sides: nothing else is handed over with it.
package final class Interruption: Sendable {
    private let isSet = Atomic<Bool>(false)

    package init() {}

    /// Whether the call is to stop.
    package var isRequested: Bool { isSet.load(ordering: .relaxed) }

    /// Asks the call to stop; may come before it begins, and more than once.
    package func request() { isSet.store(true, ordering: .relaxed) }

    /// Makes it ready for the next call.
    package func reset() { isSet.store(false, ordering: .relaxed) }
}
