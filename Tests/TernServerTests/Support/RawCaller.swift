import TernServer
import TernTensor
import TernTransport
import TernWire

/// Sends frames, good and bad, and reads what comes back.
final class RawCaller: Sendable {
    private let channel: any RequestChannel

    init(_ channel: any RequestChannel) { self.channel = channel }

    deinit { channel.close() }

    func close() { channel.close() }

    /// Sends a frame and waits for its reply.
    func exchange(_ frame: [UInt8]) async throws -> [UInt8] {
        try await withCheckedThrowingContinuation { continuation in
            send(frame) { continuation.resume(with: $0) }
        }
    }

    /// Sends a frame; `completion` gets the reply.
    func send(
        _ frame: [UInt8],
        completion: @escaping @Sendable (Result<[UInt8], TransportError>) -> Void
    ) {
        guard var message = channel.buffers.take(byteCount: frame.count) else {
            return completion(.failure(.outOfMemory(limit: channel.buffers.limitByteCount)))
        }
        var bytes = message.mutableBytes
        unsafe bytes.copyBytes(from: frame.span.bytes, at: 0)
        _ = channel.call(message) { result in
            switch consume result {
            case .success(let reply):
                completion(.success(unsafe reply.bytes.withUnsafeBytes { unsafe Array($0) }))
            case .failure(let error):
                completion(.failure(error))
            }
        }
    }
}

extension ModelInferRequest {
    /// The request's frame.
    func frame(_ options: RequestOptions, payloads: [[UInt8]]) throws -> [UInt8] {
        let measure = try measure()
        var frame = [UInt8](repeating: 0, count: measure.byteCount)
        var elements = frame.mutableSpan
        var bytes = unsafe elements.mutableBytes
        write(options, measure: measure, into: &bytes) { index, target in
            let payload = payloads[index]
            unsafe target.copyBytes(from: payload.span.bytes, at: 0)
        }
        return frame
    }
}

/// A frame that asks for the model of the given name with one `FP32` vector as its input `x`.
func inferFrame(
    _ model: String,
    _ values: [Float],
    correlationID: UInt64 = 1,
    budgetMicroseconds: UInt64? = nil,
    idempotencyKey: TernWire.IdempotencyKey? = nil,
    selection: ModelSelection = .automatic,
    wantedOutputs: [String] = [],
    wantsPhaseTimes: Bool = false
) throws -> [UInt8] {
    let payload = values.flatMap { value in
        (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
    }
    let request = ModelInferRequest(
        modelName: model,
        selection: selection,
        requestID: "test",
        wantedOutputs: wantedOutputs,
        wantsPhaseTimes: wantsPhaseTimes,
        inputs: [
            TensorOutline(
                name: "x",
                elementType: .fp32,
                shape: [values.count],
                payloadByteCount: payload.count
            )
        ]
    )
    let options = RequestOptions(
        correlationID: correlationID,
        budgetMicroseconds: budgetMicroseconds,
        idempotencyKey: idempotencyKey
    )
    return try request.frame(options, payloads: [payload])
}

/// The error in a reply frame.
func errorReply(in frame: [UInt8]) throws -> ErrorReply {
    try unsafe ErrorReply(decoding: frame.span.bytes)
}

/// The header of a frame.
func header(of frame: [UInt8]) throws -> FrameHeader {
    try unsafe FrameHeader(decoding: frame.span.bytes)
}

/// The answer to a Cancel.
func cancelReply(in frame: [UInt8]) throws -> CancelReply {
    try unsafe CancelReply(decoding: frame.span.bytes)
}
