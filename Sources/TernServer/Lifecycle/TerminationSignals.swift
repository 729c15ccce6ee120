internal import Dispatch
internal import Glibc
internal import Synchronization

// A signal handler may interrupt a thread anywhere, so it does next to nothing: the first signal
// writes one byte to a pipe, from which a thread reads it and runs the drain; every later one ends
// the process. That second step stands in the handler itself, because it must work even when all
// threads are stuck.

/// Turns SIGTERM and SIGINT into an orderly end.
///
/// The first of either runs a handler, which is expected to drain the server. The second, of either
/// kind, ends the process at once with 128 plus the signal's number, as a shell counts it: whoever
/// sends it has waited long enough.
package enum TerminationSignals {
    /// The signals that end a server.
    package static let numbers: [Int32] = [SIGTERM, SIGINT]

    private static let seenCount = Atomic<Int>(0)
    private static let pipeDescriptor = Atomic<Int32>(-1)

    /// Takes the signals over until the process ends.
    ///
    /// Also ignores SIGPIPE, since writing to a peer that is gone is an ordinary event. May be
    /// called once in a process.
    ///
    /// - Parameter handler: What to do at the first signal, given its number; runs on a thread of
    ///   its own and may block.
    package static func handle(_ handler: @escaping @Sendable (_ signal: Int32) -> Void) {
        var ends: [Int32] = [-1, -1]
        precondition(unsafe pipe(&ends) == 0, "no pipe can be made for signals")
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let readEnd = ends[0]
        let previous = pipeDescriptor.exchange(ends[1], ordering: .releasing)
        precondition(previous == -1, "the termination signals were taken over twice")
        // Touched here first, so that the handler finds it initialised.
        _ = seenCount.load(ordering: .relaxed)

        DispatchQueue(label: "tern.termination", qos: .userInitiated).async {
            var number: UInt8 = 0
            while unsafe read(readEnd, &number, 1) != 1 {}
            handler(Int32(number))
        }
        signal(SIGPIPE, SIG_IGN)
        for number in numbers {
            signal(number, receive)
        }
    }

    private static let receive: @convention(c) (Int32) -> Void = { number in
        if seenCount.wrappingAdd(1, ordering: .relaxed).oldValue > 0 { _exit(128 + number) }
        var byte = UInt8(truncatingIfNeeded: number)
        let descriptor = pipeDescriptor.load(ordering: .acquiring)
        _ = unsafe write(descriptor, &byte, 1)
    }
}
