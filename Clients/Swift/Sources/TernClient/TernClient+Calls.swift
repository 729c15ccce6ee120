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
        throw TernError(.unimplemented, "no transport yet")
    }

    /// Whether the server runs and answers.
    ///
    /// - Parameter options: The deadline, and more.
    /// - Returns: What the server says.
    /// - Throws: Why there was no answer.
    public func isLive(options: CallOptions = CallOptions()) async throws(TernError) -> Bool {
        throw TernError(.unimplemented, "no transport yet")
    }

    /// Whether the server takes requests for models.
    ///
    /// - Parameter options: The deadline, and more.
    /// - Returns: What the server says.
    /// - Throws: Why there was no answer.
    public func isReady(options: CallOptions = CallOptions()) async throws(TernError) -> Bool {
        throw TernError(.unimplemented, "no transport yet")
    }

    /// Whether a model can be called.
    ///
    /// - Parameters:
    ///   - model: The model's name.
    ///   - version: The version; `nil` asks for any.
    ///   - options: The deadline, and more.
    /// - Returns: `false` for a model that isn't loaded or isn't there.
    /// - Throws: Why there was no answer.
    public func isModelReady(
        _ model: String,
        version: Int? = nil,
        options: CallOptions = CallOptions()
    ) async throws(TernError) -> Bool {
        throw TernError(.unimplemented, "no transport yet")
    }

    /// What the server is.
    ///
    /// - Parameter options: The deadline, and more.
    /// - Returns: Its name, version and extensions.
    /// - Throws: Why there was no answer.
    public func serverMetadata(
        options: CallOptions = CallOptions()
    ) async throws(TernError) -> ServerMetadata {
        throw TernError(.unimplemented, "no transport yet")
    }

    /// What a model takes and gives.
    ///
    /// - Parameters:
    ///   - model: The model's name.
    ///   - version: The version; `nil` asks for the one that the server would choose.
    ///   - options: The deadline, and more.
    /// - Returns: Its inputs and outputs, and the versions there are.
    /// - Throws: ``TernError/Code/notFound`` if there is no such model, or why there was no answer.
    public func modelMetadata(
        _ model: String,
        version: Int? = nil,
        options: CallOptions = CallOptions()
    ) async throws(TernError) -> ModelMetadata {
        throw TernError(.unimplemented, "no transport yet")
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
        throw TernError(.unimplemented, "no transport yet")
    }

    /// Loads a model, or loads it again, and waits until it can be called.
    ///
    /// - Parameters:
    ///   - model: The model's name.
    ///   - options: The deadline, and more.
    /// - Throws: Why it could not be loaded, or why there was no answer.
    public func loadModel(
        _ model: String,
        options: CallOptions = CallOptions()
    ) async throws(TernError) {
        throw TernError(.unimplemented, "no transport yet")
    }

    /// Unloads a model and waits until it is gone.
    ///
    /// - Parameters:
    ///   - model: The model's name.
    ///   - options: The deadline, and more.
    /// - Throws: ``TernError/Code/notFound`` if there is no such model, or why there was no answer.
    public func unloadModel(
        _ model: String,
        options: CallOptions = CallOptions()
    ) async throws(TernError) {
        throw TernError(.unimplemented, "no transport yet")
    }
}
