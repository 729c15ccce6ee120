/// Counts the bytes of a frame before memory for it is taken.
///
/// Told of each part, in any order; plain numbers, nothing is allocated. Sizes are the caller's own,
/// so one that overflows is a defect and traps.
package struct FrameMeasure: Equatable, Sendable {
    /// The bytes of all fields.
    package private(set) var fieldsByteCount = 0
    /// The bytes from the first payload's first byte to the last payload's last.
    private var payloadsByteCount = 0

    package init() {}

    /// Counts a field whose value has `byteCount` bytes.
    package mutating func addField(byteCount: Int) {
        fieldsByteCount += Field.headerByteCount + byteCount
    }

    /// Counts a tensor: its field and its payload.
    package mutating func addTensor(nameByteCount: Int, rank: Int, payloadByteCount: Int) {
        addField(byteCount: TensorRecord.byteCount(rank: rank, nameByteCount: nameByteCount))
        guard payloadByteCount > 0 else { return }
        let mask = PayloadCursor.alignment - 1
        payloadsByteCount = (payloadsByteCount + mask) & ~mask + payloadByteCount
    }

    /// The bytes of the whole frame.
    package var byteCount: Int {
        let fieldsEnd = FrameHeader.byteCount + fieldsByteCount
        guard payloadsByteCount > 0 else { return fieldsEnd }
        return PayloadCursor.aligned(fieldsEnd) + payloadsByteCount
    }
}
