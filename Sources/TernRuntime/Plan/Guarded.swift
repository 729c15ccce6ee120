// A value behind a lock, which threads can also wait on.
//
// A POSIX mutex and not `Synchronization.Mutex`: what that does under contention lies in a library
// that isn't instrumented, and the thread sanitizer would take every contended section for a race.
//
// Ordering: taking the lock acquires what its last holder released; nothing else is promised.

internal import Glibc

/// A value that is reached only while holding its lock.
///
/// Locking and unlocking allocate nothing. Not reentrant: a holder that locks again waits for ever.
@safe final class Guarded<State>: @unchecked Sendable {
    // SAFETY: of "@unchecked Sendable": the state is touched with the mutex held only.

    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let change: UnsafeMutablePointer<pthread_cond_t>
    private var state: State

    /// Puts a value behind a new lock.
    init(_ state: sending State) {
        unsafe mutex = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe change = .allocate(capacity: 1)
        unsafe change.initialize(to: pthread_cond_t())
        self.state = state
        let status = unsafe pthread_mutex_init(mutex, nil) | pthread_cond_init(change, nil)
        precondition(status == 0, "a lock could not be made")
    }

    deinit {
        unsafe pthread_cond_destroy(change)
        unsafe pthread_mutex_destroy(mutex)
        unsafe change.deallocate()
        unsafe mutex.deallocate()
    }

    /// Runs `body` with the value, alone.
    func withLock<Result, Failure: Error>(
        _ body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return try body(&state)
    }

    /// Waits until `take` finds something in the value; it is asked again after each ``wakeOne()``.
    func wait<Result>(for take: (inout State) -> Result?) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while true {
            if let result = take(&state) { return result }
            unsafe pthread_cond_wait(change, mutex)
        }
    }

    /// Wakes a thread that waits.
    func wakeOne() { unsafe pthread_cond_signal(change) }
}
