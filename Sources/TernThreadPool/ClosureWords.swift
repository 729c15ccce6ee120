internal import CTernCPU

// A non-escaping closure is two words, code and context, and its context (usually on the caller's
// stack) is valid until the function that it was passed to returns. To run it on other threads
// without copying it to the heap (`withoutActuallyEscaping` allocates twice per call) the pool passes
// it to a C function that reads the two words and calls back before it returns: everything done in
// the callback happens while the closure is a live argument, so no optimisation of the caller can end
// its context early. See TernPark.h for the other half.

/// Calls `then` with the words of `body` while they are valid.
@_silgen_name("tern_with_closure_words")
func withClosureWords(
    _ body: (Range<Int>) -> Void,
    _ then:
        @convention(c) (UnsafeRawPointer?, UnsafeRawPointer?, UnsafeMutableRawPointer?) -> Void,
    _ state: UnsafeMutableRawPointer?
)

/// Calls `then` with the words of both closures while they are valid.
@_silgen_name("tern_with_closure_words_of_two")
func withClosureWords(
    _ first: () -> Void,
    _ second: () -> Void,
    _ then:
        @convention(c) (
            UnsafeRawPointer?, UnsafeRawPointer?, UnsafeRawPointer?, UnsafeRawPointer?,
            UnsafeMutableRawPointer?
        ) -> Void,
    _ state: UnsafeMutableRawPointer?
)

/// The words of a `(Range<Int>) -> Void`, valid inside ``withClosureWords``.
@safe struct RangeClosureWords {
    let code: UnsafeRawPointer?
    let context: UnsafeRawPointer?

    /// Calls the closure with `lower..<upper`.
    @inline(__always)
    func call(_ lower: Int, _ upper: Int) {
        // SAFETY: whoever made these words keeps the closure alive until its helpers have left.
        unsafe tern_call_range_closure(code, context, lower, upper)
    }
}

/// The words of a `() -> Void`, valid inside ``withClosureWords``.
@safe struct ClosureWords {
    let code: UnsafeRawPointer?
    let context: UnsafeRawPointer?

    /// Calls the closure.
    @inline(__always)
    func call() {
        // SAFETY: whoever made these words keeps the closure alive until it has run.
        unsafe tern_call_closure(code, context)
    }
}
