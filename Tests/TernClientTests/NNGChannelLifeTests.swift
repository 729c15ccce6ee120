internal import TernTransportNNG
import Testing

/// The life of a channel's connection, without a connection.
@Suite struct NNGChannelLifeTests {
    private func life() -> NNGChannelLife {
        NNGChannelLife(initialBackoffNanoseconds: 10, maximumBackoffNanoseconds: 100)
    }

    private func readyLife() -> NNGChannelLife {
        var life = life()
        #expect(life.connectionWanted() == .dial(attempt: 1))
        #expect(life.dialed(attempt: 1) == true)
        #expect(life.handshakeCompleted(attempt: 1) == .send)
        return life
    }

    @Test func `the first to want a connection makes it, others wait with it`() {
        var life = life()
        #expect(life.state == .idle)
        #expect(life.connectionWanted() == .dial(attempt: 1))
        #expect(life.state == .dialing)
        #expect(life.connectionWanted() == .none)
        #expect(life.dialed(attempt: 1) == true)
        #expect(life.state == .handshaking)
        #expect(life.connectionWanted() == .none)
        #expect(!life.isReady)
        #expect(life.handshakeCompleted(attempt: 1) == .send)
        #expect(life.isReady)
        #expect(life.connectionWanted() == .send)
    }

    @Test func `pauses grow with each failure, up to the limit`() {
        var life = life()
        for (attempt, limit) in zip(1..., [10, 20, 40, 80, 100, 100] as [UInt64]) {
            let attempt = UInt64(attempt)
            #expect(life.connectionWanted() == .dial(attempt: attempt))
            #expect(
                life.failed(attempt: attempt, reason: "no", someoneWaits: false)
                    == .pause(attempt: attempt, atMostNanoseconds: limit)
            )
            #expect(life.state == .backingOff)
            #expect(life.connectionWanted() == .none)
            #expect(life.pauseElapsed(attempt: attempt, someoneWaits: false) == .none)
            #expect(life.state == .idle)
        }
    }

    @Test func `pauses stay at the limit after many failures`() {
        var life = NNGChannelLife(
            initialBackoffNanoseconds: .max / 2,
            maximumBackoffNanoseconds: 1000
        )
        _ = life.connectionWanted()
        for attempt in 1...200 as ClosedRange<UInt64> {
            #expect(
                life.failed(attempt: attempt, reason: "no", someoneWaits: true)
                    == .pause(attempt: attempt, atMostNanoseconds: 1000)
            )
            #expect(
                life.pauseElapsed(attempt: attempt, someoneWaits: true)
                    == .dial(attempt: attempt + 1)
            )
        }
    }

    @Test func `a connection that was of use is made again without a pause`() {
        var life = readyLife()
        life.replyArrived(attempt: 1)
        #expect(life.failed(attempt: 1, reason: "gone", someoneWaits: true) == .dial(attempt: 2))
        #expect(life.lastFailure == "gone")
    }

    @Test func `a connection that ends while nobody waits isn't made again`() {
        var life = readyLife()
        life.replyArrived(attempt: 1)
        #expect(
            life.failed(attempt: 1, reason: "idle", someoneWaits: false)
                == NNGChannelLife.Action.none
        )
        #expect(life.state == .idle)
        #expect(life.connectionWanted() == .dial(attempt: 2))
    }

    @Test func `a connection that was of no use counts as a failure`() {
        var life = readyLife()
        #expect(
            life.failed(attempt: 1, reason: "gone", someoneWaits: true)
                == .pause(attempt: 1, atMostNanoseconds: 10)
        )
        #expect(life.failuresInARow == 1)
    }

    @Test func `a reply ends the row of failures`() {
        var life = life()
        _ = life.connectionWanted()
        _ = life.failed(attempt: 1, reason: "no", someoneWaits: true)
        _ = life.pauseElapsed(attempt: 1, someoneWaits: true)
        #expect(life.dialed(attempt: 2) == true)
        _ = life.handshakeCompleted(attempt: 2)
        #expect(life.failuresInARow == 1)
        life.replyArrived(attempt: 2)
        #expect(life.failuresInARow == 0)
        #expect(life.lastFailure == nil)
    }

    @Test func `what is reported of an earlier attempt is ignored`() {
        var life = life()
        _ = life.connectionWanted()
        _ = life.failed(attempt: 1, reason: "slow", someoneWaits: true)
        _ = life.pauseElapsed(attempt: 1, someoneWaits: true)
        #expect(life.state == .dialing)
        #expect(life.dialed(attempt: 1) == false)
        #expect(life.handshakeCompleted(attempt: 1) == .none)
        #expect(life.failed(attempt: 1, reason: "again", someoneWaits: true) == nil)
        #expect(life.pauseElapsed(attempt: 1, someoneWaits: true) == .none)
        #expect(life.state == .dialing)
        #expect(life.lastFailure == "slow")
    }

    @Test func `a failure that is reported twice is handled once`() {
        var life = readyLife()
        #expect(life.failed(attempt: 1, reason: "read", someoneWaits: false) != nil)
        #expect(life.failed(attempt: 1, reason: "write", someoneWaits: false) == nil)
        #expect(life.lastFailure == "read")
    }

    @Test func `nothing happens after closing`() {
        for prepare in [{ _ in }, { _ = $0.connectionWanted() }] as [(inout NNGChannelLife) -> Void]
        {
            var life = life()
            prepare(&life)
            #expect(life.close() == true)
            #expect(life.close() == false)
            #expect(life.connectionWanted() == .none)
            #expect(life.dialed(attempt: 1) == false)
            #expect(life.failed(attempt: 1, reason: "no", someoneWaits: true) == nil)
            #expect(life.pauseElapsed(attempt: 1, someoneWaits: true) == .none)
            #expect(life.state == .closed)
        }
    }
}
