import TernArtefact
import TernGraph
import TernKernels
import TernMicrokernels
import TernRuntime
import TernTensor

/// What `tern inspect` tells of an artefact.
struct ArtefactDescription {
    private let path: String
    private let artefact: Artefact
    private let model: CompiledModel

    /// Reads and checks an artefact, and makes it ready as a server would.
    ///
    /// - Parameter path: The file.
    /// - Throws: ``Failure`` if it cannot be used.
    init(_ path: String) throws {
        self.path = path
        artefact = try ModelLoading.readArtefact(path)
        model = try ModelLoading.load(artefact, from: path)
    }

    /// Writes the lines.
    func show() throws {
        let graph = artefact.graph
        writeLine("artefact   \(path)")
        writeLine("made by    \(artefact.producer) from \(artefact.source)")
        writeLine("precision  \(artefact.precision)")
        let byteCount = graph.initializers.values.reduce(0) { $0 + $1.storage.byteCount }
        writeLine(
            "parameters \(artefact.parameterCount), kept in \(graph.initializers.count) tensors, "
                + "\(byteCount) bytes"
        )
        for (label, ports) in [("input", model.inputs), ("output", model.outputs)] {
            for port in ports { writeLine(label.padding(to: 11) + port.description) }
        }
        writeLine("operators  \(graph.nodes.count) nodes")
        for (name, count) in Inspect.operatorCounts(of: graph) {
            writeLine("  \(String(count).leftPadding(to: 6))  \(name)")
        }
        let packedByteCount = artefact.panels.reduce(0) { total, panels in
            panels.memory.reduce(total) { $0 + $1.byteCount }
        }
        writeLine("packed     \(artefact.panels.count) weights, \(packedByteCount) bytes")
        let identity = KernelTable.current.packingIdentity
        writeLine(
            "  for \(artefact.packing): "
                + (artefact.packing == identity
                    ? "fits here" : "not this machine's \(identity), packed again when loaded")
        )
        for shapes in artefact.shapes {
            let texts = zip(model.inputs, shapes).map { "\($0.name) \($1)" }
            writeLine("planned    \(texts.joined(separator: ", "))")
        }
        for set in artefact.goldenSets { writeLine("golden     \(set.name)") }
    }
}
