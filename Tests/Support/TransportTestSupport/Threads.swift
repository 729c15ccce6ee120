internal import Glibc

/// One thread's share of a test.
private final class Share {
    let index: Int
    let body: @Sendable (Int) -> Void

    init(index: Int, body: @escaping @Sendable (Int) -> Void) {
        self.index = index
        self.body = body
    }
}

/// Runs `body` on so many threads at once, each with its own number, and waits for all.
package func runOnThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let threads = (0..<count).map { index in
        var thread = pthread_t()
        let context = unsafe Unmanaged.passRetained(Share(index: index, body: body)).toOpaque()
        let status = unsafe pthread_create(
            &thread,
            nil,
            { context in
                // SAFETY: balances `passRetained`.
                let share = unsafe Unmanaged<Share>.fromOpaque(context!).takeRetainedValue()
                share.body(share.index)
                return nil
            },
            context
        )
        precondition(status == 0, "a thread could not be started")
        return thread
    }
    for thread in threads { pthread_join(thread, nil) }
}
