import Glibc
import TernTransport

/// A peer that is nothing but a socket: it can send what no library would, and stop anywhere.
@safe final class RawPeer: @unchecked Sendable {
    private var descriptor: Int32
    private let framing: SPFraming

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Connects; reads and writes give up after ten seconds.
    init(to endpoint: Endpoint) throws {
        switch endpoint {
        case .ipc(let path):
            framing = .ipc
            descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            try connectUNIX(Array(path.utf8) + [0])
        case .abstract(let name):
            framing = .ipc
            descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            try connectUNIX([0] + Array(name.utf8))
        case .tcp(_, let port):
            framing = .tcp
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = (0x7F00_0001 as UInt32).bigEndian
            try connect(address)
        case .inProcess:
            throw Failure(description: "a socket cannot reach into the process")
        }
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
    }

    deinit { close() }

    private func connectUNIX(_ path: [UInt8]) throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path)!
        unsafe withUnsafeMutableBytes(of: &address) { bytes in
            unsafe bytes[offset...].copyBytes(from: path)
        }
        let byteCount = path[0] == 0 ? offset + path.count : MemoryLayout<sockaddr_un>.size
        try connect(address, byteCount: byteCount)
    }

    private func connect<Address>(_ address: Address, byteCount: Int? = nil) throws {
        let length = socklen_t(byteCount ?? MemoryLayout<Address>.size)
        let status = unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe Glibc.connect(descriptor, pointer, length)
            }
        }
        guard status == 0 else { throw Failure(description: "connect: errno \(errno)") }
    }

    /// Sends all of `bytes`.
    func send(_ bytes: [UInt8]) throws {
        var offset = 0
        while offset < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { source in
                unsafe Glibc.send(
                    descriptor,
                    source.baseAddress! + offset,
                    source.count - offset,
                    Int32(MSG_NOSIGNAL)
                )
            }
            guard count > 0 else { throw Failure(description: "send: errno \(errno)") }
            offset += count
        }
    }

    /// Receives exactly `count` bytes; `nil` if the connection ends before.
    func receive(_ count: Int) throws -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let received = unsafe bytes.withUnsafeMutableBytes { target in
                unsafe recv(descriptor, target.baseAddress! + filled, count - filled, 0)
            }
            if received == 0 || (received < 0 && errno == ECONNRESET) { return nil }
            guard received > 0 else { throw Failure(description: "recv: errno \(errno)") }
            filled += received
        }
        return bytes
    }

    /// Whether the server ends the connection within ten seconds; what it sends is dropped.
    func isEnded() throws -> Bool {
        while true {
            do {
                guard try receive(1) != nil else { return true }
            } catch {
                return false
            }
        }
    }

    /// Exchanges handshakes as a requester does.
    func handshake() throws {
        try send([0, 0x53, 0x50, 0, 0, 0x30, 0, 0])
        let reply = try receive(8)
        guard reply == [0, 0x53, 0x50, 0, 0, 0x31, 0, 0] else {
            throw Failure(description: "handshake: \(reply ?? [])")
        }
    }

    /// The head of a message that announces `byteCount` bytes.
    func header(announcing byteCount: UInt64) -> [UInt8] {
        let length = (0..<8).map { UInt8(truncatingIfNeeded: byteCount >> (56 - 8 * $0)) }
        return (framing == .ipc ? [1] : []) + length
    }

    /// A request as it stands on the wire.
    func request(_ address: [UInt32], _ body: [UInt8]) -> [UInt8] {
        let words = address.flatMap { word in
            (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) }
        }
        return header(announcing: UInt64(words.count + body.count)) + words + body
    }

    /// Receives a message: backtrace and frame.
    func receiveMessage() throws -> [UInt8]? {
        guard let header = try receive(framing.headerByteCount) else { return nil }
        let length = header.suffix(8).reduce(0) { $0 << 8 | Int($1) }
        return try receive(length)
    }

    /// Ends the connection in order, or by a reset.
    func close(resetting: Bool = false) {
        guard descriptor >= 0 else { return }
        if resetting {
            var linger = linger(l_onoff: 1, l_linger: 0)
            let size = socklen_t(MemoryLayout<linger>.size)
            unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, size)
        }
        Glibc.close(descriptor)
        descriptor = -1
    }

    /// Ends the sending direction only.
    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }
}

/// A directory of its own for each test, removed in the end.
@safe final class TemporaryDirectory: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/tern-XXXXXX".utf8CString)
        _ = unsafe mkdtemp(&template)
        path = String(decoding: template.dropLast().map(UInt8.init), as: UTF8.self)
    }

    deinit {
        for name in names { unsafe unlink("\(path)/\(name)") }
        unsafe rmdir(path)
    }

    /// What is in it.
    var names: [String] {
        guard let directory = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { pointer in
                    unsafe String(cString: pointer)
                }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}

/// How many descriptors this process has open.
func openDescriptorCount() -> Int {
    guard let directory = unsafe opendir("/proc/self/fd") else { return -1 }
    defer { unsafe closedir(directory) }
    var count = 0
    while unsafe readdir(directory) != nil { count += 1 }
    return count
}

/// How many sockets this process has open.
///
/// Unlike other descriptors, such as those that libraries open once and keep, they come and go with
/// the tests.
func openSocketCount() -> Int {
    (0..<Int32(4096)).count { descriptor in
        var status = stat()
        return unsafe fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
    }
}
