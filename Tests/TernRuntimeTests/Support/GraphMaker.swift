import TernGraph
import TernTensor

/// Puts small graphs together by name.
struct GraphMaker {
    private(set) var graph: Graph
    private var ids: [String: ValueID] = [:]
    private let version: Int
    /// The operator set of other domains than the standard one.
    private let domainVersion = 1

    init(version: Int = 17) {
        self.version = version
        graph = Graph(name: "test", operatorSetVersions: ["": version])
    }

    mutating func input(
        _ name: String,
        _ dimensions: [Dimension]?,
        _ elementType: ElementType = .fp32
    ) {
        let id = graph.addValue(
            Value(name: name, elementType: elementType, dimensions: dimensions)
        )
        ids[name] = id
        graph.inputs.append(Port(name: name, value: id))
    }

    mutating func weight(_ name: String, _ tensor: Tensor) {
        ids[name] = graph.addInitializer(name: name, tensor)
    }

    mutating func node(
        _ operatorName: String,
        _ inputs: [String],
        _ outputs: [String],
        _ attributes: [String: Attribute] = [:],
        domain: String = "",
        name: String = ""
    ) {
        for output in outputs { ids[output] = graph.addValue(Value(name: output)) }
        graph.nodes.append(
            Node(
                name: name,
                domain: domain,
                operatorName: operatorName,
                operatorSetVersion: domain.isEmpty ? version : domainVersion,
                attributes: attributes,
                inputs: inputs.map { $0.isEmpty ? nil : ids[$0] },
                outputs: outputs.map { ids[$0] }
            )
        )
    }

    /// A graph for an attribute, such as a branch of If, that reads some of this one's values.
    func subgraph(
        capturing names: [String] = [],
        _ build: (inout GraphMaker) -> Void
    ) -> Attribute {
        var inner = GraphMaker(version: version)
        for name in names {
            let id = inner.graph.addValue(Value(name: name))
            inner.ids[name] = id
            inner.graph.captures.append(Capture(outer: ids[name]!, inner: id))
        }
        build(&inner)
        return .graph(inner.graph)
    }

    mutating func output(_ name: String) {
        graph.outputs.append(Port(name: name, value: ids[name]!))
    }
}

extension Tensor {
    static func floats(_ values: [Float], _ shape: Shape? = nil) -> Tensor {
        Tensor(elementType: .fp32, shape: shape ?? [values.count], values: values)
    }

    static func integers(_ values: [Int64], _ shape: Shape? = nil) -> Tensor {
        Tensor(elementType: .int64, shape: shape ?? [values.count], values: values)
    }

    var floats: [Float] { elements(as: Float.self) }
}
