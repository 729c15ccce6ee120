internal import CNNGRequestReply
internal import Foundation
import TernClient
internal import TernTransport
internal import TernTransportNNG
import Testing

/// libnng's own reply socket, which returns each message as it came.
@safe private final class StockReplier: @unchecked Sendable {
    struct Failure: Error { let status: Int32 }

    private let socket: nng_socket

    init(at url: String) throws {
        var socket = nng_socket()
        try Self.check(unsafe nng_rep0_open(&socket))
        try Self.check(unsafe nng_listen(socket, url, nil, 0))
        self.socket = socket
        let replier = socket
        // A thread of its own: it blocks in `nng_recv` until the socket is closed.
        Thread.detachNewThread {
            while true {
                var memory: UnsafeMutableRawPointer?
                var byteCount = 0
                let status = unsafe withUnsafeMutablePointer(to: &memory) { pointer in
                    unsafe nng_recv(replier, pointer, &byteCount, Int32(NNG_FLAG_ALLOC))
                }
                guard status == 0 else { return }
                // Copies; for a message without bytes there is no memory.
                var nothing: UInt8 = 0
                let sent = unsafe withUnsafeMutablePointer(to: &nothing) { pointer in
                    unsafe nng_send(
                        replier,
                        memory ?? UnsafeMutableRawPointer(pointer),
                        byteCount,
                        0
                    )
                }
                if let memory = unsafe memory { unsafe nng_free(memory, byteCount) }
                guard sent == 0 else { return }
            }
        }
    }

    deinit { nng_close(socket) }

    private static func check(_ status: Int32) throws {
        guard status == 0 else { throw Failure(status: status) }
    }
}

/// The client's side of SP as libnng understands it.
@Suite struct StockReplierTests {
    private let directory = TemporaryDirectory()

    @Test(arguments: [0, 1, 100, 65_536, 1_000_000])
    func `libnng's reply socket answers a channel`(_ byteCount: Int) async throws {
        let replier = try StockReplier(at: directory.url())
        let channel = try NNGChannel(url: directory.url())
        let frame = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 13) }
        for _ in 0..<3 {
            let answer: Result<[UInt8], TransportError> = await withCheckedContinuation { waiter in
                guard var message = channel.buffers.take(byteCount: byteCount) else { return }
                for (index, byte) in frame.enumerated() {
                    var bytes = message.mutableBytes
                    bytes.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
                }
                _ = channel.call(message) { result in
                    switch consume result {
                    case .success(let message):
                        let bytes = unsafe message.bytes.withUnsafeBytes { unsafe [UInt8]($0) }
                        waiter.resume(returning: .success(bytes))
                    case .failure(let error):
                        waiter.resume(returning: .failure(error))
                    }
                }
            }
            #expect(answer == .success(frame))
        }
        channel.close()
        withExtendedLifetime(replier) {}
    }

    @Test func `a peer that returns requests is told from a server`() async throws {
        let replier = try StockReplier(at: directory.url())
        let client = try TernClient(endpoint: directory.url())
        do throws(TernError) {
            _ = try await client.isLive()
            Issue.record("an echo was taken for a reply")
        } catch {
            #expect(error.code == .internalError)
            #expect(error.message.contains("cannot be understood"))
        }
        client.close()
        withExtendedLifetime(replier) {}
    }
}
