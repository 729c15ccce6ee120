internal import TernTransport

/// A stream whose other end is a test: nothing moves unless the test says so, on its thread.
@safe final class ScriptedStream: ByteStream, @unchecked Sendable {
    let framing: SPFraming
    let peerDescription = "a test"

    private var handler: (any ByteStreamHandler)?
    @unsafe private var reading: ByteRegions?
    private var writing: [UInt8]?

    /// Everything that was accepted so far.
    private(set) var written: [UInt8] = []
    private(set) var isClosed = false

    init(framing: SPFraming = .ipc) { self.framing = framing }

    func start(_ handler: any ByteStreamHandler) { self.handler = handler }

    func read(into regions: ByteRegions) -> Bool {
        guard !isClosed else { return false }
        unsafe precondition(reading == nil, "a second read")
        unsafe reading = unsafe regions
        return true
    }

    func write(_ regions: ByteRegions) -> Bool {
        guard !isClosed else { return false }
        precondition(writing == nil, "a second write")
        var bytes: [UInt8] = []
        for index in unsafe 0..<regions.count {
            let region = unsafe regions[index]
            unsafe bytes.append(
                contentsOf: UnsafeRawBufferPointer(start: region.address, count: region.byteCount)
            )
        }
        writing = bytes
        return true
    }

    func close() { isClosed = true }

    // MARK: The test's end

    /// Whether a write is outstanding.
    var isWriting: Bool { writing != nil }

    /// Lets bytes arrive, as many at a time as the reader takes, at most `step`.
    func deliver(_ bytes: [UInt8], step: Int = .max) {
        var rest = bytes[...]
        while !rest.isEmpty, let regions = unsafe reading {
            unsafe reading = nil
            let count = unsafe Swift.min(rest.count, step, regions.byteCount)
            var left = rest.prefix(count)
            for index in unsafe 0..<regions.count {
                let region = unsafe regions[index]
                let part = left.prefix(unsafe region.byteCount)
                for (offset, byte) in part.enumerated() {
                    unsafe region.address.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
                }
                left = left.dropFirst(part.count)
            }
            rest = rest.dropFirst(count)
            handler?.readCompleted(.success(count))
        }
    }

    /// Accepts what is being written, or its first bytes.
    func accept(_ byteCount: Int = .max) {
        guard let bytes = writing else { return }
        writing = nil
        let count = Swift.min(byteCount, bytes.count)
        written += bytes.prefix(count)
        handler?.writeCompleted(.success(count))
    }

    /// Accepts writes until there is none.
    func acceptAll() { while isWriting { accept() } }

    /// Lets the connection break, or ends one that was closed.
    func end(with error: ByteStreamError = .reset) {
        if unsafe reading != nil {
            unsafe reading = nil
            handler?.readCompleted(.failure(isClosed ? .closed : error))
        }
        if writing != nil {
            writing = nil
            handler?.writeCompleted(.failure(isClosed ? .closed : error))
        }
        close()
        handler.take()?.streamEnded()
    }
}

/// A dialer whose outcome is the test's.
final class ScriptedDialer: ByteStreamDialer {
    private struct State: ~Copyable {
        var handler: (any ByteStreamDialerHandler)?
        var isDialing = false
        var isClosed = false
    }

    let endpoint: Endpoint
    private let state: Locked<State>

    init(endpoint: Endpoint, handler: any ByteStreamDialerHandler) {
        self.endpoint = endpoint
        state = Locked(State(handler: handler))
    }

    func dial() -> Bool {
        state.withLock { state in
            guard !state.isClosed else { return false }
            state.isDialing = true
            return true
        }
    }

    func close() { state.withLock { $0.isClosed = true } }

    var isClosed: Bool { state.withLock { $0.isClosed } }
    var isDialing: Bool { state.withLock { $0.isDialing } }

    /// Ends the dial.
    func complete(_ outcome: Result<any ByteStream, ByteStreamError>) {
        let handler = state.withLock { state in
            state.isDialing = false
            return state.handler
        }
        handler?.dialCompleted(outcome)
    }
}
