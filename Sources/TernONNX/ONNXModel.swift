package import TernGraph
import TernTensor

/// A model as an ONNX file describes it, turned into Tern's graph.
///
/// The file is not trusted. Every length is checked before memory is taken for it, names must
/// resolve, the nodes must not form a cycle, and nesting is limited; whatever is wrong is an error
/// that lists all it found. Operators are not looked at: see ``OperatorSet/resolve(_:)``.
package struct ONNXModel: Sendable {
    /// The longest model file that is read; protobuf itself cannot say more.
    package static let byteCountLimit = (1 << 31) - 1
    /// The newest version of the format that is understood.
    package static let newestIRVersion = 14

    /// The graph; its operators are not resolved yet.
    package var graph: Graph
    /// The version of the format that the file was written for.
    package var irVersion: Int
    /// The program that wrote the file; may be empty.
    package var producerName: String
    /// The version of that program; may be empty.
    package var producerVersion: String
    /// What the file says about the model besides.
    package var metadata: [String: String]

    /// Reads a model from a file; tensors' data may be in other files of the same folder.
    ///
    /// - Parameter path: The file.
    /// - Throws: ``ONNXError`` that says everything that is wrong.
    package init(contentsOf path: String) throws(ONNXError) {
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try FileBytes.read(path, byteCountLimit: Self.byteCountLimit)
        } catch {
            throw .file(error.description)
        }
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        try self.init(bytes, folder: folder)
    }

    /// Reads a model from the bytes of a file.
    ///
    /// - Parameters:
    ///   - bytes: The whole file.
    ///   - folder: Where tensors' data outside the file is looked for; `nil` refuses such data.
    /// - Throws: ``ONNXError`` that says everything that is wrong.
    package init(_ bytes: [UInt8], folder: String? = nil) throws(ONNXError) {
        let message: ONNXModelProto = try decodeMessage(bytes)
        guard message.hasIrVersion, message.hasGraph else {
            throw .malformed("a model has a version and a graph, this has not")
        }
        guard (1...Self.newestIRVersion).contains(Int(message.irVersion)) else {
            throw .unsupported([
                "version \(message.irVersion) of the format; up to \(Self.newestIRVersion) is known"
            ])
        }
        let state = ImportState(
            // The first version of the format had no such list.
            operatorSetVersions: message.opsetImport.isEmpty
                ? ["": 1] : try Self.operatorSetVersions(message.opsetImport),
            functions: try FunctionTable(message.functions),
            decoder: TensorDecoder(externalData: folder.map(ExternalData.init))
        )
        let importer = GraphImporter(state: state, parent: nil)
        importer.build(message.graph)
        try state.problems.throwIfAny()
        graph = importer.graph
        do throws(GraphError) {
            try graph.validate()
        } catch {
            throw .invalid([error.description])
        }
        irVersion = Int(message.irVersion)
        producerName = message.producerName
        producerVersion = message.producerVersion
        metadata = Dictionary(
            message.metadataProps.map { ($0.key, $0.value) },
            uniquingKeysWith: { first, _ in first }
        )
    }

    /// The operator sets that a model or a function asks for, with the standard domain as `""`.
    static func operatorSetVersions(
        _ imports: [ONNXOperatorSetIdProto]
    ) throws(ONNXError) -> [String: Int] {
        var versions: [String: Int] = [:]
        var problems = ProblemList()
        for entry in imports {
            let domain = GraphImporter.canonical(entry.domain)
            let name = domain.isEmpty ? "ai.onnx" : GraphLocation.printable(domain)
            guard (1...Int64(Int32.max)).contains(entry.version) else {
                problems.addInvalid("version \(entry.version) of the operator set \(name)")
                continue
            }
            let version = Int(entry.version)
            if let earlier = versions.updateValue(version, forKey: domain), earlier != version {
                problems.addInvalid(
                    "the operator set \(name) is asked for in the versions \(earlier) and \(version)"
                )
            }
        }
        try problems.throwIfAny()
        return versions
    }
}
