internal import TernRuntime
internal import TernTransport

extension Server {
    /// The counters by name, in an order that reads well.
    ///
    /// Each is read at its own moment: while requests come and go, sums need not agree to the last
    /// one. After a drain they do: every request that was received was answered or its reply
    /// dropped.
    package var statistics: [(name: String, count: Int)] {
        let transport = transportCounts
        // The process's: plans are compiled by one thread for all servers in it.
        let plans = PlanCounters.shared
        func sum(_ count: KeyPath<TransportCounts, Int>) -> Int {
            transport.reduce(0) { $0 + $1[keyPath: count] }
        }
        return [
            ("connectionsOpened", sum(\.openedConnectionCount)),
            ("connectionsClosed", sum(\.closedConnectionCount)),
            ("connectionsFreed", sum(\.freedConnectionCount)),
            ("connectionsRefused", sum(\.refusedConnectionCount)),
            ("acceptsFailed", sum(\.failedAcceptCount)),
            ("protocolErrors", sum(\.protocolErrorCount)),
            ("handshakeTimeouts", sum(\.handshakeTimeoutCount)),
            ("idleTimeouts", sum(\.idleTimeoutCount)),
            ("receiveStalls", sum(\.receiveStallCount)),
            ("sendStalls", sum(\.sendStallCount)),
            ("bytesReceived", sum(\.receivedByteCount)),
            ("bytesSent", sum(\.sentByteCount)),
            ("requestsReceived", sum(\.requestCount) + sum(\.refusedRequestCount)),
            ("requestsRefusedByTransport", sum(\.refusedRequestCount)),
            ("repliesSent", sum(\.replyCount)),
            ("repliesDropped", sum(\.droppedReplyCount)),
            ("requestsAbandoned", sum(\.abandonedRequestCount)),
            ("inferencesInFlight", inFlightCount),
            ("inferencesAdmitted", Int(clamping: counters.admittedCount)),
            ("inferencesCompleted", Int(clamping: counters.completedCount)),
            ("inferencesFailed", Int(clamping: counters.failedCount)),
            ("inferencesExpired", Int(clamping: counters.expiredCount)),
            ("inferencesWithdrawn", Int(clamping: counters.withdrawnCount)),
            ("inferencesRefused", Int(clamping: counters.refusedCount)),
            ("inferencesInvalid", Int(clamping: counters.invalidCount)),
            ("inferenceBatches", Int(clamping: counters.batchCount)),
            ("inferencesBatched", Int(clamping: counters.batchedCount)),
            ("planHits", plans.hitCount),
            ("planMisses", plans.missCount),
            ("planEvictions", plans.evictionCount),
            ("plansCompiled", plans.compilationCount),
            ("plansRefused", plans.refusalCount),
            ("planCompilationMicroseconds", plans.compilationNanoseconds / 1000),
        ]
    }

    /// ``statistics`` as one line of JSON: `{"statistics":{…}}`.
    package var statisticsLine: String {
        let pairs = statistics.map { "\"\($0.name)\":\($0.count)" }.joined(separator: ",")
        return "{\"statistics\":{\(pairs)}}"
    }
}
