package import TernTensor

/// Who makes each value of a graph and who reads it, while a pass takes nodes out and changes others.
///
/// Subgraphs count as readers of what they capture, but are not looked into.
package struct ValueUses {
    /// The nodes; `nil` where one was taken out.
    package private(set) var nodes: [Node?]
    private var producers: [Int?]
    /// The positions of the nodes that read each value, once for each time they read it.
    private(set) var readers: [[Int]]
    /// Which values the caller gets.
    private(set) var isOutput: [Bool]

    /// Looks at a graph.
    package init(_ graph: Graph) {
        nodes = graph.nodes
        producers = Array(repeating: nil, count: graph.values.count)
        readers = Array(repeating: [], count: graph.values.count)
        isOutput = Array(repeating: false, count: graph.values.count)
        for port in graph.outputs { isOutput[port.value.index] = true }
        for (index, node) in graph.nodes.enumerated() { connect(node, at: index) }
    }

    private mutating func connect(_ node: Node, at index: Int) {
        for id in node.usedValues { readers[id.index].append(index) }
        for id in node.outputs.compactMap({ $0 }) { producers[id.index] = index }
    }

    private mutating func disconnect(at index: Int) {
        guard let node = nodes[index] else { return }
        for id in node.usedValues { readers[id.index].removeAll { $0 == index } }
        for id in node.outputs.compactMap({ $0 }) { producers[id.index] = nil }
    }

    /// Takes a node out.
    package mutating func remove(at index: Int) {
        disconnect(at: index)
        nodes[index] = nil
    }

    /// Puts a node in another's place.
    package mutating func replace(at index: Int, by node: Node) {
        disconnect(at: index)
        nodes[index] = node
        // A value added by the pass has no row yet.
        let count = (node.inputs + node.outputs).compactMap { $0?.index }.max().map { $0 + 1 } ?? 0
        while readers.count < count {
            readers.append([])
            producers.append(nil)
            isOutput.append(false)
        }
        connect(node, at: index)
    }

    /// Notes that the caller gets another value.
    mutating func isOutputChanged(from id: ValueID, to other: ValueID) {
        isOutput[id.index] = false
        isOutput[other.index] = true
    }

    /// The position of the node that makes a value; `nil` if none does.
    package func producer(of id: ValueID?) -> Int? {
        guard let id, id.index < producers.count else { return nil }
        return producers[id.index]
    }

    /// The node that makes a value, if it is of the standard domain and has this name.
    package func producer(of id: ValueID?, named name: String) -> (index: Int, node: Node)? {
        guard let index = producer(of: id), let node = nodes[index], node.domain.isEmpty,
            node.operatorName == name
        else { return nil }
        return (index, node)
    }

    /// The position of the node that reads a value, if exactly one does, once, and the caller doesn't
    /// get it.
    package func onlyReader(of id: ValueID?) -> Int? {
        guard let id, id.index < readers.count, !isOutput[id.index], readers[id.index].count == 1
        else { return nil }
        return readers[id.index][0]
    }

    /// The only reader of a value, if it is of the standard domain and has this name.
    package func onlyReader(of id: ValueID?, named name: String) -> (index: Int, node: Node)? {
        guard let index = onlyReader(of: id), let node = nodes[index], node.domain.isEmpty,
            node.operatorName == name
        else { return nil }
        return (index, node)
    }
}

extension Graph {
    /// Takes over what a pass made of the nodes.
    package mutating func adopt(_ uses: ValueUses) { nodes = uses.nodes.compactMap { $0 } }

    /// The number that a value always is, if it is a float initializer of one element.
    package func scalar(_ id: ValueID?) -> Float? {
        guard let id, let tensor = initializers[id], tensor.elementType == .fp32,
            tensor.shape.elementCount == 1
        else { return nil }
        return tensor.elements(as: Float.self).first
    }

    /// The elements of a value, if it is a float initializer.
    package func floats(_ id: ValueID?) -> [Float]? {
        guard let id, let tensor = initializers[id], tensor.elementType == .fp32 else { return nil }
        return tensor.elements(as: Float.self)
    }

    /// The axes of a value, if all are known, by number or by name.
    package func knownDimensions(_ id: ValueID?) -> [Dimension]? {
        guard let id, let dimensions = self[id].dimensions, !dimensions.contains(.unknown) else {
            return nil
        }
        return dimensions
    }

    /// Adds known floats under a name that no other value has.
    package mutating func addFloats(near name: String, _ values: [Float], _ shape: Shape) -> ValueID
    {
        addInitializer(
            name: unusedName(near: name),
            Tensor(elementType: .fp32, shape: shape, values: values)
        )
    }

    /// A name that no value has.
    package func unusedName(near name: String) -> String {
        let names = Set(values.map(\.name))
        var count = 0
        while names.contains("\(name)#\(count)") { count += 1 }
        return "\(name)#\(count)"
    }
}
