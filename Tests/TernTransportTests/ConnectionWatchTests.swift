import Testing

@testable import TernTransport

/// When and why a connection must end.
private struct End: Equatable {
    let seconds: Double
    let reason: ConnectionEnd
}

/// A connection's watch with the limits of a server, driven in seconds.
private final class Timeline {
    private static let second: UInt64 = 1_000_000_000
    private static let start: UInt64 = 77 * second
    private var watch = ConnectionWatch(limits: .init(), startedAt: start)

    static func time(_ seconds: Double) -> UInt64 {
        start + UInt64((seconds * Double(second)).rounded())
    }

    func handshake() { watch.handshakeArrived() }

    func receive(_ byteCount: Int, completing: Bool, within: Bool, at seconds: Double) {
        watch.bytesReceived(
            byteCount,
            completedMessage: completing,
            isWithinMessage: within,
            at: Self.time(seconds)
        )
    }

    func beginSending() { watch.sendingBegan(at: Self.start) }

    func send(_ byteCount: Int, completing: Bool, within: Bool, at seconds: Double) {
        watch.bytesSent(
            byteCount,
            completedMessage: completing,
            isWithinMessage: within,
            at: Self.time(seconds)
        )
    }

    /// The first of `times` at which the connection must end, and why.
    func end(at times: [Double], isBusy: Bool = false) -> End? {
        for seconds in times {
            if let end = watch.verdict(at: Self.time(seconds), isBusy: isBusy) {
                return End(seconds: seconds, reason: end)
            }
        }
        return nil
    }
}

@Suite struct ConnectionWatchTests {
    @Test func `a connection without a handshake ends after its time`() {
        let line = Timeline()
        #expect(line.end(at: [0, 4, 4.999, 5]) == End(seconds: 5, reason: .handshakeTimeout))
    }

    @Test func `bytes of a handshake don't lengthen its time`() {
        let line = Timeline()
        line.receive(4, completing: false, within: true, at: 4)
        #expect(line.end(at: [4.9, 5]) == End(seconds: 5, reason: .handshakeTimeout))
    }

    @Test func `an idle connection ends, a busy one doesn't`() {
        let line = Timeline()
        line.handshake()
        #expect(line.end(at: [59, 100], isBusy: true) == nil)
        #expect(line.end(at: [59.9, 60]) == End(seconds: 60, reason: .idleTimeout))
    }

    @Test func `a byte now and then does not keep a message alive`() {
        let line = Timeline()
        line.handshake()
        for second in 0..<5 {
            line.receive(1, completing: false, within: true, at: Double(second))
            #expect(line.end(at: [Double(second)]) == nil)
        }
        #expect(line.end(at: [5]) == End(seconds: 5, reason: .receiveStall))
    }

    @Test func `a long message that keeps coming is let through`() {
        let line = Timeline()
        line.handshake()
        for second in 0..<60 {
            line.receive(32 << 10, completing: false, within: true, at: Double(second))
            #expect(line.end(at: [Double(second)]) == nil)
        }
    }

    @Test func `messages that complete renew the time even if another has begun`() {
        let line = Timeline()
        line.handshake()
        for second in 0..<60 {
            line.receive(10, completing: true, within: true, at: Double(second))
            #expect(line.end(at: [Double(second)]) == nil)
        }
    }

    @Test func `a peer that takes nothing ends its connection, busy or not`() {
        for isBusy in [false, true] {
            let line = Timeline()
            line.handshake()
            line.beginSending()
            line.send(100, completing: false, within: true, at: 0)
            #expect(line.end(at: [4.9, 5], isBusy: isBusy) == End(seconds: 5, reason: .sendStall))
        }
    }

    @Test func `nothing is demanded once all has been sent`() {
        let line = Timeline()
        line.handshake()
        line.beginSending()
        line.send(100, completing: true, within: false, at: 0)
        #expect(line.end(at: [30], isBusy: true) == nil)
    }
}
