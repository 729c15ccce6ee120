package import TernTensor

/// Which value of a graph: an index into ``Graph/values``.
package struct ValueID: Hashable, Sendable, Comparable {
    /// The position in ``Graph/values``.
    package let index: Int

    /// Names the value at `index`.
    package init(_ index: Int) { self.index = index }

    package static func < (left: ValueID, right: ValueID) -> Bool { left.index < right.index }
}

/// One tensor of a graph, before anything is computed: what it is called and what is known of it.
package struct Value: Sendable {
    /// The name in the model's file; unique within a graph, never empty.
    package var name: String
    /// The type of the elements; `nil` until the file or shape inference says.
    package var elementType: ElementType?
    /// The axes; `nil` until the file or shape inference says how many there are.
    package var dimensions: [Dimension]?

    /// Describes a value.
    package init(name: String, elementType: ElementType? = nil, dimensions: [Dimension]? = nil) {
        self.name = name
        self.elementType = elementType
        self.dimensions = dimensions
    }
}

/// An input or output of a graph: the name that callers use, and the value behind it.
///
/// The names are apart from the values', so that a pass can let an output point at another value
/// (as when an Identity node goes away) without changing what callers see.
package struct Port: Sendable, Hashable {
    /// The name callers use.
    package var name: String
    /// The value that is fed or fetched.
    package var value: ValueID

    /// Makes a port.
    package init(name: String, value: ValueID) {
        self.name = name
        self.value = value
    }
}

/// A value of an enclosing graph that a subgraph's nodes read.
package struct Capture: Sendable, Hashable {
    /// The value in the graph that encloses this one.
    package var outer: ValueID
    /// The value in this graph that stands for it.
    package var inner: ValueID

    /// Makes a capture.
    package init(outer: ValueID, inner: ValueID) {
        self.outer = outer
        self.inner = inner
    }
}

/// A model as a graph of operators over values, independent of the file it came from.
///
/// What always holds, and ``validate()`` checks: nodes stand in an order in which every value is
/// defined before it is used; a value is defined once, by a node, an initializer, an input or a
/// capture; names of values are unique.
package struct Graph: Sendable {
    /// The name in the model's file; may be empty.
    package var name: String
    /// Every tensor there is, indexed by ``ValueID``.
    ///
    /// Passes leave unused values in place, so that ids stay what they are.
    package var values: [Value]
    /// The operators, in an order in which they can run.
    package var nodes: [Node]
    /// What a caller gives, in the file's order; initializers are not among them.
    package var inputs: [Port]
    /// What a caller gets, in the file's order.
    package var outputs: [Port]
    /// The values that are known beforehand: weights and constants.
    package var initializers: [ValueID: Tensor]
    /// The values of the enclosing graph that this one reads; empty for a whole model.
    package var captures: [Capture]
    /// The operator set's version that the model asks for, by domain; the standard domain is `""`.
    package var operatorSetVersions: [String: Int]

    /// Makes an empty graph.
    package init(name: String = "", operatorSetVersions: [String: Int] = [:]) {
        self.name = name
        values = []
        nodes = []
        inputs = []
        outputs = []
        initializers = [:]
        captures = []
        self.operatorSetVersions = operatorSetVersions
    }

    /// The value with the given id.
    package subscript(id: ValueID) -> Value {
        get { values[id.index] }
        set { values[id.index] = newValue }
    }

    /// Adds a value and gives its id.
    package mutating func addValue(_ value: Value) -> ValueID {
        values.append(value)
        return ValueID(values.count - 1)
    }

    /// Adds a known value and gives its id.
    package mutating func addInitializer(name: String, _ tensor: Tensor) -> ValueID {
        let id = addValue(
            Value(
                name: name,
                elementType: tensor.elementType,
                dimensions: tensor.shape.map { .fixed($0) }
            )
        )
        initializers[id] = tensor
        return id
    }

    /// What the graph says about its inputs.
    ///
    /// - Precondition: The types of all inputs are known, as ``validate()`` checks.
    package var inputDescriptors: [TensorDescriptor] { inputs.map(descriptor(of:)) }

    /// What the graph says about its outputs.
    ///
    /// - Precondition: The types of all outputs are known, as they are after shape inference.
    package var outputDescriptors: [TensorDescriptor] { outputs.map(descriptor(of:)) }

    private func descriptor(of port: Port) -> TensorDescriptor {
        let value = self[port.value]
        guard let elementType = value.elementType else {
            preconditionFailure("the element type of \(port.name) is asked for before it is known")
        }
        return TensorDescriptor(
            name: port.name,
            elementType: elementType,
            dimensions: value.dimensions
        )
    }

    /// How many elements all initializers have together, subgraphs included.
    package var parameterCount: Int {
        let own = initializers.values.reduce(0) { $0 + $1.shape.elementCount }
        return nodes.reduce(own) { total, node in
            node.subgraphs.reduce(total) { $0 + $1.graph.parameterCount }
        }
    }
}
