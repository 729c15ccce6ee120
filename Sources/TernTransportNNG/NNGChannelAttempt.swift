internal import TernTransport

/// One attempt of a channel to connect; reports to it under a number, so that a late outcome is
/// recognised.
internal final class NNGChannelAttempt: ByteStreamDialerHandler {
    private struct State: ~Copyable {
        var dialer: (any ByteStreamDialer)?
        var isClosed = false
    }

    let number: UInt64
    private let channel: NNGChannel
    private let state = Locked(State())

    init(number: UInt64, channel: NNGChannel) {
        self.number = number
        self.channel = channel
    }

    /// Dials once, unless the attempt has been given up.
    func dial(with dialer: any ByteStreamDialer) {
        let isWanted = state.withLock { state in
            guard !state.isClosed else { return false }
            state.dialer = dialer
            return true
        }
        guard isWanted else { return dialer.close() }
        _ = dialer.dial()
    }

    /// Gives up; idempotent.
    func close() {
        let dialer = state.withLock { state in
            state.isClosed = true
            return state.dialer.take()
        }
        dialer?.close()
    }

    func dialCompleted(_ outcome: Result<any ByteStream, ByteStreamError>) {
        switch outcome {
        case .success(let stream): channel.dialed(stream, attempt: number)
        case .failure(let error): channel.attemptFailed(number, reason: error.description)
        }
        close()
    }

    func dialerEnded() {}
}

/// Tells a channel that an attempt has taken too long, or that a pause is over.
internal final class NNGChannelAlarm: Alarm, @unchecked Sendable {
    enum Reason { case connectTimedOut, pauseElapsed }

    private let reason: Reason
    private let attempt: UInt64
    private weak let channel: NNGChannel?

    init(_ reason: Reason, attempt: UInt64, channel: NNGChannel) {
        self.reason = reason
        self.attempt = attempt
        self.channel = channel
    }

    override func ring() {
        switch reason {
        case .connectTimedOut: channel?.connectTimedOut(attempt: attempt)
        case .pauseElapsed: channel?.pauseElapsed(attempt: attempt)
        }
    }
}
