/// Where the server's time for one `ModelInfer` went, in nanoseconds.
///
/// The phases follow one another without gaps, so they sum to the total.
package struct PhaseTimes: Equatable, Sendable {
    /// The bytes of a `phase_times` field: the five phases in order, then the total.
    package static let byteCount = 48

    /// From the arrival of the request's last byte until it was understood and checked.
    package let receiveNanoseconds: UInt64
    /// Until work on it could begin.
    package let queueNanoseconds: UInt64
    /// Spent waiting for others to form a batch with.
    package let batchWaitNanoseconds: UInt64
    /// Running the model.
    package let computeNanoseconds: UInt64
    /// Writing the reply.
    package let encodeNanoseconds: UInt64
    /// The sum of the phases.
    package let totalNanoseconds: UInt64

    /// Makes phase times and sums them up.
    ///
    /// - Precondition: The sum fits 64 bits.
    package init(
        receiveNanoseconds: UInt64,
        queueNanoseconds: UInt64,
        batchWaitNanoseconds: UInt64,
        computeNanoseconds: UInt64,
        encodeNanoseconds: UInt64
    ) {
        self.receiveNanoseconds = receiveNanoseconds
        self.queueNanoseconds = queueNanoseconds
        self.batchWaitNanoseconds = batchWaitNanoseconds
        self.computeNanoseconds = computeNanoseconds
        self.encodeNanoseconds = encodeNanoseconds
        totalNanoseconds =
            receiveNanoseconds + queueNanoseconds + batchWaitNanoseconds + computeNanoseconds
            + encodeNanoseconds
    }

    /// Reads the value of a `phase_times` field and checks the sum.
    package init(decoding field: Field, with fields: borrowing FieldReader) throws(WireError) {
        try fields.requireByteCount(Self.byteCount, of: field)
        let start = field.value.offset
        var sum: UInt64 = 0
        var overflows = false
        for index in 0..<5 {
            let phase: UInt64 = fields.frame.littleEndian(at: start + 8 * index)
            let (next, overflow) = sum.addingReportingOverflow(phase)
            sum = next
            overflows = overflows || overflow
        }
        let total: UInt64 = fields.frame.littleEndian(at: start + 40)
        guard !overflows && sum == total else {
            throw WireError(
                .phaseSumMismatch,
                at: start + 40,
                field: field.tag,
                expected: sum,
                found: total
            )
        }
        self.init(
            receiveNanoseconds: fields.frame.littleEndian(at: start),
            queueNanoseconds: fields.frame.littleEndian(at: start + 8),
            batchWaitNanoseconds: fields.frame.littleEndian(at: start + 16),
            computeNanoseconds: fields.frame.littleEndian(at: start + 24),
            encodeNanoseconds: fields.frame.littleEndian(at: start + 32)
        )
    }

    /// Writes the value of a `phase_times` field.
    func write(at offset: Int, into bytes: inout MutableRawSpan) {
        bytes.storeLittleEndian(receiveNanoseconds, at: offset)
        bytes.storeLittleEndian(queueNanoseconds, at: offset + 8)
        bytes.storeLittleEndian(batchWaitNanoseconds, at: offset + 16)
        bytes.storeLittleEndian(computeNanoseconds, at: offset + 24)
        bytes.storeLittleEndian(encodeNanoseconds, at: offset + 32)
        bytes.storeLittleEndian(totalNanoseconds, at: offset + 40)
    }
}
