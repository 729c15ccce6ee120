internal import Synchronization

/// What a server's transport has counted since it began.
package struct TransportCounts: Sendable, Equatable {
    /// Connections that were accepted and kept.
    package var openedConnectionCount = 0
    /// Connections that this end has closed or that have broken.
    package var closedConnectionCount = 0
    /// Connections that hold nothing any more.
    package var freedConnectionCount = 0
    /// Connections turned away at the limit.
    package var refusedConnectionCount = 0
    /// Accepts that failed.
    package var failedAcceptCount = 0
    /// Connections ended because their peer broke the protocol.
    package var protocolErrorCount = 0
    /// Connections ended because no handshake came.
    package var handshakeTimeoutCount = 0
    /// Connections ended because nothing happened on them.
    package var idleTimeoutCount = 0
    /// Connections ended because a message stopped arriving.
    package var receiveStallCount = 0
    /// Connections ended because their peer took no replies or let too many pile up.
    package var sendStallCount = 0
    /// Requests handed on.
    package var requestCount = 0
    /// Requests turned away by the transport itself.
    package var refusedRequestCount = 0
    /// Replies that have left completely, error frames of the transport among them.
    package var replyCount = 0
    /// Replies dropped because their connection was gone.
    package var droppedReplyCount = 0
    /// Requests whose replier was destroyed without a reply.
    package var abandonedRequestCount = 0
    /// Bytes read.
    package var receivedByteCount = 0
    /// Bytes written.
    package var sentByteCount = 0

    /// Nothing has happened yet.
    package init() {}
}

/// The counters behind ``TransportCounts``; any thread may add to them at any time.
///
/// Each is independent of the others, so all orderings are relaxed.
package final class TransportCounters: Sendable {
    /// One counter.
    package struct Counter: ~Copyable, Sendable {
        private let value = Atomic<Int>(0)

        package init() {}

        /// Adds `amount`.
        package borrowing func add(_ amount: Int = 1) {
            value.wrappingAdd(amount, ordering: .relaxed)
        }

        /// The sum so far.
        package var sum: Int { value.load(ordering: .relaxed) }
    }

    package let openedConnections = Counter()
    package let closedConnections = Counter()
    package let freedConnections = Counter()
    package let refusedConnections = Counter()
    package let failedAccepts = Counter()
    package let protocolErrors = Counter()
    package let handshakeTimeouts = Counter()
    package let idleTimeouts = Counter()
    package let receiveStalls = Counter()
    package let sendStalls = Counter()
    package let requests = Counter()
    package let refusedRequests = Counter()
    package let replies = Counter()
    package let droppedReplies = Counter()
    package let abandonedRequests = Counter()
    package let receivedBytes = Counter()
    package let sentBytes = Counter()

    package init() {}

    /// All sums, each read at its own moment.
    package var counts: TransportCounts {
        var counts = TransportCounts()
        counts.openedConnectionCount = openedConnections.sum
        counts.closedConnectionCount = closedConnections.sum
        counts.freedConnectionCount = freedConnections.sum
        counts.refusedConnectionCount = refusedConnections.sum
        counts.failedAcceptCount = failedAccepts.sum
        counts.protocolErrorCount = protocolErrors.sum
        counts.handshakeTimeoutCount = handshakeTimeouts.sum
        counts.idleTimeoutCount = idleTimeouts.sum
        counts.receiveStallCount = receiveStalls.sum
        counts.sendStallCount = sendStalls.sum
        counts.requestCount = requests.sum
        counts.refusedRequestCount = refusedRequests.sum
        counts.replyCount = replies.sum
        counts.droppedReplyCount = droppedReplies.sum
        counts.abandonedRequestCount = abandonedRequests.sum
        counts.receivedByteCount = receivedBytes.sum
        counts.sentByteCount = sentBytes.sum
        return counts
    }

    /// Counts a connection's end under its reason.
    package func countEnd(_ end: ConnectionEnd) {
        closedConnections.add()
        switch end {
        case .peerGone, .shutdown: break
        case .protocolError: protocolErrors.add()
        case .handshakeTimeout: handshakeTimeouts.add()
        case .idleTimeout: idleTimeouts.add()
        case .receiveStall: receiveStalls.add()
        case .sendStall, .replyQueueFull: sendStalls.add()
        }
    }
}
