internal import TernTransport
internal import TernWire

// Every call but ModelInfer. Those that only look are answered on the thread that received them, so
// a server whose workers are all busy still says that it lives. Loading and unloading go to the
// loader's thread.

/// Answers questions about the server and its models, and changes which models there are.
internal final class ControlCalls: Sendable {
    private let configuration: ServerConfiguration
    private let catalog: ModelCatalog
    private let inference: InferenceDispatcher
    private let loader: ModelLoader
    private let isReady: @Sendable () -> Bool

    private var frames: ReplyFrames { inference.frames }
    private var limits: WireLimits { configuration.limits.wire }

    /// Makes the calls of a server.
    ///
    /// - Parameters:
    ///   - configuration: The server's.
    ///   - catalog: The models.
    ///   - inference: Where requests to be cancelled are.
    ///   - loader: Where changes are made.
    ///   - isReady: Whether the server takes inference requests now.
    init(
        configuration: ServerConfiguration,
        catalog: ModelCatalog,
        inference: InferenceDispatcher,
        loader: ModelLoader,
        isReady: @escaping @Sendable () -> Bool
    ) {
        self.configuration = configuration
        self.catalog = catalog
        self.inference = inference
        self.loader = loader
        self.isReady = isReady
    }

    /// Takes a frame that is no `ModelInfer` request.
    func receive(_ request: consuming IncomingRequest, envelope: ReplyEnvelope) {
        let outcome: Outcome
        do throws(WireError) {
            outcome = try self.outcome(of: request.message.bytes, on: request.connection)
        } catch {
            let failure = RequestFailure(error)
            inference.counters.count(.invalid)
            inference.logFailure(failure, connection: request.connection)
            return frames.fail(request, failure, to: envelope)
        }
        switch outcome {
        case .frame(let frame):
            frames.answer(request, with: frame, to: envelope)
        case .failure(let failure):
            inference.logFailure(failure, connection: request.connection)
            frames.fail(request, failure, to: envelope)
        case .load(let order):
            submit(request, order, envelope: envelope)
        }
    }

    /// What a call comes to on the thread that received it.
    private enum Outcome {
        case frame([UInt8])
        case failure(RequestFailure)
        case load(ModelLoader.Order)

        static func reply(_ reply: some ColdReply, to header: FrameHeader) -> Outcome {
            .frame(reply.encoded(correlationID: header.correlationID))
        }
    }

    private func outcome(
        of frame: RawSpan,
        on connection: ConnectionID
    ) throws(WireError) -> Outcome {
        let header = try FrameHeader.ofWhole(frame, limits: limits)
        guard let kind = header.kind else {
            // Only an error reply may have a kind that nobody knows.
            throw WireError(.directionUnexpected, at: 16, expected: 0, found: 1)
        }
        switch kind {
        case .serverLive:
            _ = try ServerLiveRequest(decoding: frame, limits: limits)
            return .reply(ServerLiveReply(isLive: true), to: header)
        case .serverReady:
            _ = try ServerReadyRequest(decoding: frame, limits: limits)
            return .reply(ServerReadyReply(isReady: isReady()), to: header)
        case .serverMetadata:
            _ = try ServerMetadataRequest(decoding: frame, limits: limits)
            return .reply(serverMetadata, to: header)
        case .modelReady:
            let call = try ModelReadyRequest(decoding: frame, limits: limits)
            return modelReady(call.model, to: header)
        case .modelMetadata:
            let call = try ModelMetadataRequest(decoding: frame, limits: limits)
            return modelMetadata(call.model, to: header)
        case .repositoryIndex:
            let call = try RepositoryIndexRequest(decoding: frame, limits: limits)
            return .reply(repositoryIndex(readyOnly: call.readyOnly), to: header)
        case .repositoryModelLoad:
            return .load(
                .load(try RepositoryModelLoadRequest(decoding: frame, limits: limits).model)
            )
        case .repositoryModelUnload:
            return .load(
                .unload(try RepositoryModelUnloadRequest(decoding: frame, limits: limits).model)
            )
        case .cancel:
            let call = try CancelRequest(decoding: frame, limits: limits)
            return cancel(call.target, on: connection, to: header)
        case .modelInfer:
            preconditionFailure("an inference request was taken for a control call")
        }
    }

    // MARK: - Questions

    private var serverMetadata: ServerMetadataReply {
        ServerMetadataReply(
            name: configuration.name,
            version: configuration.version,
            extensions: ["model_repository", "cancel"],
            protocolVersions: [UInt64(FrameHeader.version)]
        )
    }

    /// A model that is there and doesn't answer is not ready; one that isn't there is an error.
    private func modelReady(_ model: ModelReference, to header: FrameHeader) -> Outcome {
        do throws(RequestFailure) {
            _ = try catalog.table.model(model)
            return .reply(ModelReadyReply(isReady: isReady()), to: header)
        } catch {
            if error.reply.code == .notFound { return .failure(error) }
            return .reply(ModelReadyReply(isReady: false), to: header)
        }
    }

    private func modelMetadata(_ reference: ModelReference, to header: FrameHeader) -> Outcome {
        let table = catalog.table
        do throws(RequestFailure) {
            let model = try table.model(reference)
            let versions = table.entry(named: model.name)?.availableVersions ?? [model]
            return .reply(
                ModelMetadataReply(
                    name: model.name,
                    version: model.version,
                    platform: configuration.reader.platform,
                    availableVersions: versions.map(\.version),
                    inputs: model.inputs.descriptors,
                    outputs: model.outputs.descriptors
                ),
                to: header
            )
        } catch {
            return .failure(error)
        }
    }

    private func repositoryIndex(readyOnly: Bool) -> RepositoryIndexReply {
        var entries: [RepositoryIndexReply.Entry] = []
        for model in catalog.table.entries {
            for (number, state) in model.versions {
                switch state {
                case .available:
                    entries.append(.init(name: model.name, version: number, state: .ready))
                case .loading where !readyOnly:
                    entries.append(.init(name: model.name, version: number, state: .loading))
                case .unavailable(let reason) where !readyOnly:
                    entries.append(
                        .init(
                            name: model.name,
                            version: number,
                            state: .unavailable,
                            reason: reason
                        )
                    )
                case .loading, .unavailable: break
                }
            }
        }
        return RepositoryIndexReply(entries: entries)
    }

    // MARK: - Cancel

    private func cancel(
        _ target: CancelRequest.Target,
        on connection: ConnectionID,
        to header: FrameHeader
    ) -> Outcome {
        let withdrawal = WithdrawalTarget(
            call: target.correlationID.map { .init(connection: connection, correlationID: $0) },
            key: target.idempotencyKey
        )
        do throws(RequestFailure) {
            let wasInFlight = try inference.cancel(withdrawal)
            return .reply(CancelReply(wasInFlight: wasInFlight), to: header)
        } catch {
            return .failure(error)
        }
    }

    // MARK: - Changes

    private func submit(
        _ request: consuming IncomingRequest,
        _ order: ModelLoader.Order,
        envelope: ReplyEnvelope
    ) {
        let pending = PendingReply(request, frames: frames, envelope: envelope)
        let isAccepted = loader.submit(order) { failure in
            if let failure {
                pending.fail(failure)
            } else {
                let id = envelope.correlationID
                switch order {
                case .load: pending.answer(RepositoryModelLoadReply().encoded(correlationID: id))
                case .unload:
                    pending.answer(RepositoryModelUnloadReply().encoded(correlationID: id))
                }
            }
        }
        guard !isAccepted else { return }
        let limit = configuration.limits.waitingLoadCount
        pending.fail(
            RequestFailure(
                .resourceExhausted,
                "too many models wait to be loaded or unloaded",
                subject: "loader",
                expected: "at most \(limit) calls that wait",
                found: "\(limit)",
                retryAfterMicroseconds: 1_000_000
            )
        )
    }
}

/// A request whose answer comes later, from another thread.
private final class PendingReply: Sendable {
    private let request: Locked<IncomingRequest?>
    private let frames: ReplyFrames
    private let envelope: ReplyEnvelope

    init(
        _ request: consuming IncomingRequest,
        frames: ReplyFrames,
        envelope: ReplyEnvelope
    ) {
        self.request = Locked(request)
        self.frames = frames
        self.envelope = envelope
    }

    func answer(_ frame: [UInt8]) {
        guard let request = request.withLock({ $0.take() }) else { return }
        frames.answer(request, with: frame, to: envelope)
    }

    func fail(_ failure: RequestFailure) { answer(failure.reply.encoded(to: envelope)) }
}
