// A connection of libnng.
//
// Threads: `read`, `write` and `close` come from any thread; the completions from libnng's task
// threads, at most one for reads and one for writes at a time. `life` decides who may call into
// libnng, and who frees what (StreamLife.swift). The rule that matters with libnng 1.5.2: an operation
// that is submitted after `nng_stream_close` is queued and never completes, so none may be.
//
// Memory: from `start` until `streamEnded` the stream holds itself and its handler. The two aio
// objects point to the stream without holding it; they are handed to libnng's reaper in the very
// transition that lets go of the stream, when neither is in use.

internal import CNNG
package import TernTransport

/// A connected byte stream of libnng: a UNIX socket or TCP.
@safe package final class NNGByteStream: ByteStream, @unchecked Sendable {
    @unsafe private let stream: OpaquePointer
    private var reading: NNGAsyncOperation?
    private var writing: NNGAsyncOperation?
    private let life = AtomicStreamLife()

    /// Written by `start` before anything is submitted and when the stream has ended.
    private var handler: (any ByteStreamHandler)?

    package let framing: SPFraming
    package let peerDescription: String

    /// Takes over a stream of libnng; frees it if that fails.
    ///
    /// - Throws: ``ByteStreamError/outOfMemory``.
    @unsafe init(adopting stream: OpaquePointer, framing: SPFraming) throws(ByteStreamError) {
        unsafe self.stream = unsafe stream
        self.framing = framing
        peerDescription = unsafe describePeer(of: stream, framing: framing)
        // From here `deinit` frees what there is.
        reading = try unsafe NNGAsyncOperation(owner: self) { context in
            // SAFETY: the context is this stream, which lives until no operation is outstanding.
            unsafe Unmanaged<NNGByteStream>.fromOpaque(context!).takeUnretainedValue()
                .readHasCompleted()
        }
        writing = try unsafe NNGAsyncOperation(owner: self) { context in
            // SAFETY: as above.
            unsafe Unmanaged<NNGByteStream>.fromOpaque(context!).takeUnretainedValue()
                .writeHasCompleted()
        }
    }

    deinit {
        reading?.reap()
        writing?.reap()
        if life.isOpen { unsafe nng_stream_close(stream) }
        unsafe nng_stream_free(stream)
    }

    package func start(_ handler: any ByteStreamHandler) {
        precondition(self.handler == nil, "a stream was started twice")
        self.handler = handler
        _ = unsafe Unmanaged.passRetained(self)
    }

    package func read(into regions: ByteRegions) -> Bool {
        unsafe precondition(regions.count > 0, "a read needs memory")
        guard life.update({ $0.begin(.read) }), let reading else { return false }
        unsafe reading.setRegions(regions)
        unsafe nng_stream_recv(stream, reading.aio)
        perform(life.update { $0.submitted() })
        return true
    }

    package func write(_ regions: ByteRegions) -> Bool {
        unsafe precondition(regions.count > 0, "a write needs memory")
        guard life.update({ $0.begin(.write) }), let writing else { return false }
        unsafe writing.setRegions(regions)
        unsafe nng_stream_send(stream, writing.aio)
        perform(life.update { $0.submitted() })
        return true
    }

    package func close() {
        precondition(handler != nil || !life.isOpen, "a stream was closed before it was started")
        perform(life.update { $0.close() })
    }

    private func readHasCompleted() {
        guard let reading else { return }
        let outcome = reading.outcome(isClosedHere: !life.isOpen)
        let handler = handler
        life.update { $0.complete(.read) }
        handler?.readCompleted(outcome)
        perform(life.update { $0.leave() })
    }

    private func writeHasCompleted() {
        guard let writing else { return }
        let outcome = writing.outcome(isClosedHere: !life.isOpen)
        let handler = handler
        life.update { $0.complete(.write) }
        handler?.writeCompleted(outcome)
        perform(life.update { $0.leave() })
    }

    private func perform(_ action: StreamLife.Action) {
        switch action {
        case .none:
            return
        case .close:
            unsafe nng_stream_close(stream)
            perform(life.update { $0.leave() })
        case .free:
            let handler = handler.take()
            handler?.streamEnded()
            // SAFETY: balances `start`; nothing is outstanding, so nobody else counts on it. The
            // rest is freed by `deinit`, as soon as the last caller has let go.
            unsafe Unmanaged.passUnretained(self).release()
        }
    }
}

/// Says who is at the other end: process and user of a UNIX socket, address of a TCP connection.
private func describePeer(of stream: OpaquePointer, framing: SPFraming) -> String {
    switch framing {
    case .ipc:
        var process: UInt64 = 0
        var user: UInt64 = 0
        guard unsafe nng_stream_get_uint64(stream, NNG_OPT_IPC_PEER_PID, &process) == 0,
            unsafe nng_stream_get_uint64(stream, NNG_OPT_IPC_PEER_UID, &user) == 0
        else { return "a local process" }
        return "process \(process) of user \(user)"
    case .tcp:
        var address = nng_sockaddr()
        guard unsafe nng_stream_get_addr(stream, NNG_OPT_REMADDR, &address) == 0 else {
            return "a TCP peer"
        }
        return describe(address)
    }
}

/// Writes an IP address and port the way URLs do.
private func describe(_ address: nng_sockaddr) -> String {
    switch unsafe UInt32(address.s_family) {
    case NNG_AF_INET.rawValue:
        let ip = unsafe UInt32(bigEndian: address.s_in.sa_addr)
        let port = unsafe UInt16(bigEndian: address.s_in.sa_port)
        return "\(ip >> 24).\(ip >> 16 & 0xFF).\(ip >> 8 & 0xFF).\(ip & 0xFF):\(port)"
    case NNG_AF_INET6.rawValue:
        var bytes = unsafe address.s_in6.sa_addr
        let port = unsafe UInt16(bigEndian: address.s_in6.sa_port)
        let groups = unsafe withUnsafeBytes(of: &bytes) { raw in
            stride(from: 0, to: 16, by: 2).map { index in
                unsafe String(UInt16(raw[index]) << 8 | UInt16(raw[index + 1]), radix: 16)
            }
        }
        return "[\(groups.joined(separator: ":"))]:\(port)"
    default:
        return "an unknown address"
    }
}
