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
    /// The version that is described.
    public var version: Int
    /// All versions that can be called.
    public var availableVersions: [Int]
    /// What the model was saved as, such as `onnx`.
    public var platform: String
    /// What a call must give.
    public var inputs: [TensorDescriptor]
    /// What a call can get.
    public var outputs: [TensorDescriptor]

    /// Describes a model.
    public init(
        name: String,
        version: Int,
        availableVersions: [Int],
        platform: String,
        inputs: [TensorDescriptor],
        outputs: [TensorDescriptor]
    ) {
        self.name = name
        self.version = version
        self.availableVersions = availableVersions
        self.platform = platform
        self.inputs = inputs
        self.outputs = outputs
    }
}

/// What a version of a model can do now.
@nonexhaustive
public enum ModelState: String, Sendable, Hashable, CaseIterable {
    /// It answers.
    case ready = "READY"
    /// It is being read and compiled.
    case loading = "LOADING"
    /// It finishes its last requests.
    case unloading = "UNLOADING"
    /// It doesn't answer.
    case unavailable = "UNAVAILABLE"
}

/// One version of a model as the server's repository lists it.
public struct RepositoryEntry: Sendable, Hashable {
    /// The model's name.
    public var name: String
    /// The version.
    public var version: Int
    /// What it can do now.
    public var state: ModelState
    /// Why it is in this state; empty if there is nothing to say.
    public var reason: String

    /// Describes a version of a model.
    public init(name: String, version: Int, state: ModelState, reason: String = "") {
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
