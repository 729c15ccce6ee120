import ArgumentParser
import TernArtefact
import TernGraph
import TernONNX
import TernRuntime
import TernTensor

/// Tells what is in a model's file.
struct Inspect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows a model's inputs, outputs, operators and parameters.",
        discussion: """
            Lists every node that this version of tern cannot run, with its operator and version, \
            and then ends with 65. Of an artefact, as 'tern compile' writes it, everything is \
            checked, and shown with the kernels it is packed for.

              tern inspect model.onnx

            With --plan it tells what each pass made of the graph, and the steps and the memory of the             plan that runs; with --dump it writes the graph.

              tern inspect model.onnx --plan --shape tokens=1,32
              tern inspect model.onnx --dump graph.dot
            """
    )

    @Argument(help: "A model file, or a folder that holds a model.tern or a model.onnx.")
    var model: String

    @Flag(help: "Shows what the passes changed, and the plan for --shape.")
    var plan = false

    @Option(
        name: .customLong("shape"),
        help: "NAME=SIZE,SIZE… for an input of --plan; sizes that are left open are 1."
    )
    var shapes: [String] = []

    @Option(help: "Writes the graph that runs to a file, or to standard output for '-'.")
    var dump: String?

    @Option(help: "How the graph is written: text or dot; as the file's suffix says, or as text.")
    var format: GraphFormat?

    @Flag(help: "Writes the graph as the file has it, instead of the one that runs.")
    var source = false

    @Option(
        help: ArgumentHelp(
            "A pass that is left out; see --plan for their names.",
            valueName: "pass"
        )
    )
    var without: [String] = []

    @Option(
        name: .customLong("with"),
        help: ArgumentHelp("A pass that is run although it usually isn't.", valueName: "pass")
    )
    var with: [String] = []

    func run() async throws {
        try await reportingFailure {
            let path = try ModelLoading.path(model)
            guard !Artefact.isArtefact(path) else { return try ArtefactDescription(path).show() }
            let file = try ModelLoading.read(path)
            let graph = file.graph
            if let dump {
                let shown =
                    source
                    ? graph
                    : try ModelLoading.compile(graph, from: path, without: without, with: with)
                        .graph
                try (format ?? .suffix(of: dump)).write(shown, to: dump)
                return
            }
            if plan {
                let compiled = try ModelLoading.compile(
                    graph,
                    from: path,
                    without: without,
                    with: with,
                    recordsChanges: true
                )
                let report = try PlanReport(source: graph, model: compiled, shapes: sizes())
                report.lines.forEach(writeLine)
                return
            }
            writeLine("model      \(path)")
            if !graph.name.isEmpty { writeLine("graph      \(graph.name)") }
            if !file.producerName.isEmpty {
                writeLine("made by    \(file.producerName) \(file.producerVersion)")
            }
            let sets = graph.operatorSetVersions.sorted { $0.key < $1.key }
                .map { "\($0.key.isEmpty ? "ai.onnx" : $0.key) \($0.value)" }
            writeLine("opsets     \(sets.joined(separator: ", "))")
            let byteCount = graph.initializers.values.reduce(0) { $0 + $1.storage.byteCount }
            writeLine(
                "parameters \(graph.parameterCount) in \(graph.initializers.count) tensors, "
                    + "\(byteCount) bytes"
            )
            let compiled = Result {
                try ModelLoading.compile(graph, from: path, without: without, with: with)
            }
            for (label, ports, compiledPorts) in [
                ("input", graph.inputs, (try? compiled.get())?.inputs),
                ("output", graph.outputs, (try? compiled.get())?.outputs),
            ] {
                for (index, port) in ports.enumerated() {
                    let text =
                        compiledPorts?[index].description
                        ?? describe(port.name, graph[port.value])
                    writeLine(label.padding(to: 11) + text)
                }
            }
            writeLine("operators  \(graph.nodes.count) nodes")
            for (name, count) in Self.operatorCounts(of: graph) {
                writeLine("  \(String(count).leftPadding(to: 6))  \(name)")
            }
            switch compiled {
            case .success(let compiledModel):
                writeLine(
                    "compiled   \(compiledModel.graph.nodes.count) nodes left to run; supported"
                )
                for fusion in compiledModel.fusions where fusion.nodeCount > 0 {
                    writeLine(
                        "  \(String(fusion.nodeCount).leftPadding(to: 6))  nodes taken out by "
                            + fusion.name
                    )
                }
            case .failure(let failure): throw failure
            }
        }
    }

    private func sizes() throws -> [String: Shape] {
        var found: [String: Shape] = [:]
        for text in shapes {
            // Names may contain '='.
            guard let end = text.lastIndex(of: "=") else {
                throw Failure(.usage, "'\(text)' is no shape; expected NAME=SIZE,SIZE…")
            }
            let sizes = text[text.index(after: end)...].split(separator: ",").map { Int($0) }
            guard let shape = Shape(validating: sizes.map { $0 ?? -1 }) else {
                throw Failure(.usage, "'\(text)' is no shape; expected NAME=SIZE,SIZE…")
            }
            found[String(text[..<end])] = shape
        }
        return found
    }

    private func describe(_ name: String, _ value: Value) -> String {
        let axes = value.dimensions.map {
            "[" + $0.map(\.description).joined(separator: ", ") + "]"
        }
        return "\(name): \(value.elementType?.name ?? "?")\(axes ?? "[...]")"
    }

    static func operatorCounts(of graph: Graph) -> [(String, Int)] {
        var counts: [String: Int] = [:]
        func count(_ graph: Graph) {
            for node in graph.nodes {
                counts[node.qualifiedOperatorName, default: 0] += 1
                for (_, subgraph) in node.subgraphs { count(subgraph) }
            }
        }
        count(graph)
        return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    }
}

extension String {
    /// The string with blanks behind it up to a width.
    func padding(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }

    /// The string with blanks before it up to a width.
    func leftPadding(to width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }
}
