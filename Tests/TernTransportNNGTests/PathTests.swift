import Glibc
import TernTransport
import TernTransportNNG
import Testing
import TransportTestSupport

@Suite struct PathTests {
    private let directory = TemporaryDirectory()
    private var path: String { "\(directory.path)/s" }

    private func listen() throws(TransportError) -> NNGListener {
        try NNGListener(
            endpoints: [.ipc(path: path)],
            receiver: EchoReceiver(),
            buffers: BufferPool(limitByteCount: 1 << 20)
        )
    }

    /// Asks the server at the path with a new connection.
    private func isServed() throws -> Bool {
        let peer = try RawPeer(to: .ipc(path: path))
        try peer.handshake()
        try peer.send(peer.request([0x8000_0001], [5]))
        return try peer.receiveMessage() == [0x80, 0, 0, 1, 5]
    }

    /// Why nobody could listen at the path.
    private func refusal() -> String? {
        do throws(TransportError) {
            try listen().shutdown()
            return nil
        } catch {
            guard case .unavailable(_, let reason) = error else { return "\(error)" }
            return reason
        }
    }

    @Test func `only the owner may connect`() throws {
        let listener = try listen()
        defer { listener.shutdown() }
        var status = stat()
        #expect(unsafe lstat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
    }

    @Test func `a second server is refused and the first isn't touched`() throws {
        let listener = try listen()
        defer { listener.shutdown() }
        for _ in 0..<5 {
            #expect(refusal() == "another server, process \(getpid()), listens there")
        }
        #expect(try isServed())
        #expect(listener.counts.openedConnectionCount == 1)
    }

    @Test func `a path is free again after its server, and nothing is left`() throws {
        for _ in 0..<20 {
            let listener = try listen()
            #expect(directory.names == ["s", "s.lock"])
            #expect(try isServed())
            listener.shutdown()
            #expect(directory.names == [])
        }
    }

    @Test func `a successor is not disturbed by what its predecessor still frees`() throws {
        let first = try listen()
        first.stopAccepting()
        var second: NNGListener?
        #expect(
            eventually {
                second = try? listen()
                return second != nil
            }
        )
        first.shutdown()
        pause(milliseconds: 50)
        #expect(try isServed())
        second?.shutdown()
    }

    @Test func `a socket that a dead server left is replaced`() throws {
        try leaveSocket(closing: true)
        let listener = try listen()
        #expect(try isServed())
        listener.shutdown()
    }

    @Test func `a lock file that a dead server left is no obstacle`() throws {
        let descriptor = unsafe open(path + ".lock", O_CREAT | O_RDWR, 0o600)
        Glibc.close(descriptor)
        let listener = try listen()
        #expect(try isServed())
        listener.shutdown()
    }

    @Test func `a live socket without a lock file is refused`() throws {
        let foreign = try leaveSocket(closing: false)
        defer { Glibc.close(foreign) }
        #expect(refusal() == "a program that does not use the lock file listens there")
        #expect(directory.names == ["s"])
    }

    @Test func `a file that is no socket is refused and stays`() throws {
        let descriptor = unsafe open(path, O_CREAT | O_RDWR, 0o600)
        Glibc.close(descriptor)
        #expect(refusal() == "there is a file at the path that is no socket")
        #expect(directory.names == ["s"])
    }

    @Test func `a directory that doesn't exist is named`() throws {
        #expect {
            try NNGListener(
                endpoints: [.ipc(path: "\(directory.path)/none/s")],
                receiver: EchoReceiver(),
                buffers: BufferPool(limitByteCount: 1 << 20)
            )
        } throws: { error in
            "\(error)".contains("\(directory.path)/none/s.lock: No such file")
        }
    }

    @Test func `if one endpoint can't be had, none is listened at`() throws {
        let listener = try listen()
        defer { listener.shutdown() }
        let other = Endpoint.ipc(path: "\(directory.path)/t")
        #expect(throws: TransportError.self) {
            try NNGListener(
                endpoints: [other, .ipc(path: path)],
                receiver: EchoReceiver(),
                buffers: BufferPool(limitByteCount: 1 << 20)
            )
        }
        #expect(eventually { directory.names == ["s", "s.lock"] })
    }

    @Test func `several endpoints are served by one listener`() throws {
        let listener = try NNGListener(
            endpoints: [
                .ipc(path: path), .tcp(host: "127.0.0.1", port: 0),
                .abstract(name: "tern 100%25 \(directory.path)"), .tcp(host: "", port: 0),
            ],
            receiver: EchoReceiver(),
            buffers: BufferPool(limitByteCount: 1 << 20)
        )
        defer { listener.shutdown() }
        for endpoint in listener.endpoints {
            let peer = try RawPeer(to: endpoint)
            try peer.handshake()
            try peer.send(peer.request([0x8000_0001], [5]))
            #expect(try peer.receiveMessage() == [0x80, 0, 0, 1, 5])
        }
    }

    /// Binds the path with a socket of no library.
    @discardableResult
    private func leaveSocket(closing: Bool) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path)!
        unsafe withUnsafeMutableBytes(of: &address) { bytes in
            unsafe bytes[offset...].copyBytes(from: Array(path.utf8))
        }
        let status = unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe bind(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(status == 0 && Glibc.listen(descriptor, 1) == 0)
        if closing { Glibc.close(descriptor) }
        return descriptor
    }
}
