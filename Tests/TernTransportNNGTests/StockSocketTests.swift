import CNNGRequestReply
import TernTransport
import TernTransportNNG
import Testing
import TransportTestSupport

/// libnng's own request socket.
@safe private final class StockRequester: @unchecked Sendable {
    private var socket = nng_socket()

    init(to url: String) throws {
        try check(unsafe nng_req0_open(&socket))
        try check(unsafe nng_socket_set_ms(socket, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE))
        try check(unsafe nng_socket_set_ms(socket, NNG_OPT_RECVTIMEO, 10_000))
        try check(unsafe nng_socket_set_ms(socket, NNG_OPT_SENDTIMEO, 10_000))
        try check(unsafe nng_dial(socket, url, nil, 0))
    }

    deinit { nng_close(socket) }

    private func check(_ status: Int32) throws {
        guard status == 0 else {
            throw RawPeer.Failure(description: unsafe String(cString: nng_strerror(status)))
        }
    }

    func call(_ request: [UInt8]) throws -> [UInt8] {
        var bytes = request
        let count = bytes.count
        try check(unsafe nng_send(socket, &bytes, count, 0))
        var memory: UnsafeMutableRawPointer?
        var byteCount = 0
        try check(
            unsafe withUnsafeMutablePointer(to: &memory) { pointer in
                unsafe nng_recv(socket, pointer, &byteCount, Int32(NNG_FLAG_ALLOC))
            }
        )
        defer { unsafe nng_free(memory, byteCount) }
        return unsafe Array(UnsafeRawBufferPointer(start: memory, count: byteCount))
    }
}

@Suite(.serialized) struct StockSocketTests {
    @Test(arguments: World.sockets)
    func `libnng's request socket is answered`(_ world: World) throws {
        let fixture = try Fixture(world, receiver: EchoReceiver())
        let requester = try StockRequester(to: fixture.endpoint.url)
        for size in [0, 1, 100, 65_536, 1_000_000] {
            let request = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 13) }
            #expect(try requester.call(request) == request)
        }
    }

    @Test(arguments: World.sockets)
    func `libnng's request socket outlives strangers who come and go`(_ world: World) throws {
        let fixture = try Fixture(world, receiver: EchoReceiver())
        for _ in 0..<3 { try fixture.rawPeer().close() }
        let requester = try StockRequester(to: fixture.endpoint.url)
        #expect(try requester.call([1, 2, 3]) == [1, 2, 3])
    }

    @Test(arguments: World.sockets)
    func `libnng's request socket finds a server that has come back`(_ world: World) throws {
        // A path or name can be had again; a port is asked for again by its number.
        let first = try Fixture(world, receiver: EchoReceiver())
        let requester = try StockRequester(to: first.endpoint.url)
        #expect(try requester.call([1]) == [1])
        first.listener.shutdown()
        let second = try NNGListener(
            endpoints: [first.endpoint],
            receiver: EchoReceiver(),
            buffers: first.buffers
        )
        defer { second.shutdown() }
        let isBack = eventually { (try? requester.call([2])) == [2] }
        #expect(isBack)
    }
}
