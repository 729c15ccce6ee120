/// A successful `ModelInfer` reply as it was received.
///
/// Everything is checked when the view is made; its parts are views of the frame. Nothing is
/// allocated and no tensor is copied. Whether a reply is successful stands in its header; the
/// others are read as ``ErrorReply``.
package struct ModelInferReplyView: ~Escapable {
    /// The frame.
    package let frame: RawSpan
    package let header: FrameHeader
    /// The version that answered.
    package let version: UInt64
    /// Where the server's time went, if the request wanted to know.
    package let phaseTimes: PhaseTimes?
    private let index: TensorListIndex

    /// Reads and checks a reply.
    ///
    /// - Parameters:
    ///   - frame: The frame, from its first byte to its last.
    ///   - limits: What to accept.
    /// - Throws: The first defect found; ``WireDefect/statusUnexpected`` if it is an error reply.
    @_lifetime(copy frame)
    package init(
        decoding frame: RawSpan,
        limits: WireLimits = .standard
    ) throws(WireError) {
        let header = try FrameHeader.ofWhole(frame, limits: limits)
        try header.requireSuccess(.modelInfer)
        var fields = FieldReader(frame: frame, header: header, limits: limits)
        var version: UInt64?
        var phaseTimes: PhaseTimes?
        var outputs = TensorListReader(header: header)
        while let field = try fields.next() {
            switch field.tag {
            case .modelVersion: version = try fields.modelVersion(field)
            case .phaseTimes: phaseTimes = try PhaseTimes(decoding: field, with: fields)
            case .tensor: try outputs.read(field, with: fields)
            default: try fields.skip(field)
            }
        }
        guard let version else { throw fields.missing(.modelVersion) }
        try outputs.finish(frame: frame)
        self.frame = frame
        self.header = header
        self.version = version
        self.phaseTimes = phaseTimes
        index = outputs.index
    }

    package var correlationID: UInt64 { header.correlationID }

    package var outputCount: Int { index.count }

    /// The outputs, in the order of the server.
    package var outputs: TensorIterator {
        @_lifetime(copy self) get { TensorIterator(frame: frame, index: index) }
    }
}
