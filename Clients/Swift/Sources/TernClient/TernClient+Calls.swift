internal import TernTensor
internal import TernTransport
internal import TernWire

extension TernClient {
    /// Runs a model.
    ///
    /// The inputs' bytes are copied once, into the message. The outputs are views of the message
    /// that comes back.
    ///
    /// - Parameters:
    ///   - model: The model's name.
    ///   - version: The version's number; `nil` leaves the choice to the label or the server.
    ///   - label: A name for a version, such as `stable`; not together with `version`.
    ///   - inputs: A tensor for each input of the model, in any order.
    ///   - outputs: The names of the outputs that are wanted; empty means all of them.
    ///   - options: The deadline, and more.
    /// - Returns: The outputs.
    /// - Throws: What the server answered, or why there was no answer.
    public func infer(
        model: String,
        version: Int? = nil,
        label: String? = nil,
        inputs: [InferInput],
        outputs: [String] = [],
        options: CallOptions = CallOptions()
    ) async throws(TernError) -> InferReply {
        let selection = try ModelSelection(of: model, version: version, label: label)
        var outlines: [TensorOutline] = []
        outlines.reserveCapacity(inputs.count)
        for input in inputs { outlines.append(try input.outline()) }
        let request = ModelInferRequest(
            modelName: model,
            selection: selection,
            requestID: options.requestID.isEmpty ? nil : options.requestID,
            wantedOutputs: outputs,
            wantsPhaseTimes: options.wantsPhaseTimes,
            inputs: outlines
        )
        let buffers = channel.buffers
        let frame = try await exchange(.modelInfer, options: options) {
            (requestOptions: RequestOptions) throws(TernError) in
            try InferCodec.encode(request, contents: inputs, options: requestOptions, into: buffers)
        }
        return try understood(.modelInfer) { () throws(WireError) in
            try InferCodec.decode(
                frame,
                modelName: model,
                requestID: options.requestID,
                limits: limits
            )
        }
    }

    /// Whether the server runs and answers.
    ///
    /// - Parameter options: The deadline, and more.
    /// - Returns: What the server says.
    /// - Throws: Why there was no answer.
    public func isLive(options: CallOptions = CallOptions()) async throws(TernError) -> Bool {
        try await exchange(ServerLiveRequest(), options: options).isLive
    }

    /// Whether the server takes requests for models.
    ///
    /// - Parameter options: The deadline, and more.
    /// - Returns: What the server says.
    /// - Throws: Why there was no answer.
    public func isReady(options: CallOptions = CallOptions()) async throws(TernError) -> Bool {
        try await exchange(ServerReadyRequest(), options: options).isReady
    }

    /// Whether a model can be called.
    ///
    /// - Parameters:
    ///   - model: The model's name.
    ///   - version: The version's number; `nil` leaves the choice to the label or the server.
    ///   - label: A name for a version, such as `stable`; not together with `version`.
    ///   - options: The deadline, and more.
    /// - Returns: `false` for a model that isn't loaded or isn't there.
    /// - Throws: Why there was no answer.
    public func isModelReady(
        _ model: String,
        version: Int? = nil,
        label: String? = nil,
        options: CallOptions = CallOptions()
    ) async throws(TernError) -> Bool {
        let reference = try ModelReference(model, version: version, label: label)
        return try await exchange(ModelReadyRequest(model: reference), options: options).isReady
    }

    /// What the server is.
    ///
    /// - Parameter options: The deadline, and more.
    /// - Returns: Its name, version and extensions.
    /// - Throws: Why there was no answer.
    public func serverMetadata(
        options: CallOptions = CallOptions()
    ) async throws(TernError) -> ServerMetadata {
        let reply = try await exchange(ServerMetadataRequest(), options: options)
        return ServerMetadata(
            name: reply.name,
            version: reply.version,
            extensions: reply.extensions
        )
    }

    /// What a model takes and gives.
    ///
    /// - Parameters:
    ///   - model: The model's name.
    ///   - version: The version's number; `nil` leaves the choice to the label or the server.
    ///   - label: A name for a version, such as `stable`; not together with `version`.
    ///   - options: The deadline, and more.
    /// - Returns: Its inputs and outputs, and the versions there are.
    /// - Throws: ``TernError/Code/notFound`` if there is no such model, or why there was no answer.
    public func modelMetadata(
        _ model: String,
        version: Int? = nil,
        label: String? = nil,
        options: CallOptions = CallOptions()
    ) async throws(TernError) -> ModelMetadata {
        let reference = try ModelReference(model, version: version, label: label)
        let reply = try await exchange(ModelMetadataRequest(model: reference), options: options)
        return ModelMetadata(
            name: reply.name,
            version: Int(clamping: reply.version),
            availableVersions: reply.availableVersions.map { Int(clamping: $0) },
            platform: reply.platform,
            inputs: reply.inputs,
            outputs: reply.outputs
        )
    }

    /// Lists the models of the server's repository.
    ///
    /// - Parameters:
    ///   - readyOnly: Whether to leave out models that cannot be called.
    ///   - options: The deadline, and more.
    /// - Returns: One entry for each version.
    /// - Throws: Why there was no answer.
    public func repositoryIndex(
        readyOnly: Bool = false,
        options: CallOptions = CallOptions()
    ) async throws(TernError) -> [RepositoryEntry] {
        let request = RepositoryIndexRequest(readyOnly: readyOnly)
        return try await exchange(request, options: options).entries.map { entry in
            RepositoryEntry(
                name: entry.name,
                version: Int(clamping: entry.version),
                state: ModelState(rawValue: entry.state.name) ?? .unavailable,
                reason: entry.reason
            )
        }
    }

    /// Loads a model, or loads it again, and waits until it can be called.
    ///
    /// - Parameters:
    ///   - model: The model's name.
    ///   - version: The version's number; `nil` loads those that the server's policy chooses.
    ///   - options: The deadline, and more.
    /// - Throws: Why it could not be loaded, or why there was no answer.
    public func loadModel(
        _ model: String,
        version: Int? = nil,
        options: CallOptions = CallOptions()
    ) async throws(TernError) {
        let reference = try ModelReference(model, version: version, label: nil)
        _ = try await exchange(RepositoryModelLoadRequest(model: reference), options: options)
    }

    /// Unloads a model and waits until it takes no more requests.
    ///
    /// - Parameters:
    ///   - model: The model's name.
    ///   - version: The version's number; `nil` unloads all.
    ///   - options: The deadline, and more.
    /// - Throws: ``TernError/Code/notFound`` if there is no such model, or why there was no answer.
    public func unloadModel(
        _ model: String,
        version: Int? = nil,
        options: CallOptions = CallOptions()
    ) async throws(TernError) {
        let reference = try ModelReference(model, version: version, label: nil)
        _ = try await exchange(RepositoryModelUnloadRequest(model: reference), options: options)
    }
}

extension ModelSelection {
    fileprivate init(of model: String, version: Int?, label: String?) throws(TernError) {
        switch (version, label) {
        case (nil, nil): self = .automatic
        case (nil, let label?): self = .label(label)
        case (let version?, nil):
            guard version >= 1 else {
                throw TernError(
                    .invalidArgument,
                    "version \(version) of \(model) was asked for; versions count from 1"
                )
            }
            self = .version(UInt64(version))
        case (let version?, let label?):
            throw TernError(
                .invalidArgument,
                "both version \(version) and label \"\(label)\" of \(model) were asked for"
            )
        }
    }
}

extension ModelReference {
    fileprivate init(_ name: String, version: Int?, label: String?) throws(TernError) {
        self.init(
            name: name,
            selection: try ModelSelection(of: name, version: version, label: label)
        )
    }
}
