// What threads sleep on outside the latch.
//
// The token is what a parked worker sleeps on. 0: none given. 1: given; the worker takes it and goes on. Given
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
        unsafe Word.unpark(word.parkingPlace, 1)
    }

    /// Sleeps until the token is given, and takes it.
    func take() {
        // Acquire: pairs with `give`. The kernel compares the word again before it lets us sleep.
        while word.loadAcquire() == 0 {
            word.park(while: 0)
        }
        word.storeRelaxed(0)
    }
}

// For something that is done once while others wait until it is done. 0: not begun; 1: one thread is
// at it; 2: done, and stays so. Not a `Mutex`, because the thread sanitizer does not see that one.

/// Lets one thread do something and the others wait for it.
struct OnceGate<Word: SharedWord & ~Copyable>: ~Copyable, Sendable {
    private let word: Word

    /// Nobody has begun.
    init() { word = Word(0) }

    /// Whether the caller is the one to do it; it must then ``open()`` the gate.
    func begin() -> Bool { word.compareExchange(expected: 0, desired: 1) }

    /// Says that it is done.
    func open() {
        // Release: pairs with `wait`.
        word.storeRelease(2)
        unsafe Word.unpark(word.parkingPlace, .max)
    }

    /// Sleeps until the gate is open; some thread must have begun.
    func wait() {
        // Acquire: pairs with `open`.
        while word.loadAcquire() != 2 { word.park(while: 1) }
    }
}
