import TernGraph
import TernTensor

/// What the importers of a model's graph and its subgraphs share.
final class ImportState {
    /// The operator sets that the model asks for.
    let operatorSetVersions: [String: Int]
    /// The functions that the model brings along.
    let functions: FunctionTable
    /// Reads tensors.
    let decoder: TensorDecoder
    /// What is wrong with the model.
    var problems = ProblemList()
    /// How many calls of functions there were.
    var callCount = 0
    /// How many nodes they have become.
    var expandedNodeCount = 0
    /// How long those nodes would be in a file.
    var expandedByteCount = 0
    /// Whether it has been reported that they are too many.
    var hasReportedExpansion = false

    init(
        operatorSetVersions: [String: Int],
        functions: FunctionTable,
        decoder: TensorDecoder
    ) {
        self.operatorSetVersions = operatorSetVersions
        self.functions = functions
        self.decoder = decoder
    }
}

/// Builds one graph from its message: the model's, or a subgraph with access to those around it.
final class GraphImporter {
    /// The deepest nesting of subgraphs.
    static let subgraphDepthLimit = 64
    /// The deepest nesting of calls of functions.
    static let callDepthLimit = 64
    /// How many nodes all calls of functions may become: functions that call functions double with
    /// every level.
    static let expandedNodeLimit = 1 << 17
    /// How long, in bytes, all those nodes may be.
    static let expandedByteLimit = 1 << 30

    private let state: ImportState
    private let parent: GraphImporter?
    private let depth: Int
    /// Where the graph stands, for messages; empty for the model's own.
    private let place: String
    private var names: [String: ValueID] = [:]
    /// The functions whose bodies the nodes stand in, from the outermost.
    private var calls: [FunctionTable.Key]
    /// The operator sets that the nodes mean: the model's, or those of a function.
    private var versions: [String: Int]
    /// Graph outputs whose declared type means something else than the value behind them.
    private var aliases = Set<String>()

    /// The graph; complete after ``build(_:)``.
    private(set) var graph: Graph

    init(state: ImportState, parent: GraphImporter?, place: String = "") {
        self.state = state
        self.parent = parent
        self.place = place
        depth = (parent?.depth ?? -1) + 1
        calls = parent?.calls ?? []
        versions = parent?.versions ?? state.operatorSetVersions
        graph = Graph(operatorSetVersions: state.operatorSetVersions)
    }

    /// The name of a domain as the graph has it: the standard domain has two in files.
    static func canonical(_ domain: String) -> String { domain == "ai.onnx" ? "" : domain }

    /// Builds the graph; what is wrong goes to the state's problems.
    func build(_ message: ONNXGraphProto) {
        guard depth <= Self.subgraphDepthLimit else {
            state.problems.addUnsupported(
                "subgraphs that are nested more than \(Self.subgraphDepthLimit) deep"
            )
            return
        }
        graph.name = message.name
        for sparse in message.sparseInitializer {
            state.problems.addUnsupported(
                "the sparse initializer \(quoted(sparse.values.name))\(place)"
            )
        }
        addInitializers(message.initializer)
        addInputs(message.input)
        guard let order = NodeOrder.sorted(message.node, place: place, problems: &state.problems)
        else { return }
        for index in order where !state.problems.isFull { addNode(message.node[index], at: index) }
        guard !state.problems.isFull else { return }
        addOutputs(message.output)
        for info in message.valueInfo { describe(info) }
    }

    // MARK: - Names

    private func quoted(_ name: String) -> String { "\"\(GraphLocation.printable(name))\"" }

    /// Gives a name a value of its own; `nil` if the name is taken.
    private func define(_ name: String, as what: String) -> ValueID? {
        guard names[name] == nil else {
            state.problems.addInvalid("\(what) defines \(quoted(name)) again\(place)")
            return nil
        }
        let id = graph.addValue(Value(name: name))
        names[name] = id
        return id
    }

    /// The value that a name means here.
    ///
    /// One of an enclosing graph becomes a capture.
    private func lookUp(_ name: String) -> ValueID? {
        if let id = names[name] { return id }
        guard let outer = parent?.lookUp(name) else { return nil }
        let inner = graph.addValue(Value(name: name))
        names[name] = inner
        graph.captures.append(Capture(outer: outer, inner: inner))
        return inner
    }

    // MARK: - Values

    private func addInitializers(_ messages: [ONNXTensorProto]) {
        for (index, message) in messages.enumerated() {
            let what =
                message.name.isEmpty
                ? "initializer \(index)" : "initializer \(quoted(message.name))"
            guard !message.name.isEmpty else {
                state.problems.addInvalid("\(what) has no name\(place)")
                continue
            }
            guard let id = define(message.name, as: what) else { continue }
            setConstant(id, at: what + place) { () throws(ONNXError) in
                try state.decoder.tensor(from: message)
            }
        }
    }

    private func setConstant(
        _ id: ValueID,
        at what: String,
        _ make: () throws(ONNXError) -> Tensor
    ) {
        do throws(ONNXError) {
            let tensor = try make()
            graph[id].elementType = tensor.elementType
            graph[id].dimensions = tensor.shape.map { .fixed($0) }
            graph.initializers[id] = tensor
        } catch {
            state.problems.add(error, at: what)
        }
    }

    private func addInputs(_ messages: [ONNXValueInfoProto]) {
        for (index, message) in messages.enumerated() {
            // Old files list their initializers as inputs as well.
            if let id = names[message.name], graph.initializers[id] != nil { continue }
            let what = "input \(quoted(message.name))"
            guard !message.name.isEmpty else {
                state.problems.addInvalid("input \(index) has no name\(place)")
                continue
            }
            guard let id = define(message.name, as: what) else { continue }
            graph.inputs.append(Port(name: message.name, value: id))
            // A subgraph's inputs get their types from the node that runs it.
            if parent != nil, message.type.value == nil { continue }
            setType(id, message.type, at: what + place)
        }
    }

    /// Sets a value's type and axes from a type message that must be a tensor's.
    private func setType(_ id: ValueID, _ type: ONNXTypeProto, at what: String) {
        do throws(ONNXError) {
            let (elementType, dimensions) = try TensorType.read(type)
            graph[id].elementType = graph[id].elementType ?? elementType
            graph[id].dimensions = graph[id].dimensions ?? dimensions
        } catch {
            state.problems.add(error, at: what)
        }
    }

    private func addOutputs(_ messages: [ONNXValueInfoProto]) {
        var seen = Set<String>()
        for message in messages {
            let what = "output \(quoted(message.name))"
            guard let id = lookUp(message.name) else {
                state.problems.addInvalid("\(what) is not defined by anything\(place)")
                continue
            }
            guard seen.insert(message.name).inserted else {
                state.problems.addInvalid("\(what) is listed twice\(place)")
                continue
            }
            graph.outputs.append(Port(name: message.name, value: id))
            // What the file doesn't say follows from the nodes.
            guard message.type.value != nil, !aliases.contains(message.name) else { continue }
            setType(id, message.type, at: what + place)
        }
    }

    /// Takes over what the file says of a value inside the graph, if it can be used.
    private func describe(_ message: ONNXValueInfoProto) {
        guard let id = names[message.name], !aliases.contains(message.name) else { return }
        guard let type = try? TensorType.read(message.type) else { return }
        graph[id].elementType = graph[id].elementType ?? type.elementType
        graph[id].dimensions = graph[id].dimensions ?? type.dimensions
    }

    // MARK: - Nodes

    private func addNode(_ message: ONNXNodeProto, at index: Int) {
        let domain = Self.canonical(message.domain)
        let what = NodeOrder.describe(message, at: index) + place
        guard !message.opType.isEmpty else {
            state.problems.addInvalid("\(what) has no operator")
            return
        }
        let inputs = message.input.enumerated().map { position, name -> ValueID? in
            guard !name.isEmpty else { return nil }
            guard let id = lookUp(name) else {
                state.problems.addInvalid(
                    "\(what) reads \(quoted(name)), which nothing defines (input \(position))"
                )
                return nil
            }
            return id
        }
        if domain == "ai.onnx.ml", message.opType == "ZipMap" {
            addZipMap(message, inputs, at: what)
            return
        }
        let key = FunctionTable.Key(domain, message.opType, message.overload)
        if let function = state.functions[key] {
            addCall(message, of: function, key, at: what)
            return
        }
        // Also those of a node that cannot be used, so that its readers are not reported as well.
        let outputs = message.output.map { name in
            name.isEmpty ? nil : define(name, as: what)
        }
        guard let version = versions[domain] else {
            state.problems.addInvalid(
                "\(what) is of the domain \(quoted(domain)), of which the model imports no "
                    + "operator set"
            )
            return
        }
        let attributes = attributes(of: message, at: what)
        if domain.isEmpty, message.opType == "Constant" {
            guard outputs.count == 1, let id = outputs[0] else {
                state.problems.addInvalid("\(what) must have one output, it has \(outputs.count)")
                return
            }
            setConstant(id, at: what) { () throws(ONNXError) in
                try ConstantNode.tensor(from: attributes)
            }
            return
        }
        graph.nodes.append(
            Node(
                name: message.name,
                domain: domain,
                operatorName: message.opType,
                operatorSetVersion: version,
                attributes: attributes,
                inputs: inputs,
                outputs: outputs
            )
        )
    }

    /// Adds what a function does in the place of its call.
    private func addCall(
        _ call: ONNXNodeProto,
        of entry: FunctionTable.Entry,
        _ key: FunctionTable.Key,
        at what: String
    ) {
        /// Its readers are not to be reported as well.
        func defineOutputs() {
            for name in call.output where !name.isEmpty { _ = define(name, as: what) }
        }
        guard !calls.contains(key) else {
            state.problems.addInvalid("\(what) calls the function it stands in")
            return defineOutputs()
        }
        guard calls.count < Self.callDepthLimit else {
            state.problems.addUnsupported(
                "\(what): functions that call each other more than \(Self.callDepthLimit) deep"
            )
            return defineOutputs()
        }
        let function = entry.message
        state.callCount += 1
        state.expandedNodeCount += function.node.count
        state.expandedByteCount += entry.byteCount
        guard state.expandedNodeCount <= Self.expandedNodeLimit,
            state.expandedByteCount <= Self.expandedByteLimit,
            state.callCount <= Self.expandedNodeLimit
        else {
            if !state.hasReportedExpansion {
                state.problems.addUnsupported(
                    "functions whose calls become more than \(Self.expandedNodeLimit) nodes or "
                        + "\(Self.expandedByteLimit) bytes"
                )
            }
            state.hasReportedExpansion = true
            return defineOutputs()
        }
        let body: [ONNXNodeProto]
        let imports: [String: Int]
        do throws(ONNXError) {
            body = try FunctionExpansion(of: function, called: call, number: state.callCount)
                .nodes()
            imports = try ONNXModel.operatorSetVersions(function.opsetImport)
        } catch {
            state.problems.add(error, at: what)
            return defineOutputs()
        }
        let within = " in the function \(quoted(function.name)) that \(what) calls"
        guard let order = NodeOrder.sorted(body, place: within, problems: &state.problems) else {
            return
        }
        let outside = (calls, versions)
        calls.append(key)
        versions = imports
        for index in order where !state.problems.isFull { addNode(body[index], at: index) }
        (calls, versions) = outside
    }

    /// Lets a ZipMap's output name stand for its input.
    ///
    /// ZipMap turns a tensor of scores into a list of dictionaries, one for each row. Callers get
    /// the tensor: the output's name stands for the node's input.
    private func addZipMap(_ message: ONNXNodeProto, _ inputs: [ValueID?], at what: String) {
        guard inputs.count == 1, message.output.count == 1, let name = message.output.first,
            !name.isEmpty
        else {
            state.problems.addInvalid("\(what) must have one input and one output")
            return
        }
        guard names[name] == nil else {
            state.problems.addInvalid("\(what) defines \(quoted(name)) again")
            return
        }
        guard let id = inputs[0] else { return }
        names[name] = id
        aliases.insert(name)
    }

    private func attributes(of message: ONNXNodeProto, at what: String) -> [String: Attribute] {
        var attributes: [String: Attribute] = [:]
        for attribute in message.attribute {
            let place = "attribute \(quoted(attribute.name)) of \(what)"
            do throws(ONNXError) {
                let value = try AttributeDecoder(decoder: state.decoder) { [self] subgraph in
                    let importer = GraphImporter(
                        state: state,
                        parent: self,
                        place: " in \(attribute.name) of \(what)"
                    )
                    importer.build(subgraph)
                    return importer.graph
                }.attribute(from: attribute)
                if attributes.updateValue(value, forKey: attribute.name) != nil {
                    state.problems.addInvalid("\(place) is given twice")
                }
            } catch {
                state.problems.add(error, at: place)
            }
        }
        return attributes
    }
}
