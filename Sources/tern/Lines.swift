import Glibc

/// Writes a line to standard error.
func writeError(_ line: String) { write(line, to: STDERR_FILENO) }

/// Writes a line to standard output at once, whatever it is connected to.
///
/// `print` would keep it back in a pipe until its buffer is full, and whoever waits for the line
/// that says "ready" would wait with it.
func writeLine(_ line: String) { write(line, to: STDOUT_FILENO) }

private func write(_ line: String, to descriptor: CInt) {
    var bytes = Array((line + "\n").utf8)[...]
    while !bytes.isEmpty {
        // SAFETY: the pointer and the count are the slice's own.
        let count = unsafe bytes.withUnsafeBytes {
            unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
        }
        if count < 0 && errno != EINTR { return }
        bytes = bytes.dropFirst(max(count, 0))
    }
}
