// Where libnng accepts connections. Several accepts can be outstanding; `life` guards them as it guards
// a stream's reads (StreamLife.swift), and the same rules of memory hold as for NNGByteStream.
//
// Several, because a connection costs several hand-offs between libnng's threads: with one accept at
// a time those that wait in the system are worked off one hand-off after the other, and a good client
// behind a hundred dead ones waits for tens of milliseconds.

internal import CNNG
package import TernTransport

/// A listening socket of libnng: UNIX, abstract or TCP.
@safe package final class NNGByteStreamListener: ByteStreamListener, @unchecked Sendable {
    @unsafe private let listener: OpaquePointer
    private var accepts: [Accept] = []
    private let life = AtomicStreamLife()
    private let framing: SPFraming

    /// Written before the first accept and when the listener has ended.
    private var handler: (any ByteStreamListenerHandler)?

    package private(set) var endpoint: Endpoint

    /// How many accepts are outstanding; more were not faster on two cores.
    package static let acceptLimit = 4

    package var acceptLimit: Int { Self.acceptLimit }

    /// Binds and listens; connections wait in the system until the first ``accept()``.
    ///
    /// - Parameters:
    ///   - endpoint: Where; a path must be free.
    ///   - permissions: The mode of a UNIX socket's path, set before the first peer can connect.
    ///   - handler: Told of each accept's outcome; held until it has been told of the end.
    /// - Throws: Why the address can't be listened at.
    package init(
        endpoint: Endpoint,
        permissions: Int32 = 0o600,
        handler: any ByteStreamListenerHandler
    ) throws(ByteStreamError) {
        var allocated: OpaquePointer?
        try check(unsafe nng_stream_listener_alloc(&allocated, endpoint.nngURL))
        guard let allocated = unsafe allocated else { throw .outOfMemory }
        unsafe listener = unsafe allocated
        self.endpoint = endpoint
        framing = endpoint.framing
        // From here `deinit` frees what there is.
        for index in 0..<Self.acceptLimit {
            accepts.append(try Accept(of: self, at: index))
        }
        switch endpoint {
        case .tcp:
            try check(unsafe nng_stream_listener_set_bool(listener, NNG_OPT_TCP_NODELAY, true))
            try check(unsafe nng_stream_listener_set_bool(listener, NNG_OPT_TCP_KEEPALIVE, true))
        case .ipc:
            try check(
                unsafe nng_stream_listener_set_int(listener, NNG_OPT_IPC_PERMISSIONS, permissions)
            )
        case .abstract, .inProcess:
            break
        }
        try check(unsafe nng_stream_listener_listen(listener))
        if case .tcp(let host, _) = endpoint {
            var port: Int32 = 0
            try check(
                unsafe nng_stream_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port)
            )
            self.endpoint = .tcp(host: host, port: UInt16(truncatingIfNeeded: port))
        }
        self.handler = handler
        _ = unsafe Unmanaged.passRetained(self)
    }

    deinit {
        // Otherwise `perform` has done it.
        guard life.isOpen else { return }
        unsafe nng_stream_listener_close(listener)
        unsafe nng_stream_listener_free(listener)
    }

    package func accept() -> Bool {
        guard let free = life.update({ $0.beginAny(of: Self.acceptLimit) }) else { return false }
        unsafe accepts[free.index].submit(to: listener)
        perform(life.update { $0.submitted() })
        return true
    }

    package func close() { perform(life.update { $0.close() }) }

    fileprivate func acceptHasCompleted(
        _ accepting: NNGAsyncOperation,
        slot: StreamLife.Operation
    ) {
        let outcome: Result<any ByteStream, ByteStreamError>
        switch accepting.outcome(isClosedHere: !life.isOpen) {
        case .failure(let error):
            outcome = .failure(error)
        case .success:
            outcome = adoptStream(of: accepting, framing: framing)
        }
        let handler = handler
        life.update { $0.complete(slot) }
        handler?.acceptCompleted(outcome, by: self)
        perform(life.update { $0.leave() })
    }

    private func perform(_ action: StreamLife.Action) {
        switch action {
        case .none:
            return
        case .close:
            unsafe nng_stream_listener_close(listener)
            perform(life.update { $0.leave() })
        case .free:
            // The address is free for another before anybody is told.
            unsafe nng_stream_listener_free(listener)
            let handler = handler.take()
            handler?.listenerEnded(self)
            // SAFETY: balances `init`; nothing is outstanding.
            unsafe Unmanaged.passUnretained(self).release()
        }
    }
}

/// One accept that can be outstanding.
@safe private final class Accept {
    /// Holds this.
    unowned let listener: NNGByteStreamListener
    let index: Int
    private var operation: NNGAsyncOperation?

    init(of listener: NNGByteStreamListener, at index: Int) throws(ByteStreamError) {
        self.listener = listener
        self.index = index
        operation = try unsafe NNGAsyncOperation(owner: self) { context in
            // SAFETY: the context is this accept, which its listener holds, which lives until no accept
            // is outstanding.
            unsafe Unmanaged<Accept>.fromOpaque(context!).takeUnretainedValue().hasCompleted()
        }
    }

    deinit { operation?.reap() }

    /// Submits it; it must not be outstanding.
    func submit(to listener: OpaquePointer) {
        guard let operation else { return }
        unsafe nng_stream_listener_accept(listener, operation.aio)
    }

    private func hasCompleted() {
        guard let operation else { return }
        listener.acceptHasCompleted(operation, slot: StreamLife.Operation(index: index))
    }
}

/// Takes the connection out of a completed accept or dial.
func adoptStream(
    of operation: NNGAsyncOperation,
    framing: SPFraming
) -> Result<any ByteStream, ByteStreamError> {
    // SAFETY: output 0 of a successful accept or dial is a stream that is ours now.
    guard let raw = unsafe nng_aio_get_output(operation.aio, 0) else {
        return .failure(.outOfMemory)
    }
    do throws(ByteStreamError) {
        return .success(try unsafe NNGByteStream(adopting: OpaquePointer(raw), framing: framing))
    } catch {
        return .failure(error)
    }
}

extension Endpoint {
    /// The URL as libnng reads it: it decodes percent signs in abstract names.
    var nngURL: String {
        guard case .abstract(let name) = self else { return url }
        return "abstract://"
            + name.split(separator: "%", omittingEmptySubsequences: false)
            .joined(separator: "%25")
    }

    /// How messages are delimited there.
    var framing: SPFraming {
        if case .tcp = self { .tcp } else { .ipc }
    }
}
