/// All operators that can run, and which version of each a model gets.
package struct OperatorSet: Sendable {
    /// An operator's domain and name.
    package struct Key: Hashable, Sendable {
        /// The domain; the standard domain is `""`.
        package let domain: String
        /// The name.
        package let name: String

        /// Makes a key.
        package init(domain: String, name: String) {
            self.domain = domain
            self.name = name
        }
    }

    /// What was found for a node.
    package enum Resolution: Sendable {
        /// The operator, and the version of it that the node's operator set means.
        case found(OperatorSchema, version: Int)
        /// Nothing; the reason says what is missing.
        case unsupported(reason: String)
    }

    private let schemas: [Key: OperatorSchema]

    /// For each domain, the newest operator set for which the declarations are known to be right.
    ///
    /// A model that asks for a newer one is refused, since any operator may have changed there. A
    /// domain that is not listed has no such limit.
    package let newestOperatorSets: [String: Int]

    /// Collects declarations.
    ///
    /// - Precondition: No operator is declared twice.
    package init(_ schemas: [OperatorSchema], newestOperatorSets: [String: Int] = [:]) {
        var table: [Key: OperatorSchema] = [:]
        table.reserveCapacity(schemas.count)
        for schema in schemas {
            let earlier = table.updateValue(
                schema,
                forKey: Key(domain: schema.domain, name: schema.name)
            )
            precondition(earlier == nil, "an operator is declared twice")
        }
        self.schemas = table
        self.newestOperatorSets = newestOperatorSets
    }

    /// The declarations, ordered by domain and name.
    package var all: [OperatorSchema] {
        schemas.values.sorted { ($0.domain, $0.name) < ($1.domain, $1.name) }
    }

    /// The operator of a domain with the given name, whatever its versions.
    package func schema(domain: String, name: String) -> OperatorSchema? {
        schemas[Key(domain: domain, name: name)]
    }

    /// The operator of a node, whatever its version.
    package func schema(of node: Node) -> OperatorSchema? {
        schema(domain: node.domain, name: node.operatorName)
    }

    /// Finds the operator, and the version of it, that a model with the given operator set means.
    package func resolve(domain: String, name: String, operatorSetVersion: Int) -> Resolution {
        guard let schema = schema(domain: domain, name: name) else {
            return .unsupported(reason: "there is no such operator here")
        }
        if let newest = newestOperatorSets[domain], operatorSetVersion > newest {
            return .unsupported(
                reason: "operator sets up to \(newest) are known, the model asks for "
                    + "\(operatorSetVersion)"
            )
        }
        let known = schema.versions.map(String.init).joined(separator: ", ")
        if let supersededAt = schema.supersededAt, operatorSetVersion >= supersededAt {
            return .unsupported(
                reason: "the definition changed in version \(supersededAt); versions \(known) are "
                    + "there"
            )
        }
        guard let version = schema.versions.last(where: { $0 <= operatorSetVersion }) else {
            return .unsupported(
                reason: "versions \(known) are there, the model asks for an older one"
            )
        }
        return .found(schema, version: version)
    }

    /// Every node of the graph and its subgraphs that no declaration can run.
    package func unsupportedNodes(in graph: Graph) -> [UnsupportedNode] {
        var resolved = graph
        return resolveNodes(of: &resolved, path: [])
    }

    /// Sets ``Node/operatorVersion`` of every node of the graph and its subgraphs.
    ///
    /// - Parameter graph: The graph as the importer made it.
    /// - Throws: ``GraphError/unsupportedOperators(_:)`` with every node that cannot be resolved.
    package func resolve(_ graph: inout Graph) throws(GraphError) {
        let unsupported = resolveNodes(of: &graph, path: [])
        guard unsupported.isEmpty else { throw .unsupportedOperators(unsupported) }
    }

    private func resolveNodes(of graph: inout Graph, path: [String]) -> [UnsupportedNode] {
        var unsupported: [UnsupportedNode] = []
        for index in graph.nodes.indices {
            let location = GraphLocation.describe(graph.nodes[index], at: index, path: path)
            if let reason = resolve(&graph.nodes[index]) {
                let node = graph.nodes[index]
                unsupported.append(
                    UnsupportedNode(
                        node: location,
                        operatorName: GraphLocation.printable(node.qualifiedOperatorName),
                        operatorSetVersion: node.operatorSetVersion,
                        reason: reason
                    )
                )
            }
            let own = GraphLocation.describe(graph.nodes[index], at: index)
            graph.nodes[index].updateSubgraphs { name, subgraph in
                unsupported += resolveNodes(of: &subgraph, path: path + ["\(name) of \(own)"])
            }
        }
        return unsupported
    }

    /// Resolves one node; gives the reason if that cannot be done.
    private func resolve(_ node: inout Node) -> String? {
        let resolution = resolve(
            domain: node.domain,
            name: node.operatorName,
            operatorSetVersion: node.operatorSetVersion
        )
        switch resolution {
        case .unsupported(let reason): return reason
        case .found(let schema, let version):
            guard schema.inputCount.contains(node.inputs.count) else {
                return
                    "takes \(Self.text(schema.inputCount)) inputs, \(node.inputs.count) are given"
            }
            let missing = node.inputs.indices.first { index in
                index < schema.inputCount.lowerBound && node.inputs[index] == nil
                    && !schema.optionalInputs.contains(index)
            }
            if let missing { return "input \(missing) is left out, which must be there" }
            guard schema.outputCount.contains(node.outputs.count) else {
                return "gives \(Self.text(schema.outputCount)) outputs, \(node.outputs.count) are "
                    + "asked for"
            }
            node.operatorVersion = version
            return nil
        }
    }

    private static func text(_ range: ClosedRange<Int>) -> String {
        range.lowerBound == range.upperBound
            ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
    }
}

extension Node {
    /// Calls `body` with each graph among the attributes, ordered by the attributes' names.
    package mutating func updateSubgraphs<Failure: Error>(
        _ body: (_ name: String, _ graph: inout Graph) throws(Failure) -> Void
    ) throws(Failure) {
        for name in attributes.keys.sorted() {
            switch attributes[name] {
            case .graph(var graph):
                try body(name, &graph)
                attributes[name] = .graph(graph)
            case .graphs(var graphs):
                for index in graphs.indices { try body(name, &graphs[index]) }
                attributes[name] = .graphs(graphs)
            default: break
            }
        }
    }
}
