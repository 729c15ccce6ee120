package import TernTensor

// What the passes that look for patterns ask again and again.
extension ValueUses {
    /// Whether all nodes that read a value are among some, and the caller doesn't get it.
    package func isRead(_ id: ValueID, onlyBy nodes: Set<Int>) -> Bool {
        !isOutput[id.index] && readers[id.index].allSatisfy(nodes.contains)
    }

    /// Whether what some nodes make is read by nobody but themselves, save for one value.
    package func isClosed(_ nodes: Set<Int>, but result: ValueID) -> Bool {
        nodes.allSatisfy { index in
            self.nodes[index]?.outputs.allSatisfy { id in
                guard let id, id != result else { return true }
                return isRead(id, onlyBy: nodes)
            } ?? true
        }
    }

    /// The nodes that read a value, if they are of the standard domain and have this name.
    package func readers(of id: ValueID?, named name: String) -> [(index: Int, node: Node)] {
        guard let id, id.index < readers.count else { return [] }
        return readers[id.index].compactMap { index in
            guard let node = nodes[index], node.domain.isEmpty, node.operatorName == name else {
                return nil
            }
            return (index, node)
        }
    }

    /// Lets every reader of a value read another in its place.
    ///
    /// - Returns: `false` if a subgraph reads it, in which case nothing is changed.
    @discardableResult
    package mutating func redirect(
        _ id: ValueID,
        to other: ValueID,
        in graph: inout Graph
    ) -> Bool {
        let positions = Set(readers[id.index])
        for index in positions where nodes[index]?.capturedValues.contains(id) == true {
            return false
        }
        for index in positions {
            guard var node = nodes[index] else { continue }
            node.inputs = node.inputs.map { $0 == id ? other : $0 }
            replace(at: index, by: node)
        }
        for index in graph.outputs.indices where graph.outputs[index].value == id {
            graph.outputs[index].value = other
            isOutputChanged(from: id, to: other)
        }
        return true
    }
}

extension Node {
    /// The other of two inputs.
    package func operand(besides id: ValueID?) -> ValueID? {
        guard inputs.count == 2, let id else { return nil }
        if inputs[0] == id { return inputs[1] }
        return inputs[1] == id ? inputs[0] : nil
    }

    /// Whether it is of the standard domain and has this name.
    package func isStandard(_ name: String) -> Bool { domain.isEmpty && operatorName == name }
}

extension Graph {
    /// The axes that a node takes as an attribute or as a known input, none of them negative; `nil`
    /// if they are not known.
    ///
    /// - Parameters:
    ///   - node: The node.
    ///   - version: The version of the operator that made them an input.
    ///   - rank: How many axes there are.
    /// - Returns: The axes, in their order.
    package func axes(of node: Node, asInputSince version: Int, rank: Int) -> [Int]? {
        var given: [Int]?
        if node.operatorVersion < version {
            guard case .ints(let axes)? = node.attributes["axes"] else { return nil }
            given = axes
        } else if node.inputs.count > 1, let id = node.inputs[1] {
            given = initializers[id]?.integerElements
        }
        guard let given else { return nil }
        let axes = given.map { $0 < 0 ? $0 + rank : $0 }
        guard axes.allSatisfy({ (0..<rank).contains($0) }), Set(axes).count == axes.count else {
            return nil
        }
        return axes
    }

    /// Adds a value of a known type and shape that no other has the name of.
    package mutating func addValue(like id: ValueID, _ dimensions: [Dimension]?) -> ValueID {
        addValue(
            Value(
                name: unusedName(near: self[id].name),
                elementType: self[id].elementType,
                dimensions: dimensions
            )
        )
    }

    /// Adds known whole numbers under a name that no other value has.
    package mutating func addIntegers(near name: String, _ values: [Int]) -> ValueID {
        addInitializer(
            name: unusedName(near: name),
            Tensor(elementType: .int64, shape: [values.count], values: values.map(Int64.init))
        )
    }
}
