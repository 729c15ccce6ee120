// Who may listen at a path.
//
// A UNIX socket's path outlives its process, so whoever wants to listen there must know whether the
// one it finds is alive. Asking by connecting is what a stock listener of libnng 1.5.2 doesn't
// survive, and removing a live path takes its clients away. So a server holds a lock on a file beside
// the path for as long as it listens; the system drops the lock when its process dies, however it
// dies. Under the lock, a path that is found is either stale or belongs to a program that doesn't
// know of the lock, which the system's table of sockets tells apart without disturbing it.

internal import Glibc
internal import TernTransport

/// The right to listen at a path, for as long as this object exists.
final class PathLock: Sendable {
    private let path: String
    private let descriptor: Int32

    /// Takes the right and removes a stale socket.
    ///
    /// - Parameter path: Where a socket will be bound.
    /// - Throws: ``TransportError/unavailable(endpoint:reason:)`` if another process listens there,
    ///   or if the lock file can't be made.
    init(path: String) throws(TransportError) {
        let lockPath = path + ".lock"
        let endpoint = Endpoint.ipc(path: path).url
        var locked: Int32?
        for _ in 0..<100 where locked == nil {
            locked = try Self.tryLock(lockPath, endpoint: endpoint)
        }
        guard let locked else {
            throw .unavailable(endpoint: endpoint, reason: "\(lockPath) does not stay in place")
        }
        do throws(TransportError) {
            try Self.removeStaleSocket(at: path, endpoint: endpoint)
        } catch {
            _ = unsafe unlink(lockPath)
            Glibc.close(locked)
            throw error
        }
        self.path = lockPath
        descriptor = locked
    }

    deinit {
        // Removed while it is held, so that nobody who opened it meanwhile takes it for the lock:
        // `tryLock` looks whether the file it has locked is still the one at the path.
        _ = unsafe unlink(path)
        Glibc.close(descriptor)
    }

    /// Opens the file and locks it.
    ///
    /// - Returns: `nil` if its last holder removed it meanwhile; then it's worth another try.
    private static func tryLock(
        _ lockPath: String,
        endpoint: String
    ) throws(TransportError) -> Int32? {
        let descriptor = unsafe open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw .unavailable(
                endpoint: endpoint,
                reason: "cannot open the lock file \(lockPath): \(describe(errno))"
            )
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let reason =
                errno == EWOULDBLOCK
                ? "another server, process \(holder(descriptor)), listens there"
                : "cannot lock \(lockPath): \(describe(errno))"
            Glibc.close(descriptor)
            throw .unavailable(endpoint: endpoint, reason: reason)
        }
        var opened = stat()
        var current = stat()
        guard unsafe fstat(descriptor, &opened) == 0, unsafe lstat(lockPath, &current) == 0,
            opened.st_ino == current.st_ino, opened.st_dev == current.st_dev
        else {
            Glibc.close(descriptor)
            return nil
        }
        let text = "\(getpid())\n"
        let isNoted =
            unsafe ftruncate(descriptor, 0) == 0
            && pwrite(descriptor, text, text.utf8.count, 0) == text.utf8.count
        guard isNoted else {
            let reason = "cannot write the lock file \(lockPath): \(describe(errno))"
            Glibc.close(descriptor)
            throw .unavailable(endpoint: endpoint, reason: reason)
        }
        return descriptor
    }

    /// The process id noted in a lock file, for the error message.
    private static func holder(_ descriptor: Int32) -> String {
        let text = read(descriptor, upToByteCount: 32).prefix { (0x30...0x39).contains($0) }
        return text.isEmpty ? "unknown" : String(decoding: text, as: UTF8.self)
    }

    private static func removeStaleSocket(
        at path: String,
        endpoint: String
    ) throws(TransportError) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw .unavailable(
                endpoint: endpoint,
                reason: "there is a file at the path that is no socket"
            )
        }
        guard !isBound(path) else {
            throw .unavailable(
                endpoint: endpoint,
                reason: "a program that does not use the lock file listens there"
            )
        }
        guard unsafe unlink(path) == 0 else {
            throw .unavailable(
                endpoint: endpoint,
                reason: "cannot remove the stale socket: \(describe(errno))"
            )
        }
    }

    /// Whether the system's table of UNIX sockets has one bound to `path`.
    private static func isBound(_ path: String) -> Bool {
        let table = unsafe open("/proc/net/unix", O_RDONLY | O_CLOEXEC)
        guard table >= 0 else { return false }
        defer { Glibc.close(table) }
        let candidates = Set([path, resolved(path)].map { Array(" \($0)".utf8) })
        return read(table, upToByteCount: 1 << 30).split(separator: 0x0A).contains { line in
            candidates.contains { line.count > $0.count && line.suffix($0.count).elementsEqual($0) }
        }
    }

    /// The path without symbolic links, as another process may have bound it.
    private static func resolved(_ path: String) -> String {
        guard let resolved = unsafe realpath(path, nil) else { return path }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    private static func read(_ descriptor: Int32, upToByteCount limit: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while bytes.count < limit {
            let count = unsafe Glibc.read(descriptor, &chunk, chunk.count)
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return bytes
    }

    private static func describe(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }
}
