// Where libnng makes connections. One dial is outstanding at a time; guarded and freed as
// NNGByteStreamListener is.

internal import CNNG
package import TernTransport

/// Connects to a UNIX, abstract or TCP address through libnng, any number of times.
@safe package final class NNGByteStreamDialer: ByteStreamDialer, @unchecked Sendable {
    @unsafe private let dialer: OpaquePointer
    private var dialling: NNGAsyncOperation?
    private let life = AtomicStreamLife()

    /// Written before the first dial and when the dialer has ended.
    private var handler: (any ByteStreamDialerHandler)?

    package let endpoint: Endpoint

    /// Prepares to connect to `endpoint`; nothing is sent yet.
    ///
    /// - Parameters:
    ///   - endpoint: Where to.
    ///   - handler: Told of each dial's outcome; held until it has been told of the end.
    /// - Throws: Why the address can't be dialled at all.
    package init(
        endpoint: Endpoint,
        handler: any ByteStreamDialerHandler
    ) throws(ByteStreamError) {
        var allocated: OpaquePointer?
        try check(unsafe nng_stream_dialer_alloc(&allocated, endpoint.nngURL))
        guard let allocated = unsafe allocated else { throw .outOfMemory }
        unsafe dialer = unsafe allocated
        self.endpoint = endpoint
        // From here `deinit` frees what there is.
        dialling = try unsafe NNGAsyncOperation(owner: self) { context in
            // SAFETY: the context is this dialer, which lives until no dial is outstanding.
            unsafe Unmanaged<NNGByteStreamDialer>.fromOpaque(context!).takeUnretainedValue()
                .dialHasCompleted()
        }
        if case .tcp = endpoint {
            try check(unsafe nng_stream_dialer_set_bool(dialer, NNG_OPT_TCP_NODELAY, true))
            try check(unsafe nng_stream_dialer_set_bool(dialer, NNG_OPT_TCP_KEEPALIVE, true))
        }
        self.handler = handler
        _ = unsafe Unmanaged.passRetained(self)
    }

    deinit {
        dialling?.reap()
        if life.isOpen { unsafe nng_stream_dialer_close(dialer) }
        unsafe nng_stream_dialer_free(dialer)
    }

    package func dial() -> Bool {
        guard life.update({ $0.begin(.read) }), let dialling else { return false }
        unsafe nng_stream_dialer_dial(dialer, dialling.aio)
        perform(life.update { $0.submitted() })
        return true
    }

    package func close() { perform(life.update { $0.close() }) }

    private func dialHasCompleted() {
        guard let dialling else { return }
        let outcome: Result<any ByteStream, ByteStreamError>
        switch dialling.outcome(isClosedHere: !life.isOpen) {
        case .failure(let error):
            outcome = .failure(error)
        case .success:
            outcome = adoptStream(of: dialling, framing: endpoint.framing)
        }
        let handler = handler
        life.update { $0.complete(.read) }
        handler?.dialCompleted(outcome)
        perform(life.update { $0.leave() })
    }

    private func perform(_ action: StreamLife.Action) {
        switch action {
        case .none:
            return
        case .close:
            unsafe nng_stream_dialer_close(dialer)
            perform(life.update { $0.leave() })
        case .free:
            let handler = handler.take()
            handler?.dialerEnded()
            // SAFETY: balances `init`; nothing is outstanding.
            unsafe Unmanaged.passUnretained(self).release()
        }
    }
}
