internal import CTernCPU

// What a parked worker sleeps on. 0: none given. 1: given; the worker takes it and goes on. Given
// only by whoever took the worker out of the parked state (SleepState.swift), so at most once per
// sleep.

/// A wake-up for one worker that cannot get lost between looking and sleeping.
struct Token<Word: SharedWord & ~Copyable>: ~Copyable, Sendable {
    private let word: Word
    private let fill = LineFill(repeating: 0)

    /// No token is given.
    init() { word = Word(0) }

    /// Gives the token and wakes the worker; one system call.
    func give() {
        // Release: pairs with `take`; the worker sees what the waker published.
        word.storeRelease(1)
        _ = unsafe tern_unpark(futexWordAddress(of: word), 1)
    }

    /// Sleeps until the token is given, and takes it.
    func take() {
        // Acquire: pairs with `give`. The kernel compares the word again before it lets us sleep.
        while word.loadAcquire() == 0 {
            unsafe tern_park(futexWordAddress(of: word), 0)
        }
        word.storeRelaxed(0)
    }
}
