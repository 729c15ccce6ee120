package import Logging

/// A model that the program brings along, instead of reading it from a repository.
package struct EmbeddedModel: Sendable {
    /// What the model consists of.
    package enum Contents: Sendable {
        /// The bytes of a model file; read and compiled while the server starts.
        case onnx([UInt8])
        /// A model that is ready.
        case executable(any ExecutableModel)
    }

    /// The name callers use.
    package var name: String
    /// The version's number, from 1.
    package var version: UInt64
    /// The model.
    package var contents: Contents

    package init(name: String, version: UInt64 = 1, contents: Contents) {
        self.name = name
        self.version = version
        self.contents = contents
    }
}

/// Everything a server is told when it is made.
package struct ServerConfiguration: Sendable {
    /// What `ServerMetadata` calls the server.
    package var name = "tern"
    /// What `ServerMetadata` says is the server's version.
    package var version = "0.1.0"
    /// The folder of models, `<name>/<version>/model.onnx`; `nil` for embedded models only.
    package var modelsDirectory: String?
    /// Models that the program brings along.
    ///
    /// A repository may not have one of the same name.
    package var embeddedModels: [EmbeddedModel] = []
    /// The URLs to listen on: `ipc://`, `abstract://`, `tcp://`, and `inproc://` for callers in the
    /// same process.
    package var endpoints: [String] = []
    /// What turns model files into models.
    package var reader: any ModelReader = ONNXModelReader()
    /// How many requests run at once; `nil` for one on each processor this process may use.
    package var workerCount: Int?
    /// How long the last idle worker looks for the next request before it sleeps, in microseconds.
    ///
    /// A request that comes in that time begins within about a microsecond, a later one after a
    /// wake-up of some thirty. While requests usually come within that time it costs a processor;
    /// when they are sparser, workers sleep after 50 microseconds.
    package var lookoutMicroseconds = 250
    /// Whether a server of which no model could be loaded starts nevertheless.
    package var startsWithoutModels = false
    /// Every bound.
    package var limits = ServerLimits()
    /// Where log lines go, and from which level on.
    package var logger = Logger(label: "tern")

    package init() {}
}

/// Why a server didn't start.
package enum ServerStartError: Error, Sendable, CustomStringConvertible {
    /// The folder of models cannot be read.
    case repository(FileSystemError)
    /// No model at all could be made ready; says why for each.
    case noModel(reasons: [String])
    /// The configuration contradicts itself.
    case configuration(reason: String)
    /// An endpoint cannot be opened.
    case endpoint(url: String, reason: String)
    /// It was stopped while it started, or it had been started before.
    case notStartable(phase: ServiceState.Phase)

    package var description: String {
        switch self {
        case .repository(let error): "the folder of models cannot be read: \(error)"
        case .noModel(let reasons):
            "no model could be loaded: "
                + (reasons.isEmpty ? "there is none" : reasons.joined(separator: "; "))
        case .configuration(let reason): "the configuration is no good: \(reason)"
        case .endpoint(let url, let reason): "cannot listen on \(url): \(reason)"
        case .notStartable(let phase): "a server that is \(phase) cannot be started"
        }
    }
}
