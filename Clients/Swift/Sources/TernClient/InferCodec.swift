internal import TernTensor
internal import TernTransport
internal import TernWire

/// Writes `ModelInfer` requests and reads their replies.
internal enum InferCodec {
    /// Writes a request straight into message memory: each input's bytes are copied once.
    internal static func encode(
        _ request: ModelInferRequest,
        contents: [InferInput],
        options: RequestOptions,
        into buffers: BufferPool
    ) throws(TernError) -> MessageBuffer {
        let measure: FrameMeasure
        do throws(WireError) {
            measure = try request.measure()
        } catch {
            throw TernError(request: error)
        }
        guard var message = buffers.take(byteCount: measure.byteCount) else {
            throw TernError(
                .resourceExhausted,
                "a request of \(measure.byteCount) bytes does not fit the \(buffers.limitByteCount) "
                    + "bytes of message memory, of which \(buffers.byteCountInUse) are in use"
            )
        }
        var bytes = message.mutableBytes
        try request.write(options, measure: measure, into: &bytes) {
            (index, target: inout MutableRawSpan) throws(TernError) in
            let input = contents[index]
            let written = unsafe target.withUnsafeMutableBytes { target in
                unsafe input.contents.write(into: target)
            }
            guard written == target.byteCount else {
                throw input.mismatch(foundByteCount: written)
            }
        }
        return message
    }

    /// Reads a successful reply; the outputs are views of `frame`.
    internal static func decode(
        _ frame: ReplyFrame,
        modelName: String,
        requestID: String,
        limits: WireLimits
    ) throws(WireError) -> InferReply {
        let bytes = frame.bytes
        let view = try ModelInferReplyView(decoding: bytes, limits: limits)
        var outputs: [InferOutput] = []
        outputs.reserveCapacity(view.outputCount)
        var iterator = view.outputs
        while let tensor = iterator.next() {
            outputs.append(
                InferOutput(
                    name: String(utf8: tensor.name),
                    elementType: tensor.elementType,
                    shape: tensor.shape,
                    frame: frame,
                    byteRange: bytes.byteOffsets(of: tensor.payload) ?? 0..<0
                )
            )
        }
        return InferReply(
            modelName: modelName,
            modelVersion: Int(clamping: view.version),
            requestID: requestID,
            phaseTimes: view.phaseTimes.map { PhaseTimes($0) },
            outputs: outputs
        )
    }

    /// Brings the time that is left up to date in a request that had to wait before it was sent.
    internal static func adjustLate(_ message: inout MessageBuffer, by nanoseconds: UInt64) {
        var header: FrameHeader
        do throws(WireError) {
            header = try FrameHeader(decoding: message.bytes, limits: .standard)
        } catch {
            preconditionFailure("a request of this client cannot be read: \(error)")
        }
        guard let left = header.microseconds else { return }
        header.microseconds = left - Swift.min(left, nanoseconds / 1000)
        var bytes = message.mutableBytes
        header.write(into: &bytes)
    }
}

extension InferInput {
    /// What is sent beside the bytes.
    internal func outline() throws(TernError) -> TensorOutline {
        let byteCount = contents.byteCount(of: elementType, shape: shape)
        switch contents {
        case .byteElements(let elements):
            guard shape.checkedElementCount == elements.count else {
                throw TernError(
                    .invalidArgument,
                    "input \"\(name)\" of shape \(shape) needs "
                        + "\(shape.checkedElementCount ?? .max) elements, found \(elements.count)"
                )
            }
        case .tensor where elementType == .bytes:
            break
        default:
            guard byteCount != nil, byteCount == shape.byteCount(of: elementType) else {
                throw mismatch(foundByteCount: byteCount ?? 0)
            }
        }
        return TensorOutline(
            name: name,
            elementType: elementType,
            shape: shape,
            payloadByteCount: byteCount ?? 0
        )
    }

    internal func mismatch(foundByteCount: Int) -> TernError {
        guard let expected = shape.byteCount(of: elementType) else {
            return TernError(
                .invalidArgument,
                "input \"\(name)\" of \(elementType) cannot be given as raw bytes of shape \(shape)"
            )
        }
        let width = elementType.byteCount ?? 1
        var error = TernError(
            .invalidArgument,
            "input \"\(name)\" of shape \(shape) needs \(expected / width) elements of "
                + "\(elementType), found \(foundByteCount / width) (\(foundByteCount) bytes)"
        )
        error.subject = "input \"\(name)\""
        error.expected = "\(expected) bytes"
        error.found = "\(foundByteCount) bytes"
        return error
    }
}

extension PhaseTimes {
    fileprivate init(_ times: TernWire.PhaseTimes) {
        self.init(
            receiveAndDecode: .nanoseconds(Int64(clamping: times.receiveNanoseconds)),
            queue: .nanoseconds(Int64(clamping: times.queueNanoseconds)),
            batchWait: .nanoseconds(Int64(clamping: times.batchWaitNanoseconds)),
            compute: .nanoseconds(Int64(clamping: times.computeNanoseconds)),
            encode: .nanoseconds(Int64(clamping: times.encodeNanoseconds))
        )
    }
}

extension String {
    /// Copies text that was checked to be UTF-8.
    internal init(utf8 bytes: RawSpan) {
        self = unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }
}
