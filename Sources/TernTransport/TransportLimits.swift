/// What one server's transport takes on at most; each is checked before memory is taken.
package struct TransportLimits: Sendable {
    /// The longest frame that is read into memory.
    package var frameByteCount: Int
    /// The longest message that is passed over to get at the next; beyond it the connection ends.
    package var skippedMessageByteCount: UInt64
    /// Connections at one time, over all endpoints.
    package var connectionCount: Int
    /// Requests of one connection that have no reply yet.
    package var requestCountPerConnection: Int
    /// The bytes of these requests' frames together; a single one may exceed it.
    package var requestByteCountPerConnection: Int
    /// The memory of replies that wait for the peer of one connection; the last may exceed it.
    package var replyByteCountPerConnection: Int
    /// How long what may take.
    package var times: ConnectionWatch.Limits

    /// Limits for a server on a machine of ordinary size.
    package init(
        frameByteCount: Int = 64 << 20,
        skippedMessageByteCount: UInt64 = 4 << 30,
        connectionCount: Int = 16_384,
        requestCountPerConnection: Int = 1024,
        requestByteCountPerConnection: Int = 256 << 20,
        replyByteCountPerConnection: Int = 256 << 20,
        times: ConnectionWatch.Limits = .init()
    ) {
        self.frameByteCount = frameByteCount
        self.skippedMessageByteCount = skippedMessageByteCount
        self.connectionCount = connectionCount
        self.requestCountPerConnection = requestCountPerConnection
        self.requestByteCountPerConnection = requestByteCountPerConnection
        self.replyByteCountPerConnection = replyByteCountPerConnection
        self.times = times
    }
}
