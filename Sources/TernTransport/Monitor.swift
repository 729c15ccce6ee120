package import Glibc

/// A value behind a lock, with threads that wait for it to change.
///
/// Waiting is for the edges of a server's life (shutting down, a timer thread), not for requests.
/// Time-outs count on the monotonic clock.
@safe package struct Monitor<State: ~Copyable>: ~Copyable, @unchecked Sendable {
    @usableFromInline let mutex: UnsafeMutablePointer<pthread_mutex_t>
    @usableFromInline let changed: UnsafeMutablePointer<pthread_cond_t>
    @usableFromInline let state: UnsafeMutablePointer<State>

    /// Puts `initial` behind a new lock.
    @inlinable
    package init(_ initial: consuming State) {
        unsafe mutex = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe changed = .allocate(capacity: 1)
        unsafe changed.initialize(to: pthread_cond_t())
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: initial)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        let isReady =
            unsafe pthread_mutex_init(mutex, nil) == 0
            && pthread_cond_init(changed, &attributes) == 0
        unsafe pthread_condattr_destroy(&attributes)
        precondition(isReady, "a lock could not be made")
    }

    @inlinable
    deinit {
        unsafe pthread_cond_destroy(changed)
        unsafe changed.deallocate()
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
        unsafe state.deinitialize(count: 1)
        unsafe state.deallocate()
    }

    /// Runs `body` with the value, alone.
    @inlinable
    package borrowing func withLock<R: ~Copyable, E: Error>(
        _ body: (inout State) throws(E) -> R
    ) throws(E) -> R {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        // SAFETY: the value lives as long as `self`, and the lock makes this access the only one.
        return try unsafe body(&state.pointee)
    }

    /// Wakes whoever waits, to look at the value again.
    @inlinable
    package borrowing func signalAll() { unsafe pthread_cond_broadcast(changed) }

    /// Waits until `condition`, run with the lock held, gives a result, or until the time is over.
    ///
    /// - Parameters:
    ///   - deadline: Nanoseconds of ``MonotonicClock``.
    ///   - condition: Asked at once, and again after each signal.
    /// - Returns: The condition's result, or `nil` when the deadline passed without one.
    @inlinable
    package borrowing func wait<R>(
        until deadline: UInt64,
        for condition: (inout State) -> R?
    ) -> R? {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        var time = timespec()
        time.tv_sec = Int(deadline / 1_000_000_000)
        time.tv_nsec = Int(deadline % 1_000_000_000)
        while true {
            // SAFETY: as in `withLock`; the lock is given up only while waiting.
            if let result = unsafe condition(&state.pointee) { return result }
            if unsafe pthread_cond_timedwait(changed, mutex, &time) == ETIMEDOUT {
                return unsafe condition(&state.pointee)
            }
        }
    }
}
