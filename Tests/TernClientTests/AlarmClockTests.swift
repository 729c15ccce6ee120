internal import Dispatch
internal import TernTransport
import Testing

/// Alarms ring when due, once, and not after they were taken back.
@Suite(.serialized) struct AlarmClockTests {
    private final class TestAlarm: Alarm, @unchecked Sendable {
        private let action: @Sendable () -> Void

        init(_ action: @escaping @Sendable () -> Void) { self.action = action }

        override func ring() { action() }
    }

    /// Stops the clock's thread in an alarm, so that what the test sets meanwhile is all there when
    /// it goes on.
    private func stopClock() async -> DispatchSemaphore {
        let goOn = DispatchSemaphore(value: 0)
        let stopped = AsyncStream.makeStream(of: Void.self)
        let stop = TestAlarm {
            stopped.continuation.yield()
            goOn.wait()
        }
        AlarmClock.shared.set(stop, at: 0)
        var iterator = stopped.stream.makeAsyncIterator()
        await iterator.next()
        return goOn
    }

    @Test func `alarms ring in the order of their times, not before`() async {
        let rung = AsyncStream.makeStream(of: (Int, UInt64).self)
        let clock = await stopClock()
        let now = MonotonicClock.nanoseconds
        let order = [3, 1, 4, 0, 2, 5]
        let alarms = order.map { number in
            TestAlarm { rung.continuation.yield((number, MonotonicClock.nanoseconds)) }
        }
        for (alarm, number) in zip(alarms, order) {
            AlarmClock.shared.set(alarm, at: now + UInt64(number) * 3_000_000)
        }
        clock.signal()
        var iterator = rung.stream.makeAsyncIterator()
        for expected in 0..<6 {
            guard let (number, time) = await iterator.next() else { break }
            #expect(number == expected)
            #expect(time >= now + UInt64(number) * 3_000_000)
        }
    }

    @Test func `an alarm that was taken back doesn't ring`() async {
        let rung = AsyncStream.makeStream(of: Int.self)
        let clock = await stopClock()
        let now = MonotonicClock.nanoseconds
        let alarms = (0..<100).map { number in TestAlarm { rung.continuation.yield(number) } }
        for (number, alarm) in alarms.enumerated() {
            AlarmClock.shared.set(alarm, at: now + UInt64(100 - number) * 1000)
        }
        for (number, alarm) in alarms.enumerated() where number % 3 != 0 {
            #expect(AlarmClock.shared.takeBack(alarm))
            #expect(!AlarmClock.shared.takeBack(alarm))
        }
        clock.signal()
        var iterator = rung.stream.makeAsyncIterator()
        for number in stride(from: 99, through: 0, by: -3) {
            #expect(await iterator.next() == number)
        }
        #expect(!alarms.contains { AlarmClock.shared.takeBack($0) })
    }

    @Test func `an alarm may be taken back before it is set`() async {
        let rung = AsyncStream.makeStream(of: Int.self)
        let first = TestAlarm { rung.continuation.yield(1) }
        let second = TestAlarm { rung.continuation.yield(2) }
        #expect(AlarmClock.shared.takeBack(first))
        AlarmClock.shared.set(first, at: 0)
        AlarmClock.shared.set(second, at: 0)
        var iterator = rung.stream.makeAsyncIterator()
        #expect(await iterator.next() == 2)
    }

    @Test func `an earlier alarm wakes a clock that sleeps for a later one`() async {
        let rung = AsyncStream.makeStream(of: Int.self)
        let late = TestAlarm { rung.continuation.yield(1) }
        let early = TestAlarm { rung.continuation.yield(2) }
        AlarmClock.shared.set(late, at: MonotonicClock.nanoseconds + 3600_000_000_000)
        AlarmClock.shared.set(early, at: MonotonicClock.nanoseconds + 1_000_000)
        var iterator = rung.stream.makeAsyncIterator()
        #expect(await iterator.next() == 2)
        #expect(AlarmClock.shared.takeBack(late))
    }
}
