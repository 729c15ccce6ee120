// A value behind a lock.
//
// `Synchronization.Mutex` would do, were it not for the thread sanitizer: the path it takes under
// contention lies in a library that isn't instrumented, so every contended critical section is
// reported as a race. A POSIX mutex is known to the sanitizer and, contended, doesn't hand over
// through the kernel each time.
//
// Ordering: taking the lock acquires what its last holder released; nothing else is promised.

package import Glibc

/// A value that is reached only while holding its lock.
///
/// Making one allocates once; locking and unlocking allocate nothing. Not reentrant: a holder that
/// locks again waits for ever.
@safe package struct Locked<State: ~Copyable>: ~Copyable, @unchecked Sendable {
    @usableFromInline let mutex: UnsafeMutablePointer<pthread_mutex_t>
    @usableFromInline let state: UnsafeMutablePointer<State>

    /// Puts `initial` behind a new lock.
    @inlinable
    package init(_ initial: consuming State) {
        unsafe mutex = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        let status = unsafe pthread_mutex_init(mutex, nil)
        precondition(status == 0, "a lock could not be made")
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: initial)
    }

    @inlinable
    deinit {
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
}
