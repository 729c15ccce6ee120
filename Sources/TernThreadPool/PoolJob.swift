/// Work handed to a pool's injector: a function and the pointer it is called with.
///
/// Two words, nothing to allocate, retain or release. The function runs once on one worker; it must
/// not throw and should not block.
@safe package struct PoolJob: @unchecked Sendable {
    /// What runs: a function that captures nothing.
    package typealias Function = @convention(c) (UnsafeMutableRawPointer?) -> Void

    /// What runs.
    @unsafe package let function: Function

    /// What ``function`` is called with.
    @unsafe package let context: UnsafeMutableRawPointer?

    /// Makes a job that calls `function` with `context`.
    ///
    /// `context` must stay valid until the job has run, and whatever it points at must be safe to
    /// use from a worker thread: handing the job over publishes everything written before it.
    ///
    /// - Parameters:
    ///   - context: What it is called with.
    ///   - function: What runs: a function or closure that captures nothing.
    @unsafe package init(
        context: UnsafeMutableRawPointer?,
        _ function: @escaping Function
    ) {
        unsafe self.function = function
        unsafe self.context = context
    }

    /// Calls the function on this thread.
    @inline(__always)
    func run() {
        // SAFETY: the creator promised that the context is valid until the job has run.
        unsafe function(context)
    }
}
