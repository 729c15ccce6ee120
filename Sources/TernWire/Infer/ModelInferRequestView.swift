/// A `ModelInfer` request as it was received.
///
/// Everything is checked when the view is made; its parts are views of the frame. Nothing is
/// allocated and no tensor is copied.
package struct ModelInferRequestView: ~Escapable {
    /// The frame.
    package let frame: RawSpan
    /// What was found in it; plain numbers that may be kept without the frame.
    package let index: ModelInferRequestIndex

    /// Reads and checks a request.
    ///
    /// - Parameters:
    ///   - frame: The frame, from its first byte to its last.
    ///   - limits: What to accept.
    /// - Throws: The first defect found.
    /// - Complexity: O(bytes of the fields + bytes of `BOOL` and `BYTES` payloads + n²) for n tensors.
    @_lifetime(copy frame)
    package init(
        decoding frame: RawSpan,
        limits: WireLimits = .standard
    ) throws(WireError) {
        self.index = try ModelInferRequestIndex(decoding: frame, limits: limits)
        self.frame = frame
    }

    /// Looks at a frame that was checked before.
    ///
    /// - Precondition: `index` was made from these very bytes. Of another frame, the parts make no
    ///   sense, but nothing outside it is read.
    @_lifetime(copy frame)
    package init(_ frame: RawSpan, index: ModelInferRequestIndex) {
        precondition(
            frame.byteCount == index.header.frameByteCount,
            "an index was used with another frame"
        )
        self.frame = frame
        self.index = index
    }

    package var header: FrameHeader { index.header }
    /// Chosen by the client, to be returned in the reply.
    package var correlationID: UInt64 { index.header.correlationID }
    /// The time that is left, counted from the moment the request arrives; `nil` if there is no end.
    package var budgetMicroseconds: UInt64? { index.header.microseconds }
    /// Higher goes first.
    package var priority: Int8 { index.header.priority }
    package var idempotencyKey: IdempotencyKey? { index.header.idempotencyKey }
    package var wantsPhaseTimes: Bool { index.header.wantsPhaseTimes }

    /// The model's name, UTF-8.
    package var modelName: RawSpan {
        @_lifetime(copy self) get { frame.bytes(in: index.modelName) }
    }

    /// The version asked for; never together with a label.
    package var version: UInt64? { index.version }

    /// The label asked for, UTF-8; never together with a version.
    package var label: RawSpan? {
        @_lifetime(copy self) get { part(index.label) }
    }

    /// The request's id for logs, UTF-8.
    package var requestID: RawSpan? {
        @_lifetime(copy self) get { part(index.requestID) }
    }

    package var inputCount: Int { index.inputs.count }

    /// The inputs, in the order of the client.
    package var inputs: TensorIterator {
        @_lifetime(copy self) get { TensorIterator(frame: frame, index: index.inputs) }
    }

    /// How many outputs are named; 0 means all.
    package var wantedOutputCount: Int { index.wantedOutputs.count }

    /// The names of the outputs that are wanted, no name twice.
    package var wantedOutputs: NameIterator {
        @_lifetime(copy self) get { NameIterator(frame: frame, index: index.wantedOutputs) }
    }

    @_lifetime(copy self)
    private func part(_ range: ByteRange?) -> RawSpan? {
        guard let range else { return nil }
        return frame.bytes(in: range)
    }
}

/// Where the parts of a checked `ModelInfer` request stand.
package struct ModelInferRequestIndex: Equatable, Sendable {
    package let header: FrameHeader
    package let modelName: ByteRange
    package let version: UInt64?
    package let label: ByteRange?
    package let requestID: ByteRange?
    package let wantedOutputs: NameListIndex
    package let inputs: TensorListIndex

    /// Reads and checks a request; see ``ModelInferRequestView/init(decoding:limits:)``.
    package init(decoding frame: RawSpan, limits: WireLimits = .standard) throws(WireError) {
        let header = try FrameHeader.ofWhole(frame, limits: limits)
        try header.require(.modelInfer, isReply: false)
        var fields = FieldReader(frame: frame, header: header, limits: limits)
        var modelName: ByteRange?
        var version: UInt64?
        var label: ByteRange?
        var requestID: ByteRange?
        var wantedOutputs = NameListIndex()
        var inputs = TensorListReader(header: header)
        while let field = try fields.next() {
            switch field.tag {
            case .modelName: modelName = try fields.name(field)
            case .modelVersion: version = try fields.modelVersion(field)
            case .modelLabel:
                guard version == nil else {
                    throw WireError(.fieldConflict, at: field.value.offset, field: field.tag)
                }
                label = try fields.name(field)
            case .requestID: requestID = try fields.name(field)
            case .wantedOutput: try wantedOutputs.read(field, with: fields)
            case .tensor: try inputs.read(field, with: fields)
            default: try fields.skip(field)
            }
        }
        guard let modelName else { throw fields.missing(.modelName) }
        try inputs.finish(frame: frame)
        self.header = header
        self.modelName = modelName
        self.version = version
        self.label = label
        self.requestID = requestID
        self.wantedOutputs = wantedOutputs
        self.inputs = inputs.index
    }
}
