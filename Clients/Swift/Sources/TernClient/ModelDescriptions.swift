public import TernTensor

/// What a server says about itself.
public struct ServerMetadata: Sendable, Hashable {
    /// The server's name.
    public var name: String
    /// The server's version.
    public var version: String
    /// What the server offers beyond the protocol's core, by name.
    public var extensions: [String]

    /// Describes a server.
    public init(name: String, version: String, extensions: [String]) {
        self.name = name
        self.version = version
        self.extensions = extensions
    }
}

/// What a server says about a model.
public struct ModelMetadata: Sendable, Hashable {
    /// The model's name.
    public var name: String
    /// The versions that can be called, ascending.
    public var versions: [String]
    /// What the model was made with, such as `onnx`.
    public var platform: String
    /// What a call must give.
    public var inputs: [TensorDescriptor]
    /// What a call can get.
    public var outputs: [TensorDescriptor]

    /// Describes a model.
    public init(
        name: String,
        versions: [String],
        platform: String,
        inputs: [TensorDescriptor],
        outputs: [TensorDescriptor]
    ) {
        self.name = name
        self.versions = versions
        self.platform = platform
        self.inputs = inputs
        self.outputs = outputs
    }
}

/// One version of a model as the server's repository lists it.
public struct RepositoryEntry: Sendable, Hashable {
    /// The model's name.
    public var name: String
    /// The version.
    public var version: String
    /// Whether it can be called: `READY`, `LOADING`, `UNLOADING` or `UNAVAILABLE`.
    public var state: String
    /// Why it is in this state; empty if there is nothing to say.
    public var reason: String

    /// Describes a version of a model.
    public init(name: String, version: String, state: String, reason: String) {
        self.name = name
        self.version = version
        self.state = state
        self.reason = reason
    }
}

/// Where the server spent its time on one request.
///
/// The phases sum to ``total``, which starts when the last byte of the request was there and ends
/// when the reply was ready to leave.
public struct PhaseTimes: Sendable, Hashable {
    /// Reading the request and understanding it.
    public var receiveAndDecode: Duration
    /// Waiting for a worker.
    public var queue: Duration
    /// Waiting for company in a batch.
    public var batchWait: Duration
    /// Running the model.
    public var compute: Duration
    /// Writing the reply.
    public var encode: Duration

    /// The sum of all phases.
    public var total: Duration { receiveAndDecode + queue + batchWait + compute + encode }

    /// Makes the phases from their durations.
    public init(
        receiveAndDecode: Duration,
        queue: Duration,
        batchWait: Duration,
        compute: Duration,
        encode: Duration
    ) {
        self.receiveAndDecode = receiveAndDecode
        self.queue = queue
        self.batchWait = batchWait
        self.compute = compute
        self.encode = encode
    }
}
