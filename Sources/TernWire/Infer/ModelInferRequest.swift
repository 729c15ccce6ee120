package import TernTensor

/// Which of a model's versions is asked for.
package enum ModelSelection: Equatable, Sendable {
    /// The one that the server prefers.
    case automatic
    /// The one with this number, from 1.
    case version(UInt64)
    /// The one that the server's operator gave this label.
    case label(String)
}

/// What a request says about scheduling; stands in the header.
package struct RequestOptions: Equatable, Sendable {
    /// Returned in the reply; different for each request in flight on a connection.
    package var correlationID: UInt64
    /// The time that is left; `nil` if there is no end.
    package var budgetMicroseconds: UInt64?
    package var idempotencyKey: IdempotencyKey?
    /// Higher goes first; 0 is normal.
    package var priority: Int8

    package init(
        correlationID: UInt64,
        budgetMicroseconds: UInt64? = nil,
        idempotencyKey: IdempotencyKey? = nil,
        priority: Int8 = 0
    ) {
        self.correlationID = correlationID
        self.budgetMicroseconds = budgetMicroseconds
        self.idempotencyKey = idempotencyKey
        self.priority = priority
    }

    /// The options of a request that was received.
    package init(_ header: FrameHeader) {
        self.init(
            correlationID: header.correlationID,
            budgetMicroseconds: header.microseconds,
            idempotencyKey: header.idempotencyKey,
            priority: header.priority
        )
    }

    /// The header of a request with these options.
    package func header(_ kind: MessageKind) -> FrameHeader {
        var header = FrameHeader(kindCode: kind.rawValue, correlationID: correlationID)
        header.microseconds = budgetMicroseconds
        header.idempotencyKey = idempotencyKey
        header.priority = priority
        return header
    }
}

/// One input of a request that is about to be sent: everything but its bytes.
package struct TensorOutline: Equatable, Sendable {
    package var name: String
    package var elementType: ElementType
    package var shape: Shape
    package var payloadByteCount: Int

    package init(name: String, elementType: ElementType, shape: Shape, payloadByteCount: Int) {
        self.name = name
        self.elementType = elementType
        self.shape = shape
        self.payloadByteCount = payloadByteCount
    }
}

/// A `ModelInfer` request to send.
///
/// ``measure(limits:)`` checks it and counts its bytes; ``write(_:measure:into:payload:)`` writes it
/// into memory of exactly that size.
package struct ModelInferRequest: Equatable, Sendable {
    package var modelName: String
    package var selection: ModelSelection
    /// For logs.
    package var requestID: String?
    /// Empty for all.
    package var wantedOutputs: [String]
    package var wantsPhaseTimes: Bool
    package var inputs: [TensorOutline]

    package init(
        modelName: String,
        selection: ModelSelection = .automatic,
        requestID: String? = nil,
        wantedOutputs: [String] = [],
        wantsPhaseTimes: Bool = false,
        inputs: [TensorOutline]
    ) {
        self.modelName = modelName
        self.selection = selection
        self.requestID = requestID
        self.wantedOutputs = wantedOutputs
        self.wantsPhaseTimes = wantsPhaseTimes
        self.inputs = inputs
    }

    /// Checks the request as its reader will and counts its bytes.
    ///
    /// The contents of `BOOL` and `BYTES` payloads are not looked at.
    ///
    /// - Parameter limits: What the server accepts.
    /// - Returns: The size of the frame.
    /// - Throws: What the server would answer, with offsets counted from the start of the part.
    package func measure(limits: WireLimits = .standard) throws(WireError) -> FrameMeasure {
        var measure = FrameMeasure()
        try measure.addName(modelName, for: .modelName, limits: limits)
        switch selection {
        case .automatic: break
        case .version(let version):
            guard version >= 1 && version <= UInt64(Int64.max) else {
                throw WireError(
                    .valueOutOfRange,
                    at: 0,
                    field: .modelVersion,
                    expected: 1,
                    found: version
                )
            }
            measure.addField(byteCount: 8)
        case .label(let label):
            try measure.addName(label, for: .modelLabel, limits: limits)
        }
        if let requestID { try measure.addName(requestID, for: .requestID, limits: limits) }
        try measure.addWantedOutputs(wantedOutputs, limits: limits)
        try measure.addTensors(inputs, limits: limits)
        try measure.check(limits: limits)
        return measure
    }

    /// Writes the frame.
    ///
    /// - Parameters:
    ///   - options: For the header.
    ///   - measure: From ``measure(limits:)``, with nothing changed since.
    ///   - bytes: Exactly as many as were measured; their contents don't matter.
    ///   - payload: Called for each input in order, with its index and exactly its bytes to fill.
    /// - Throws: What `payload` throws; the frame is then unfinished and must not be sent.
    package func write<Failure: Error>(
        _ options: RequestOptions,
        measure: FrameMeasure,
        into bytes: inout MutableRawSpan,
        payload: (Int, inout MutableRawSpan) throws(Failure) -> Void
    ) throws(Failure) {
        var header = options.header(.modelInfer)
        header.wantsPhaseTimes = wantsPhaseTimes
        var writer = FrameWriter(header, measure: measure, into: &bytes)
        writer.write(.modelName, modelName, into: &bytes)
        switch selection {
        case .automatic: break
        case .version(let version): writer.write(.modelVersion, version, into: &bytes)
        case .label(let label): writer.write(.modelLabel, label, into: &bytes)
        }
        if let requestID { writer.write(.requestID, requestID, into: &bytes) }
        for output in wantedOutputs { writer.write(.wantedOutput, output, into: &bytes) }
        for index in inputs.indices {
            let place = writer.writeTensor(inputs[index], into: &bytes)
            var target = bytes._mutatingExtracting(place.offset..<place.end)
            try payload(index, &target)
        }
        writer.finish()
    }
}

extension FrameWriter {
    fileprivate mutating func write(
        _ tag: FieldTag,
        _ value: String,
        into bytes: inout MutableRawSpan
    ) {
        // SAFETY: only asks for the bytes of code units, which are bytes.
        write(tag, unsafe value.utf8Span.span.bytes, into: &bytes)
    }

    fileprivate mutating func writeTensor(
        _ tensor: TensorOutline,
        into bytes: inout MutableRawSpan
    ) -> ByteRange {
        writeTensor(
            // SAFETY: only asks for the bytes of code units, which are bytes.
            name: unsafe tensor.name.utf8Span.span.bytes,
            elementType: tensor.elementType,
            shape: tensor.shape,
            payloadByteCount: tensor.payloadByteCount,
            into: &bytes
        )
    }
}
