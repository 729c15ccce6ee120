package import TernTensor

/// One application of an operator.
package struct Node: Sendable {
    /// The name in the model's file; may be empty, and need not be unique.
    package var name: String
    /// The operator's domain; the standard domain is `""`.
    package var domain: String
    /// The operator's name, such as `Conv`.
    package var operatorName: String
    /// The version of the domain's operator set that the model asks for.
    package var operatorSetVersion: Int
    /// The version of the operator itself; 0 until ``OperatorSet/resolve(_:)`` has found it.
    ///
    /// It is the newest one that is not newer than ``operatorSetVersion``.
    package var operatorVersion: Int
    /// The attributes that the file gives, by name.
    package var attributes: [String: Attribute]
    /// The inputs, by position; `nil` where an optional input is left out.
    package var inputs: [ValueID?]
    /// The outputs, by position; `nil` where an optional output is left out.
    package var outputs: [ValueID?]
    /// Tells the node from all others of the model, subgraphs included, and stays with its copies;
    /// 0 until ``Graph/numberNodes()`` has given it.
    package var identity = 0

    /// Makes a node.
    package init(
        name: String = "",
        domain: String = "",
        operatorName: String,
        operatorSetVersion: Int,
        operatorVersion: Int = 0,
        attributes: [String: Attribute] = [:],
        inputs: [ValueID?],
        outputs: [ValueID?]
    ) {
        self.name = name
        self.domain = domain
        self.operatorName = operatorName
        self.operatorSetVersion = operatorSetVersion
        self.operatorVersion = operatorVersion
        self.attributes = attributes
        self.inputs = inputs
        self.outputs = outputs
    }

    /// The operator with its domain, as people write it: `Conv`, `com.microsoft:QGemm`.
    package var qualifiedOperatorName: String {
        domain.isEmpty ? operatorName : "\(domain):\(operatorName)"
    }

    /// The values the node reads from its own graph: its inputs, and what its subgraphs capture.
    package var usedValues: [ValueID] { inputs.compactMap { $0 } + capturedValues }

    /// The values of the node's graph that its subgraphs capture: each once, in the order of the
    /// attributes' names and of each subgraph's captures.
    package var capturedValues: [ValueID] {
        var seen = Set<ValueID>()
        return subgraphs.flatMap { $0.graph.captures.map(\.outer) }.filter {
            seen.insert($0).inserted
        }
    }

    /// The graphs among the attributes, ordered by the attributes' names.
    package var subgraphs: [(name: String, graph: Graph)] {
        var found: [(name: String, graph: Graph)] = []
        for name in attributes.keys.sorted() {
            switch attributes[name] {
            case .graph(let graph): found.append((name, graph))
            case .graphs(let graphs): for graph in graphs { found.append((name, graph)) }
            default: break
            }
        }
        return found
    }
}

/// The value of an attribute.
package enum Attribute: Sendable {
    /// A whole number.
    case int(Int)
    /// A number in single precision.
    case float(Float)
    /// A byte string, UTF-8 if it is text.
    case string([UInt8])
    /// A tensor.
    case tensor(Tensor)
    /// A graph, such as a branch of If.
    indirect case graph(Graph)
    /// Whole numbers.
    case ints([Int])
    /// Numbers in single precision.
    case floats([Float])
    /// Byte strings.
    case strings([[UInt8]])
    /// Tensors.
    case tensors([Tensor])
    /// Graphs.
    case graphs([Graph])

    /// What kind of value it is, for messages.
    package var kind: String {
        switch self {
        case .int: "an integer"
        case .float: "a float"
        case .string: "a string"
        case .tensor: "a tensor"
        case .graph: "a graph"
        case .ints: "integers"
        case .floats: "floats"
        case .strings: "strings"
        case .tensors: "tensors"
        case .graphs: "graphs"
        }
    }
}
