internal import Glibc

/// The kernel's side of the sockets of this process: what was written and has not arrived.
///
/// A write that succeeded only means that the kernel has the bytes. If a socket is closed while its peer
/// has sent something that was never read, TCP resets the connection and throws away what had not
/// been acknowledged: the end of a large reply. libnng doesn't show its descriptors, so all of the
/// process's sockets are asked; that happens once in its life, while it drains.
internal enum SocketSendQueues {
    /// How many bytes of all stream sockets have not been acknowledged (TCP) or read (local
    /// sockets) by their peers.
    ///
    /// A descriptor that closes or is reused meanwhile does no harm: it is only asked.
    internal static func undeliveredByteCount() -> Int {
        guard let folder = unsafe opendir("/proc/self/fd") else { return 0 }
        defer { unsafe closedir(folder) }
        var sum = 0
        while let entry = unsafe readdir(folder) {
            // SAFETY: the name is a terminated string that stays until the next `readdir`.
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            if let descriptor = CInt(name) { sum += undeliveredByteCount(of: descriptor) }
        }
        return sum
    }

    private static func undeliveredByteCount(of descriptor: CInt) -> Int {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else {
            return 0
        }
        var byteCount: CInt = 0
        // For a socket TIOCOUTQ is SIOCOUTQ; listening ones answer with an error.
        guard unsafe ioctl(descriptor, UInt(TIOCOUTQ), &byteCount) == 0 else { return 0 }
        return Int(byteCount)
    }
}
