import TernTensor

/// Takes out nodes that hand their input on as it is, and shortens chains of views.
///
/// A Reshape, Flatten, Squeeze, Unsqueeze or Identity, or several of them one after the other, whose result
/// has the shape that a value before them had; a Transpose in the old order, a Cast to the old type, a
/// Slice of everything, a Pad by nothing, an Expand to the old shape; a Concat, Sum, Mean, Max or Min of
/// one. A Reshape of another view reads what that reads. A Transpose that only moves axes of size 1
/// becomes a Reshape, which costs nothing.
package struct ViewRemoval: Pass {
    private static let views: Set<String> = [
        "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity",
    ]

    /// Makes the pass.
    package init() {}

    /// What the pass does.
    package var name: String { "view removal" }

    /// Takes every such node out.
    package func run(on graph: inout Graph) throws(GraphError) -> Int {
        var uses = ValueUses(graph)
        var changed = 0
        for index in uses.nodes.indices {
            guard let node = uses.nodes[index], node.domain.isEmpty, let input = node.inputs.first,
                let input, let output = node.outputs.first, let output,
                node.outputs.dropFirst().allSatisfy({ $0 == nil })
            else { continue }
            let isView = Self.views.contains(node.operatorName)
            let same =
                isView
                ? Self.origin(of: output, uses, graph)
                : Self.changesNothing(node, input, output, graph) ? input : nil
            if let same {
                guard uses.redirect(output, to: same, in: &graph) else { continue }
                uses.remove(at: index)
                changed += 1
            } else if let shorter = Self.shortened(node, uses, &graph) {
                uses.replace(at: index, by: shorter)
                changed += 1
            }
        }
        graph.adopt(uses)
        return changed
    }

    /// The value before a chain of views that has the shape of its result.
    private static func origin(of output: ValueID, _ uses: ValueUses, _ graph: Graph) -> ValueID? {
        guard let shape = graph.knownDimensions(output) else { return nil }
        var found: ValueID?
        var id = output
        while let source = source(of: id, uses) {
            id = source
            if graph.knownDimensions(id) == shape { found = id }
        }
        return found
    }

    /// What a value is a view of.
    private static func source(of id: ValueID, _ uses: ValueUses) -> ValueID? {
        guard let index = uses.producer(of: id), let node = uses.nodes[index], node.domain.isEmpty,
            views.contains(node.operatorName)
        else { return nil }
        return node.inputs.first ?? nil
    }

    // MARK: Nothing to do

    private static func changesNothing(
        _ node: Node,
        _ input: ValueID,
        _ output: ValueID,
        _ graph: Graph
    ) -> Bool {
        switch node.operatorName {
        case "Concat", "Sum", "Mean", "Max", "Min": return node.inputs.count == 1
        case "Cast":
            return graph[input].elementType != nil
                && graph[input].elementType == graph[output].elementType
        case "Transpose":
            guard case .ints(let order)? = node.attributes["perm"] else { return false }
            return order == Array(order.indices)
        case "Expand": return hasSameShape(input, output, graph)
        case "Slice":
            return hasSameShape(input, output, graph) && takesEverySlice(node, graph)
        case "Pad":
            if node.operatorVersion < 11 {
                guard case .ints(let pads)? = node.attributes["pads"] ?? node.attributes["paddings"]
                else { return false }
                return pads.allSatisfy { $0 == 0 }
            }
            guard node.inputs.count > 1, let id = node.inputs[1],
                let pads = graph.initializers[id]?.integerElements
            else { return false }
            return pads.allSatisfy { $0 == 0 }
        default: return false
        }
    }

    private static func hasSameShape(_ input: ValueID, _ output: ValueID, _ graph: Graph) -> Bool {
        guard let shape = graph.knownDimensions(input) else { return false }
        return graph.knownDimensions(output) == shape
    }

    /// Whether the slices are taken in their order; backwards, all of them are there as well.
    private static func takesEverySlice(_ node: Node, _ graph: Graph) -> Bool {
        guard node.operatorVersion >= 10, node.inputs.count > 4, let id = node.inputs[4] else {
            return true
        }
        return graph.initializers[id]?.integerElements?.allSatisfy { $0 == 1 } ?? false
    }

    // MARK: Less to do

    private static func shortened(_ node: Node, _ uses: ValueUses, _ graph: inout Graph) -> Node? {
        switch node.operatorName {
        case "Reshape":
            guard node.operatorVersion >= 5, node.inputs.count == 2, let shape = node.inputs[1],
                let sizes = graph.initializers[shape]?.integerElements, !sizes.contains(0),
                var source = node.inputs[0]
            else { return nil }
            let first = source
            while let earlier = Self.source(of: source, uses) { source = earlier }
            guard source != first else { return nil }
            var shorter = node
            shorter.inputs[0] = source
            return shorter
        case "Transpose": return reshape(instead: node, &graph)
        default: return nil
        }
    }

    /// A Reshape that does what a Transpose does which keeps the order of all axes but those of size 1.
    private static func reshape(instead node: Node, _ graph: inout Graph) -> Node? {
        guard case .ints(let order)? = node.attributes["perm"], let input = node.inputs[0],
            let output = node.outputs[0], let dimensions = graph[input].dimensions,
            dimensions.count == order.count,
            order.allSatisfy({ dimensions.indices.contains($0) })
        else { return nil }
        let kept = order.filter { dimensions[$0] != .fixed(1) }
        let sizes = order.map { dimensions[$0].fixedSize }
        guard kept == kept.sorted(), sizes.count(where: { $0 == nil }) <= 1, !sizes.contains(0)
        else { return nil }
        let shape = graph.addIntegers(near: graph[output].name, sizes.map { $0 ?? -1 })
        return Node(
            name: node.name,
            operatorName: "Reshape",
            operatorSetVersion: max(node.operatorSetVersion, 14),
            operatorVersion: 14,
            inputs: [input, shape],
            outputs: node.outputs
        )
    }
}
