package import TernTransport

/// A byte stream whose other end is the test: nothing happens unless the test makes it happen, on
/// the test's thread.
@safe package final class ScriptedStream: ByteStream, @unchecked Sendable {
    package let framing: SPFraming
    package let peerDescription = "a test"

    private var handler: (any ByteStreamHandler)?
    private var life = StreamLife()
    private var reading: ByteRegions?
    private var writing: ByteRegions?
    private var written: [UInt8] = []

    /// How many writes were submitted.
    package private(set) var writeCount = 0

    /// Whether the owner was told of the end.
    package private(set) var hasEnded = false

    package init(framing: SPFraming) { self.framing = framing }

    package func start(_ handler: any ByteStreamHandler) { self.handler = handler }

    package func read(into regions: ByteRegions) -> Bool {
        guard life.begin(.read) else { return false }
        unsafe reading = unsafe regions
        perform(life.submitted())
        return true
    }

    package func write(_ regions: ByteRegions) -> Bool {
        guard life.begin(.write) else { return false }
        unsafe writing = unsafe regions
        writeCount += 1
        perform(life.submitted())
        return true
    }

    package func close() { perform(life.close()) }

    /// Whether the owner can still submit.
    package var isOpen: Bool { life.isOpen }

    private func perform(_ action: StreamLife.Action) {
        switch action {
        case .none:
            return
        case .close:
            perform(life.leave())
            // What is outstanding completes with an error, as a driver would do it.
            if unsafe reading != nil { completeRead(.failure(.closed)) }
            if unsafe writing != nil { completeWrite(.failure(.closed)) }
        case .free:
            hasEnded = true
            let handler = handler.take()
            handler?.streamEnded()
        }
    }

    private func completeRead(_ outcome: Result<Int, ByteStreamError>) {
        unsafe reading = nil
        life.complete(.read)
        handler?.readCompleted(outcome)
        perform(life.leave())
    }

    private func completeWrite(_ outcome: Result<Int, ByteStreamError>) {
        unsafe writing = nil
        life.complete(.write)
        handler?.writeCompleted(outcome)
        perform(life.leave())
    }

    /// Lets bytes arrive, in as many reads as the owner needs for them.
    ///
    /// - Parameter bytes: What the peer sends.
    /// - Returns: How many were read before the owner closed.
    @discardableResult
    package func arrive(_ bytes: [UInt8]) -> Int {
        var offset = 0
        while offset < bytes.count {
            guard let regions = unsafe reading else { return offset }
            var count = 0
            for index in unsafe 0..<regions.count {
                let region = unsafe regions[index]
                let part = unsafe Swift.min(region.byteCount, bytes.count - offset - count)
                unsafe bytes.withUnsafeBytes { source in
                    // SAFETY: the region is the owner's, and `part` fits it.
                    unsafe region.address.copyMemory(
                        from: source.baseAddress! + offset + count,
                        byteCount: part
                    )
                }
                count += part
            }
            offset += count
            completeRead(.success(count))
        }
        return offset
    }

    /// Lets the peer end the connection.
    package func disconnect(_ error: ByteStreamError = .disconnected) {
        if unsafe reading != nil { completeRead(.failure(error)) }
    }

    /// Takes up to `limit` bytes of the outstanding write, if there is one.
    ///
    /// - Parameter limit: The most bytes to take.
    /// - Returns: Whether there was a write.
    @discardableResult
    package func takeWrite(upToByteCount limit: Int = .max) -> Bool {
        guard let regions = unsafe writing else { return false }
        var count = 0
        for index in unsafe 0..<regions.count where count < limit {
            let region = unsafe regions[index]
            let part = unsafe Swift.min(region.byteCount, limit - count)
            // SAFETY: the region stays in place until its write completes.
            unsafe written.append(
                contentsOf: UnsafeRawBufferPointer(start: region.address, count: part)
            )
            count += part
        }
        completeWrite(.success(count))
        return true
    }

    /// Takes all that the owner writes until it writes no more; what was written since the last
    /// call.
    package func takeAll() -> [UInt8] {
        while takeWrite() {}
        defer { written = [] }
        return written
    }
}
