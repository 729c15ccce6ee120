/// Where the payloads of a frame stand: behind the fields, in the order of the `tensor` fields.
///
/// Each payload that has bytes starts at the next frame offset that leaves the remainder 60 when
/// divided by 64, behind zero bytes: in a frame that was received 4 bytes past a cache line, as behind
/// the request id of the scalability protocol, every payload starts on a cache line. A payload
/// without bytes takes no room. The frame ends with its last payload.
package struct PayloadCursor: Equatable, Sendable {
    /// The distance of payload starts from one another, and their place in it.
    package static let alignment = 64
    package static let phase = 60

    /// Where the last payload ends, or the fields if there was none yet.
    package private(set) var end: Int

    /// Starts behind the fields.
    package init(fieldsEnd: Int) { end = fieldsEnd }

    /// The first offset at or behind `offset` where a payload may start.
    package static func aligned(_ offset: Int) -> Int {
        offset + (phase - offset) & (alignment - 1)
    }

    /// Steps over the next payload.
    ///
    /// - Returns: Where it stands. An empty one stands where the cursor is.
    package mutating func advance(byteCount: Int) -> ByteRange {
        guard byteCount > 0 else { return ByteRange(offset: end, byteCount: 0) }
        let start = Self.aligned(end)
        end = start + byteCount
        return ByteRange(offset: start, byteCount: byteCount)
    }
}
