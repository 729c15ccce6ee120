import TernTensor
import TernWire

// What a frame means, in the form of the vectors' JSON files.

extension DecodedFrame {
    var meaning: JSONValue {
        var members: [String: JSONValue]
        switch self {
        case .request(let options, let request):
            members = Self.request(type(of: request).kind, options)
            members["body"] = .object(request.meaning)
        case .inferRequest(let options, let request, let payloads):
            members = Self.request(.modelInfer, options)
            members["wants_phase_times"] = .bool(request.wantsPhaseTimes)
            members["body"] = .object(request.meaning(payloads))
        case .reply(let correlationID, let reply):
            members = Self.reply(type(of: reply).kind.name, correlationID, .ok)
            members["body"] = .object(reply.meaning)
        case .inferReply(let reply):
            members = Self.reply(MessageKind.modelInfer.name, reply.correlationID, .ok)
            members["body"] = .object(reply.meaning)
        case .error(let error, let envelope):
            members = Self.reply("", envelope.correlationID, error.code)
            members["kind"] =
                MessageKind(rawValue: envelope.kindCode).map { .string($0.name) }
                ?? .number(envelope.kindCode)
            members["retry_after_microseconds"] = error.retryAfterMicroseconds.map { .number($0) }
            members["body"] = .object(error.meaning)
        }
        return .object(members)
    }

    private static func request(
        _ kind: MessageKind,
        _ options: RequestOptions
    ) -> [String: JSONValue] {
        var members: [String: JSONValue] = [
            "kind": .string(kind.name),
            "reply": .bool(false),
            "correlation_id": .number(options.correlationID),
            "priority": .number(options.priority),
        ]
        members["budget_microseconds"] = options.budgetMicroseconds.map { .number($0) }
        members["idempotency_key"] = options.idempotencyKey.map { .string($0.description) }
        return members
    }

    private static func reply(
        _ kind: String,
        _ correlationID: UInt64,
        _ status: StatusCode
    ) -> [String: JSONValue] {
        [
            "kind": .string(kind),
            "reply": .bool(true),
            "correlation_id": .number(correlationID),
            "status": .string(status.name),
        ]
    }
}

extension ErrorReply {
    fileprivate var meaning: [String: JSONValue] {
        var members: [String: JSONValue] = [
            "message": .string(message),
            "supported_versions": .numbers(supportedVersions),
        ]
        members["subject"] = subject.map { .string($0) }
        members["expected"] = expected.map { .string($0) }
        members["found"] = found.map { .string($0) }
        return members
    }
}

extension ModelInferRequest {
    fileprivate func meaning(_ payloads: [[UInt8]]) -> [String: JSONValue] {
        var members = ModelReference(name: modelName, selection: selection).meaning
        members["request_id"] = requestID.map { .string($0) }
        members["wanted_outputs"] = .strings(wantedOutputs)
        members["inputs"] = .array(zip(inputs, payloads).map { $0.meaning($1) })
        return members
    }
}

extension DecodedFrame.InferReply {
    fileprivate var meaning: [String: JSONValue] {
        var members: [String: JSONValue] = [
            "model_version": .number(version),
            "outputs": .array(zip(outputs, payloads).map { $0.meaning($1) }),
        ]
        members["phase_times"] = phaseTimes.map { times in
            .object([
                "receive": .number(times.receiveNanoseconds),
                "queue": .number(times.queueNanoseconds),
                "batch_wait": .number(times.batchWaitNanoseconds),
                "compute": .number(times.computeNanoseconds),
                "encode": .number(times.encodeNanoseconds),
                "total": .number(times.totalNanoseconds),
            ])
        }
        return members
    }
}

extension TensorOutline {
    fileprivate func meaning(_ payload: [UInt8]) -> JSONValue {
        .object([
            "name": .string(name),
            "element_type": .string(elementType.name),
            "shape": .array(shape.map { .number($0) }),
            "payload": .string(payload.map { String(format: $0) }.joined()),
        ])
    }
}

extension String {
    /// Two hexadecimal digits.
    fileprivate init(format byte: UInt8) {
        self = (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}

extension ModelReference {
    fileprivate var meaning: [String: JSONValue] {
        var members: [String: JSONValue] = ["model_name": .string(name)]
        switch selection {
        case .automatic: break
        case .version(let version): members["model_version"] = .number(version)
        case .label(let label): members["model_label"] = .string(label)
        }
        return members
    }
}

extension ColdRequest {
    fileprivate var meaning: [String: JSONValue] {
        switch self {
        case let request as ModelReadyRequest: request.model.meaning
        case let request as ModelMetadataRequest: request.model.meaning
        case let request as RepositoryModelLoadRequest: request.model.meaning
        case let request as RepositoryModelUnloadRequest: request.model.meaning
        case let request as RepositoryIndexRequest: ["ready_only": .bool(request.readyOnly)]
        case let request as CancelRequest: request.target.meaning
        default: [:]
        }
    }
}

extension CancelRequest.Target {
    fileprivate var meaning: [String: JSONValue] {
        var members: [String: JSONValue] = [:]
        members["target_correlation_id"] = correlationID.map { .number($0) }
        members["target_idempotency_key"] = idempotencyKey.map { .string($0.description) }
        return members
    }
}

extension ColdReply {
    fileprivate var meaning: [String: JSONValue] {
        switch self {
        case let reply as ServerLiveReply: ["is_true": .bool(reply.isLive)]
        case let reply as ServerReadyReply: ["is_true": .bool(reply.isReady)]
        case let reply as ModelReadyReply: ["is_true": .bool(reply.isReady)]
        case let reply as CancelReply: ["was_in_flight": .bool(reply.wasInFlight)]
        case let reply as ServerMetadataReply:
            [
                "server_name": .string(reply.name),
                "server_version": .string(reply.version),
                "extensions": .strings(reply.extensions),
                "protocol_versions": .numbers(reply.protocolVersions),
            ]
        case let reply as ModelMetadataReply:
            [
                "model_name": .string(reply.name),
                "model_version": .number(reply.version),
                "platform": .string(reply.platform),
                "available_versions": .numbers(reply.availableVersions),
                "inputs": .array(reply.inputs.map(\.meaning)),
                "outputs": .array(reply.outputs.map(\.meaning)),
            ]
        case let reply as RepositoryIndexReply: ["entries": .array(reply.entries.map(\.meaning))]
        default: [:]
        }
    }
}

extension TensorDescriptor {
    fileprivate var meaning: JSONValue {
        var members: [String: JSONValue] = [
            "name": .string(name),
            "element_type": .string(elementType.name),
        ]
        members["dimensions"] = dimensions.map { dimensions in
            .array(
                dimensions.map { dimension in
                    switch dimension {
                    case .fixed(let size): .number(size)
                    case .symbolic(let name): .string(name)
                    case .unknown: .null
                    }
                }
            )
        }
        return .object(members)
    }
}

extension RepositoryIndexReply.Entry {
    fileprivate var meaning: JSONValue {
        .object([
            "name": .string(name),
            "version": .number(version),
            "state": .string(state.name),
            "reason": .string(reason),
        ])
    }
}
