/// The calls of the protocol, named as the Open Inference Protocol and its repository extension
/// name them.
///
/// The raw values are the codes of the wire protocol, version 1, and never change. A reply has the
/// kind of its request. Code 0 is no call: it stands in the error reply to a frame whose kind could
/// not be read.
package enum MessageKind: UInt16, Sendable, Hashable, CaseIterable {
    case serverLive = 1
    case serverReady = 2
    case serverMetadata = 3
    case modelReady = 4
    case modelMetadata = 5
    case modelInfer = 6
    case repositoryIndex = 7
    case repositoryModelLoad = 8
    case repositoryModelUnload = 9
    case cancel = 10

    /// The call's name, such as `ModelInfer`.
    package var name: String {
        switch self {
        case .serverLive: "ServerLive"
        case .serverReady: "ServerReady"
        case .serverMetadata: "ServerMetadata"
        case .modelReady: "ModelReady"
        case .modelMetadata: "ModelMetadata"
        case .modelInfer: "ModelInfer"
        case .repositoryIndex: "RepositoryIndex"
        case .repositoryModelLoad: "RepositoryModelLoad"
        case .repositoryModelUnload: "RepositoryModelUnload"
        case .cancel: "Cancel"
        }
    }
}
