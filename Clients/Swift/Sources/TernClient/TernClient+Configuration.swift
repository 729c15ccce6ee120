internal import TernTransport
package import TernTransportNNG

extension TernClient {
    /// What a client does when calls do not say otherwise, and the limits it keeps.
    public struct Configuration: Sendable, Hashable {
        /// How long a call may take if its options don't say.
        public var defaultTimeout: Duration = .seconds(30)

        /// How long one attempt to connect may take, handshake included.
        public var connectTimeout: Duration = .seconds(5)

        /// The longest wait before the first attempt to connect again.
        ///
        /// Each further attempt doubles it. The wait is drawn evenly between 0 and this (full jitter), so that the
        /// clients of a server that comes back do not arrive together.
        public var initialBackoff: Duration = .milliseconds(10)

        /// The wait before a further attempt to connect never exceeds this.
        public var maximumBackoff: Duration = .seconds(1)

        /// The most calls in flight at one time, those that wait for a connection included; one
        /// more fails with `resourceExhausted`.
        public var callsInFlightLimit: Int = 16_384

        /// The longest reply that is accepted, in bytes.
        ///
        /// A longer one closes the connection before memory is taken for it.
        public var replyByteCountLimit: Int = 256 << 20

        /// The most memory that requests and replies of this client hold at one time, in bytes.
        ///
        /// A reply holds its memory for as long as it, or one of its outputs, exists.
        public var messageMemoryByteCountLimit: Int = 1 << 30

        /// A configuration of defaults.
        public init() {}
    }
}

extension TernClient.Configuration {
    /// The same, as the channel over nng wants it.
    package var channelSettings: NNGChannel.Settings {
        var settings = NNGChannel.Settings()
        settings.connectTimeoutNanoseconds = connectTimeout.wholeNanoseconds
        settings.initialBackoffNanoseconds = initialBackoff.wholeNanoseconds
        settings.maximumBackoffNanoseconds = maximumBackoff.wholeNanoseconds
        settings.callsInFlightLimit = callsInFlightLimit
        settings.replyByteCountLimit = replyByteCountLimit
        settings.memoryByteCountLimit = messageMemoryByteCountLimit
        settings.adjustLateRequest = InferCodec.adjustLate
        return settings
    }
}
