internal import TernTransport

/// The calls that one vectored write takes, and how far it has got.
///
/// Belongs to whoever holds the right to write. The requests stay in place, in memory of their
/// own, until the whole batch has been handed to the system.
internal struct NNGChannelBatch: ~Copyable {
    private var calls = InlineArray<8, NNGChannelCall?>(repeating: nil)
    /// The bytes of header and request id that precede each frame.
    private var prefixByteCounts = InlineArray<8, Int>(repeating: 0)
    private var bytesWritten = 0

    /// How many calls there are.
    private(set) var count = 0

    /// Whether there is no room for another call.
    var isFull: Bool { unsafe count == ByteRegions.maximumCount }

    /// Adds a call.
    mutating func append(_ call: NNGChannelCall) {
        calls[count] = call
        count += 1
    }

    /// Writes what precedes each frame into its headroom, and lets requests that had to wait be
    /// brought up to date.
    mutating func writePrefixes(framing: SPFraming, settings: NNGChannel.Settings) {
        let now = MonotonicClock.nanoseconds
        for index in 0..<count {
            guard let call = calls[index], var request = call.request.take() else { continue }
            let waited = now - call.waitsSinceNanoseconds
            if waited > NNGChannel.lateAfterNanoseconds {
                settings.adjustLateRequest(&request, waited)
                call.waitsSinceNanoseconds = now
            }
            let address = ReplyAddress(requestID: call.requestID)
            prefixByteCounts[index] = request.writePrefix(framing: framing, address: address)
            call.request = consume request
        }
    }

    /// What is still to be written.
    func rest() -> ByteRegions {
        var regions = unsafe ByteRegions()
        var written = bytesWritten
        for index in 0..<count {
            guard let call = calls[index] else { continue }
            let byteCount = byteCount(at: index)
            if written < byteCount {
                // SAFETY: the prefix was written to the headroom right before the frame, and the
                // call keeps the memory until the batch is done.
                unsafe regions.append(
                    ByteRegion(
                        address: call.requestAddress - prefixByteCounts[index] + written,
                        byteCount: byteCount - written
                    )
                )
            }
            written = Swift.max(0, written - byteCount)
        }
        return unsafe regions
    }

    /// Notes that bytes were handed to the system; whether that was all.
    mutating func advance(by byteCount: Int) -> Bool {
        bytesWritten += byteCount
        return bytesWritten >= (0..<count).reduce(0) { $0 + self.byteCount(at: $1) }
    }

    /// Empties the batch, telling of each call, in order, whether a byte of it was written.
    mutating func removeAll(_ body: (NNGChannelCall, _ wasBegun: Bool) -> Void) {
        var begin = 0
        for index in 0..<count {
            let end = begin + byteCount(at: index)
            if let call = calls[index].take() { body(call, bytesWritten > begin) }
            begin = end
        }
        count = 0
        bytesWritten = 0
    }

    private func byteCount(at index: Int) -> Int {
        prefixByteCounts[index] + (calls[index]?.requestByteCount ?? 0)
    }
}
