import TernTensor
import TernWire

/// Any frame, decoded into values of its own, to be compared, described or encoded again.
enum DecodedFrame {
    case inferRequest(RequestOptions, ModelInferRequest, payloads: [[UInt8]])
    case inferReply(InferReply)
    case request(RequestOptions, any ColdRequest)
    case reply(correlationID: UInt64, any ColdReply)
    case error(ErrorReply, ReplyEnvelope)

    /// The outputs of a `ModelInfer` reply, copied.
    struct InferReply: Equatable {
        var correlationID: UInt64
        var version: UInt64
        var phaseTimes: PhaseTimes?
        var outputs: [TensorOutline] = []
        var payloads: [[UInt8]] = []
    }

    /// Decodes `frame` as what its header says it is.
    init(_ frame: RawSpan, limits: WireLimits = .standard) throws(WireError) {
        let header = try FrameHeader.ofWhole(frame, limits: limits)
        if header.isReply && header.status != .ok {
            let error = try ErrorReply(decoding: frame, limits: limits)
            self = .error(error, ReplyEnvelope(header))
        } else if header.kind == .modelInfer {
            self =
                header.isReply
                ? .inferReply(try InferReply(decoding: frame, limits: limits))
                : try Self.inferRequest(decoding: frame, limits: limits)
        } else if header.isReply {
            let type = try Self.coldRequestType(of: header).replyType
            self = .reply(
                correlationID: header.correlationID,
                try type.init(decoding: frame, limits: limits)
            )
        } else {
            let type = try Self.coldRequestType(of: header)
            self = .request(
                RequestOptions(header),
                try type.init(decoding: frame, limits: limits)
            )
        }
    }

    /// Encodes the frame again.
    func encoded() throws(WireError) -> [UInt8] {
        switch self {
        case .request(let options, let request): request.encoded(options)
        case .reply(let correlationID, let reply): reply.encoded(correlationID: correlationID)
        case .error(let error, let envelope): error.encoded(to: envelope)
        case .inferReply(let reply): reply.encoded()
        case .inferRequest(let options, let request, let payloads):
            try Self.encode(request, options, payloads)
        }
    }

    private static func coldRequestType(
        of header: FrameHeader
    ) throws(WireError) -> any ColdRequest.Type {
        switch header.kind {
        case .serverLive: ServerLiveRequest.self
        case .serverReady: ServerReadyRequest.self
        case .serverMetadata: ServerMetadataRequest.self
        case .modelReady: ModelReadyRequest.self
        case .modelMetadata: ModelMetadataRequest.self
        case .repositoryIndex: RepositoryIndexRequest.self
        case .repositoryModelLoad: RepositoryModelLoadRequest.self
        case .repositoryModelUnload: RepositoryModelUnloadRequest.self
        case .cancel: CancelRequest.self
        case .modelInfer, nil: preconditionFailure("a header was taken for that of a cold call")
        }
    }
}

extension ColdRequest {
    fileprivate static var replyType: any ColdReply.Type { Reply.self }
}

// ModelInfer.
extension DecodedFrame {
    private static func inferRequest(
        decoding frame: RawSpan,
        limits: WireLimits
    ) throws(WireError) -> DecodedFrame {
        let view = try ModelInferRequestView(decoding: frame, limits: limits)
        var request = ModelInferRequest(modelName: view.modelName.utf8String, inputs: [])
        if let version = view.version { request.selection = .version(version) }
        if let label = view.label { request.selection = .label(label.utf8String) }
        if let requestID = view.requestID { request.requestID = requestID.utf8String }
        request.wantsPhaseTimes = view.wantsPhaseTimes
        var wanted = view.wantedOutputs
        while let name = wanted.next() { request.wantedOutputs.append(name.utf8String) }
        var payloads: [[UInt8]] = []
        var inputs = view.inputs
        while let input = inputs.next() {
            request.inputs.append(TensorOutline(input))
            payloads.append(input.payload.copied)
        }
        return .inferRequest(RequestOptions(view.header), request, payloads: payloads)
    }

    private static func encode(
        _ request: ModelInferRequest,
        _ options: RequestOptions,
        _ payloads: [[UInt8]]
    ) throws(WireError) -> [UInt8] {
        let measure = try request.measure()
        return withFrame(byteCount: measure.byteCount) { bytes in
            request.write(options, measure: measure, into: &bytes) { index, target in
                let payload = payloads[index]
                target.copyBytes(from: unsafe payload.span.bytes, at: 0)
            }
        }
    }

    /// Makes a frame in memory that was full of other bytes.
    static func withFrame(
        byteCount: Int,
        _ write: (inout MutableRawSpan) -> Void
    ) -> [UInt8] {
        var frame = [UInt8](repeating: 0xA5, count: byteCount)
        var elements = frame.mutableSpan
        var bytes = unsafe elements.mutableBytes
        write(&bytes)
        return frame
    }
}

extension DecodedFrame.InferReply {
    fileprivate init(decoding frame: RawSpan, limits: WireLimits) throws(WireError) {
        let view = try ModelInferReplyView(decoding: frame, limits: limits)
        correlationID = view.correlationID
        version = view.version
        phaseTimes = view.phaseTimes
        var outputs = view.outputs
        while let output = outputs.next() {
            self.outputs.append(TensorOutline(output))
            payloads.append(output.payload.copied)
        }
    }

    func encoded() -> [UInt8] {
        var measure = ModelInferReplyWriter.measure(withPhaseTimes: phaseTimes != nil)
        for output in outputs {
            measure.addTensor(
                nameByteCount: output.name.utf8.count,
                rank: output.shape.rank,
                payloadByteCount: output.payloadByteCount
            )
        }
        return DecodedFrame.withFrame(byteCount: measure.byteCount) { bytes in
            var writer = ModelInferReplyWriter(
                correlationID: correlationID,
                version: version,
                withPhaseTimes: phaseTimes != nil,
                measure: measure,
                into: &bytes
            )
            for (output, payload) in zip(outputs, payloads) {
                writer.append(
                    name: unsafe output.name.utf8Span.span.bytes,
                    elementType: output.elementType,
                    shape: output.shape,
                    payload: unsafe payload.span.bytes,
                    into: &bytes
                )
            }
            writer.finish(phaseTimes: phaseTimes, into: &bytes)
        }
    }
}

extension TensorOutline {
    init(_ view: borrowing TensorView) {
        self.init(
            name: view.name.utf8String,
            elementType: view.elementType,
            shape: view.shape,
            payloadByteCount: view.payload.byteCount
        )
    }
}

extension RawSpan {
    var copied: [UInt8] { (0..<byteCount).map { byte(at: $0) } }
}
