// Deadlines, for everything in the process that waits: one thread and one heap.
//
// The thread sleeps until the earliest time it has been told of, and rings what is due. Setting an
// alarm wakes it only if the alarm is earlier than anything it sleeps for; taking one back never
// does. So a stream of calls, each with a deadline far away and each finished long before it, costs
// a short lock twice per call and wakes nobody: the thread comes up once per time-out, finds its
// alarm gone, and sleeps again.
//
// States of an alarm: fresh -> set -> done, or fresh -> done. All are changed under the clock's lock.
//  - `set(_:at:)` moves fresh to set, and does nothing to one that is done: an operation may be over
//    before its deadline has been set.
//  - `takeBack(_:)` moves to done: the alarm will not ring any more, or is ringing now.
//  - ringing moves set to done; `ring()` runs after the lock has been released.
//  - `setAgain(_:at:)` moves any to set, for an object that waits again. What rang just before may
//    still be on its way into `ring()`, which must find out for itself whether anything is due.

internal import Glibc

/// Something to be done at a time, unless it is taken back before.
///
/// A subclass says what by overriding ``ring()``; so the object that waits is itself the alarm, and
/// setting it allocates nothing. (`open` is what lets other targets of this package subclass it.)
@safe open class Alarm: @unchecked Sendable {
    fileprivate static let fresh = -1
    fileprivate static let done = -2

    /// Where the alarm stands in the heap, or one of the states above; guarded by the clock's lock.
    fileprivate var position = Alarm.fresh
    fileprivate var dueAtNanoseconds: UInt64 = 0

    package init() {}

    /// Does what is to be done; at most once, on the clock's thread, so it must not block.
    open func ring() { preconditionFailure("an alarm rang that doesn't say what for") }
}

/// Rings alarms, on the monotonic clock, from a thread of its own.
@safe package final class AlarmClock: @unchecked Sendable {
    /// The one clock of the process; its thread starts with the first use.
    package static let shared = AlarmClock()

    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let wakeUp: UnsafeMutablePointer<pthread_cond_t>
    /// A binary heap by time; guarded by `mutex`.
    private var heap: [Alarm] = []
    /// What the thread sleeps until; guarded by `mutex`.
    private var sleepsUntilNanoseconds = UInt64.max

    private init() {
        unsafe mutex = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe wakeUp = .allocate(capacity: 1)
        unsafe wakeUp.initialize(to: pthread_cond_t())
        var attributes = pthread_condattr_t()
        var status = unsafe pthread_mutex_init(mutex, nil)
        status |= unsafe pthread_condattr_init(&attributes)
        status |= unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        status |= unsafe pthread_cond_init(wakeUp, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
        precondition(status == 0, "the alarm clock's lock could not be made")
        startThread()
    }

    private func startThread() {
        // The thread inherits the mask: signals of the process are for others to handle.
        var everySignal = sigset_t()
        var mask = sigset_t()
        unsafe sigfillset(&everySignal)
        unsafe pthread_sigmask(SIG_SETMASK, &everySignal, &mask)
        var thread = pthread_t()
        let status = unsafe pthread_create(
            &thread,
            nil,
            { context in
                // SAFETY: the clock lives as long as the process; it was retained for this thread.
                let clock = unsafe Unmanaged<AlarmClock>.fromOpaque(context!).takeRetainedValue()
                clock.run()
            },
            Unmanaged.passRetained(self).toOpaque()
        )
        unsafe pthread_sigmask(SIG_SETMASK, &mask, nil)
        precondition(status == 0, "the alarm clock's thread could not be started")
        pthread_detach(thread)
    }

    /// Lets `alarm` ring at a time.
    ///
    /// Does nothing if the alarm has been taken back already. Allocates only when more alarms are
    /// set than ever before.
    ///
    /// - Parameters:
    ///   - alarm: An alarm that was never set.
    ///   - nanoseconds: When, on ``MonotonicClock``; a time that has passed rings at once.
    package func set(_ alarm: Alarm, at nanoseconds: UInt64) {
        unsafe pthread_mutex_lock(mutex)
        guard alarm.position != Alarm.done else {
            unsafe pthread_mutex_unlock(mutex)
            return
        }
        precondition(alarm.position == Alarm.fresh, "an alarm was set twice")
        alarm.dueAtNanoseconds = nanoseconds
        heap.append(alarm)
        alarm.position = heap.count - 1
        siftUp(from: heap.count - 1)
        let isEarlier = nanoseconds < sleepsUntilNanoseconds
        if isEarlier { sleepsUntilNanoseconds = nanoseconds }
        unsafe pthread_mutex_unlock(mutex)
        if isEarlier { unsafe pthread_cond_signal(wakeUp) }
    }

    /// Lets an alarm ring at another time, whatever became of it before.
    package func setAgain(_ alarm: Alarm, at nanoseconds: UInt64) {
        unsafe pthread_mutex_lock(mutex)
        if alarm.position >= 0 { remove(at: alarm.position) }
        alarm.position = Alarm.fresh
        unsafe pthread_mutex_unlock(mutex)
        set(alarm, at: nanoseconds)
    }

    /// Sees to it that `alarm` doesn't ring any more.
    ///
    /// - Returns: `false` if it has rung, is ringing, or was taken back before.
    @discardableResult
    package func takeBack(_ alarm: Alarm) -> Bool {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        guard alarm.position != Alarm.done else { return false }
        if alarm.position >= 0 { remove(at: alarm.position) }
        alarm.position = Alarm.done
        return true
    }

    /// How many alarms are set.
    package var setCount: Int {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return heap.count
    }

    private func run() -> Never {
        unsafe pthread_mutex_lock(mutex)
        while true {
            let now = MonotonicClock.nanoseconds
            if let first = heap.first, first.dueAtNanoseconds <= now {
                remove(at: 0)
                first.position = Alarm.done
                unsafe pthread_mutex_unlock(mutex)
                first.ring()
                unsafe pthread_mutex_lock(mutex)
                continue
            }
            sleepsUntilNanoseconds = heap.first?.dueAtNanoseconds ?? .max
            guard sleepsUntilNanoseconds < .max else {
                unsafe pthread_cond_wait(wakeUp, mutex)
                continue
            }
            var time = timespec()
            time.tv_sec = Int(clamping: sleepsUntilNanoseconds / 1_000_000_000)
            time.tv_nsec = Int(sleepsUntilNanoseconds % 1_000_000_000)
            unsafe pthread_cond_timedwait(wakeUp, mutex, &time)
        }
    }

    // MARK: The heap, under the lock

    private func remove(at index: Int) {
        let last = heap.removeLast()
        guard index < heap.count else { return }
        heap[index] = last
        last.position = index
        siftUp(from: index)
        siftDown(from: last.position)
    }

    private func siftUp(from start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard heap[index].dueAtNanoseconds < heap[parent].dueAtNanoseconds else { return }
            swap(index, parent)
            index = parent
        }
    }

    private func siftDown(from start: Int) {
        var index = start
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count {
                if heap[child].dueAtNanoseconds < heap[least].dueAtNanoseconds { least = child }
            }
            guard least != index else { return }
            swap(index, least)
            index = least
        }
    }

    private func swap(_ left: Int, _ right: Int) {
        heap.swapAt(left, right)
        heap[left].position = left
        heap[right].position = right
    }
}
