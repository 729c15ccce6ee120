package import TernTensor

/// Writes a successful `ModelInfer` reply without allocating.
///
/// First measure, then take memory of exactly that size, then write:
///
/// ```swift
/// var measure = ModelInferReplyWriter.measure(withPhaseTimes: view.wantsPhaseTimes)
/// measure.addTensor(nameByteCount: 6, rank: 2, payloadByteCount: 40)      // each output
/// var message = buffers.take(byteCount: measure.byteCount)
/// var bytes = message.mutableBytes
/// var writer = ModelInferReplyWriter(…, measure: measure, into: &bytes)
/// writer.append(name: …, elementType: .fp32, shape: [1, 10], payload: …, into: &bytes)
/// writer.finish(phaseTimes: times, into: &bytes)
/// ```
///
/// The phase times stand at a fixed place and are written last, when the encode phase is over.
package struct ModelInferReplyWriter {
    private var writer: FrameWriter
    /// Where the phase times stand; `nil` if there are none.
    private let phaseTimesOffset: Int?

    /// Counts what every reply has; outputs are to be added.
    package static func measure(withPhaseTimes: Bool) -> FrameMeasure {
        var measure = FrameMeasure()
        measure.addField(byteCount: 8)
        if withPhaseTimes { measure.addField(byteCount: PhaseTimes.byteCount) }
        return measure
    }

    /// Writes all but the outputs and the phase times.
    ///
    /// - Parameters:
    ///   - correlationID: That of the request.
    ///   - version: The version that answers.
    ///   - withPhaseTimes: As it was measured.
    ///   - measure: From ``measure(withPhaseTimes:)`` and the outputs.
    ///   - bytes: Exactly as many as were measured; their contents don't matter.
    package init(
        correlationID: UInt64,
        version: UInt64,
        withPhaseTimes: Bool,
        measure: FrameMeasure,
        into bytes: inout MutableRawSpan
    ) {
        var header = FrameHeader(
            kindCode: MessageKind.modelInfer.rawValue,
            correlationID: correlationID
        )
        header.isReply = true
        writer = FrameWriter(header, measure: measure, into: &bytes)
        writer.write(.modelVersion, version, into: &bytes)
        phaseTimesOffset =
            withPhaseTimes
            ? writer.beginField(.phaseTimes, byteCount: PhaseTimes.byteCount, into: &bytes) : nil
    }

    /// Writes an output, copying its payload.
    package mutating func append(
        name: RawSpan,
        elementType: ElementType,
        shape: Shape,
        payload: RawSpan,
        into bytes: inout MutableRawSpan
    ) {
        let place = append(
            name: name,
            elementType: elementType,
            shape: shape,
            payloadByteCount: payload.byteCount,
            into: &bytes
        )
        bytes.copyBytes(from: payload, at: place.offset)
    }

    /// Writes an output except for its payload.
    ///
    /// - Parameters:
    ///   - name: The output's name, UTF-8, checked by ``WireText``.
    ///   - elementType: The type of the elements.
    ///   - shape: The size of each axis.
    ///   - payloadByteCount: As it was measured.
    ///   - bytes: The frame.
    /// - Returns: Where the caller must write the payload; every byte of it, since the memory may
    ///   hold those of an earlier message.
    package mutating func append(
        name: RawSpan,
        elementType: ElementType,
        shape: Shape,
        payloadByteCount: Int,
        into bytes: inout MutableRawSpan
    ) -> ByteRange {
        writer.writeTensor(
            name: name,
            elementType: elementType,
            shape: shape,
            payloadByteCount: payloadByteCount,
            into: &bytes
        )
    }

    /// Writes the phase times and checks that the frame is complete.
    ///
    /// - Parameters:
    ///   - phaseTimes: Not `nil` exactly if the reply was begun with phase times.
    ///   - bytes: The frame.
    package consuming func finish(phaseTimes: PhaseTimes?, into bytes: inout MutableRawSpan) {
        precondition(
            (phaseTimes == nil) == (phaseTimesOffset == nil),
            "phase times must be written if they were measured, and only then"
        )
        if let phaseTimes, let phaseTimesOffset {
            phaseTimes.write(at: phaseTimesOffset, into: &bytes)
        }
        writer.finish()
    }
}
