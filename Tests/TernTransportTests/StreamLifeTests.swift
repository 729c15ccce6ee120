import Testing

@testable import TernTransport

@Suite struct StreamLifeTests {
    @Test func `a quiet stream is closed and then freed`() {
        var life = StreamLife()
        #expect(life.close() == .close)
        #expect(life.leave() == .free)
        #expect(life.close() == .none)
    }

    @Test func `nothing can be submitted after a close`() {
        var life = StreamLife()
        _ = life.close()
        let canRead = life.beginRead()
        let canWrite = life.beginWrite()
        #expect(!canRead && !canWrite && !life.isOpen)
    }

    @Test func `a close that meets a submitter is left to it`() {
        var life = StreamLife()
        #expect(life.beginWrite())
        #expect(life.close() == .none)
        #expect(life.submitted() == .close)
        #expect(life.leave() == .none)
        life.writeCompleted()
        #expect(life.leave() == .free)
    }

    @Test func `a stream is freed only after what is outstanding has completed`() {
        var life = StreamLife()
        #expect(life.beginRead())
        #expect(life.submitted() == .none)
        #expect(life.beginWrite())
        #expect(life.submitted() == .none)
        #expect(life.close() == .close)
        life.readCompleted()
        #expect(life.leave() == .none)
        life.writeCompleted()
        // The closing thread is still inside.
        #expect(life.leave() == .none)
        #expect(life.leave() == .free)
    }

    @Test func `a handler that closes its stream is left before the stream is freed`() {
        var life = StreamLife()
        #expect(life.beginRead())
        _ = life.submitted()
        life.readCompleted()
        #expect(life.close() == .close)
        #expect(life.leave() == .none)
        #expect(life.leave() == .free)
    }

    @Test func `an operation may complete and be followed before its submitter has left`() {
        var life = StreamLife()
        #expect(life.beginRead())
        life.readCompleted()
        #expect(life.beginRead())
        #expect(life.submitted() == .none)
        #expect(life.leave() == .none)
        #expect(life.close() == .none)
        #expect(life.submitted() == .close)
        life.readCompleted()
        #expect(life.leave() == .none)
        #expect(life.leave() == .free)
    }

    @Test func `in whatever order the last threads leave, a stream is freed exactly once`() {
        // A read and a write complete while a third thread closes; every order of their steps.
        func walk(_ life: StreamLife, _ left: [[(inout StreamLife) -> Bool]], _ freed: Int) {
            if left.allSatisfy(\.isEmpty) {
                #expect(freed == 1)
                return
            }
            for index in left.indices where !left[index].isEmpty {
                var next = life
                var rest = left
                let isFreed = rest[index].removeFirst()(&next)
                walk(next, rest, freed + (isFreed ? 1 : 0))
            }
        }
        var life = StreamLife()
        _ = life.beginRead()
        _ = life.submitted()
        _ = life.beginWrite()
        _ = life.submitted()
        walk(
            life,
            [
                [{ $0.readCompleted(); return false }, { $0.leave() == .free }],
                [{ $0.writeCompleted(); return false }, { $0.leave() == .free }],
                [{ _ = $0.close(); return false }, { $0.leave() == .free }],
            ],
            0
        )
    }
}

@Suite struct ConnectionWatchTests {
    private static let second: UInt64 = 1_000_000_000
    private let start: UInt64 = 77 * second

    private func watch() -> ConnectionWatch {
        ConnectionWatch(limits: .init(), startedAt: start)
    }

    @Test func `a connection without a handshake ends after its time`() {
        var watch = watch()
        #expect(watch.verdict(at: start + 5 * Self.second - 1, isBusy: false) == nil)
        #expect(watch.verdict(at: start + 5 * Self.second, isBusy: false) == .handshakeTimeout)
    }

    @Test func `bytes of a handshake don't lengthen its time`() {
        var watch = watch()
        watch.bytesReceived(
            4, completedMessage: false, isWithinMessage: true, at: start + 4 * Self.second)
        #expect(watch.verdict(at: start + 5 * Self.second, isBusy: false) == .handshakeTimeout)
    }

    @Test func `an idle connection ends, a busy one doesn't`() {
        var watch = watch()
        watch.handshakeArrived()
        #expect(watch.verdict(at: start + 59 * Self.second, isBusy: false) == nil)
        #expect(watch.verdict(at: start + 100 * Self.second, isBusy: true) == nil)
        #expect(watch.verdict(at: start + 60 * Self.second, isBusy: false) == .idleTimeout)
    }

    @Test func `a byte now and then does not keep a message alive`() {
        var watch = watch()
        watch.handshakeArrived()
        for second in 0..<5 as Range<UInt64> {
            let now = start + second * Self.second
            watch.bytesReceived(1, completedMessage: false, isWithinMessage: true, at: now)
            #expect(watch.verdict(at: now, isBusy: false) == nil)
        }
        let end = watch.verdict(at: start + 5 * Self.second, isBusy: false)
        #expect(end == .receiveStall)
    }

    @Test func `a long message that keeps coming is let through`() {
        var watch = watch()
        watch.handshakeArrived()
        for second in 0..<60 as Range<UInt64> {
            let now = start + second * Self.second
            watch.bytesReceived(32 << 10, completedMessage: false, isWithinMessage: true, at: now)
            #expect(watch.verdict(at: now, isBusy: false) == nil)
        }
    }

    @Test func `messages that complete renew the time even if one is always begun`() {
        var watch = watch()
        watch.handshakeArrived()
        for second in 0..<60 as Range<UInt64> {
            let now = start + second * Self.second
            watch.bytesReceived(10, completedMessage: true, isWithinMessage: true, at: now)
            #expect(watch.verdict(at: now, isBusy: false) == nil)
        }
    }

    @Test func `a peer that takes nothing ends its connection, busy or not`() {
        var watch = watch()
        watch.handshakeArrived()
        watch.sendingBegan(at: start)
        watch.bytesSent(100, completedMessage: false, isWithinMessage: true, at: start)
        #expect(watch.verdict(at: start + 4 * Self.second, isBusy: true) == nil)
        #expect(watch.verdict(at: start + 5 * Self.second, isBusy: true) == .sendStall)
    }

    @Test func `nothing is demanded once all has been sent`() {
        var watch = watch()
        watch.handshakeArrived()
        watch.sendingBegan(at: start)
        watch.bytesSent(100, completedMessage: true, isWithinMessage: false, at: start)
        #expect(watch.verdict(at: start + 30 * Self.second, isBusy: true) == nil)
    }
}
