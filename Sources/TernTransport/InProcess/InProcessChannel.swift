/// Calls a listener of the same process.
///
/// The request runs into the receiver on the caller's thread; the completion runs on the replier's.
/// A channel whose listener is gone connects again with the next call.
package final class InProcessChannel: RequestChannel {
    private struct State {
        var connection: InProcessConnection?
        var requestIDs = SPRequestIDs()
        var isClosed = false
    }

    /// How a call goes on after the lock.
    private enum Route {
        case closed
        case unavailable
        case tooMany
        case through(InProcessConnection, requestID: UInt32)
    }

    package let buffers: BufferPool

    private let name: String
    private let callCountLimit: Int
    private let state = Locked(State())

    /// Makes a channel; it connects with the first call.
    ///
    /// - Parameters:
    ///   - name: The listener's name.
    ///   - buffers: Where requests take their memory from.
    ///   - callCountLimit: The most calls in flight.
    package init(connectingTo name: String, buffers: BufferPool, callCountLimit: Int = 65_536) {
        self.name = name
        self.buffers = buffers
        self.callCountLimit = callCountLimit
    }

    package func call(
        _ request: consuming MessageBuffer,
        completion: @escaping Completion
    ) -> CallID {
        var requestID: UInt32 = 0
        let route: Route = state.withLock { state in
            guard !state.isClosed else { return .closed }
            if state.connection?.isOpen != true {
                state.connection = InProcessListener.connect(to: name)
            }
            guard let connection = state.connection else { return .unavailable }
            guard connection.callCount < callCountLimit else { return .tooMany }
            requestID = state.requestIDs.take { connection.isInUse($0) }
            return .through(connection, requestID: requestID)
        }
        switch route {
        case .closed:
            completion(.failure(.closed))
        case .unavailable:
            completion(
                .failure(
                    .unavailable(
                        endpoint: Endpoint.inProcess(name: name).url,
                        reason: "no listener of this process has the name"
                    )
                )
            )
        case .tooMany:
            completion(.failure(.tooManyInFlight(limit: callCountLimit)))
        case .through(let connection, let requestID):
            connection.call(request, requestID: requestID, completion: completion)
        }
        return CallID(rawValue: UInt64(requestID))
    }

    package func abandon(_ call: CallID) {
        let connection = state.withLock { $0.connection }
        connection?.finish(UInt32(truncatingIfNeeded: call.rawValue), with: .failure(.closed))
    }

    package func close() {
        let connection = state.withLock { state in
            state.isClosed = true
            return state.connection.take()
        }
        connection?.close(failingWith: .closed, end: .peerGone(.disconnected))
    }
}
