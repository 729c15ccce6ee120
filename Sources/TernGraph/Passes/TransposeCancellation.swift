import TernTensor

/// Brings transpositions together so that they cancel, or that one does for two.
///
/// A Transpose of a Transpose becomes one, or none if their orders are each other's inverse. Where operators
/// that work element by element stand between two of them, the first moves behind these: their constants
/// are turned as well. Nothing moves unless two transpositions meet, so that there is never more to do.
package struct TransposeCancellation: Pass {
    private static let unary: Set<String> = [
        "Abs", "Neg", "Sign", "Ceil", "Floor", "Round", "Sqrt", "Reciprocal", "Exp", "Log", "Erf",
        "Relu", "Sigmoid", "Tanh", "LeakyRelu", "Elu", "Selu", "Celu", "HardSigmoid", "HardSwish",
        "Softplus", "Softsign", "Gelu", "Swish", "Mish", "Clip", "Cast", "ThresholdedRelu",
        "Identity", "Not", "IsNaN",
    ]
    private static let binary: Set<String> = ["Add", "Sub", "Mul", "Div", "Pow", "PRelu"]

    /// Makes the pass.
    package init() {}

    /// What the pass does.
    package var name: String { "transpose cancellation" }

    /// Brings every pair together.
    package func run(on graph: inout Graph) throws(GraphError) -> Int {
        var uses = ValueUses(graph)
        var removed = 0
        for index in uses.nodes.indices {
            guard let node = uses.nodes[index], node.isStandard("Transpose"),
                let order = Self.order(node, graph)
            else { continue }
            if joinWithProducer(node, order, at: index, &uses, &graph) {
                removed += 1
            } else if pushToReader(node, order, at: index, &uses, &graph) {
                removed += 1
            }
        }
        graph.adopt(uses)
        return removed
    }

    private static func order(_ node: Node, _ graph: Graph) -> [Int]? {
        if case .ints(let order)? = node.attributes["perm"] {
            return order.sorted() == Array(order.indices) ? order : nil
        }
        guard let input = node.inputs[0], let rank = graph[input].dimensions?.count else {
            return nil
        }
        return Array((0..<rank).reversed())
    }

    // MARK: Two in a row

    /// Reads what the Transpose before this one reads.
    private func joinWithProducer(
        _ node: Node,
        _ order: [Int],
        at index: Int,
        _ uses: inout ValueUses,
        _ graph: inout Graph
    ) -> Bool {
        guard let first = uses.producer(of: node.inputs[0], named: "Transpose"),
            let earlier = Self.order(first.node, graph), earlier.count == order.count,
            let source = first.node.inputs[0], let output = node.outputs[0]
        else { return false }
        let joined = order.map { earlier[$0] }
        guard joined != Array(joined.indices) else {
            guard uses.redirect(output, to: source, in: &graph) else { return false }
            uses.remove(at: index)
            return true
        }
        var made = node
        made.inputs = [source]
        made.attributes["perm"] = .ints(joined)
        uses.replace(at: index, by: made)
        return true
    }

    // MARK: Two with something between them

    private func pushToReader(
        _ node: Node,
        _ order: [Int],
        at index: Int,
        _ uses: inout ValueUses,
        _ graph: inout Graph
    ) -> Bool {
        guard let source = node.inputs[0], let turned = node.outputs[0] else { return false }
        var chain: [Int] = []
        var value = turned
        var end: (index: Int, node: Node)?
        while let reader = uses.onlyReader(of: value), let next = uses.nodes[reader] {
            if next.isStandard("Transpose") {
                end = (reader, next)
                break
            }
            guard next.domain.isEmpty, next.outputs.count == 1, let output = next.outputs[0],
                next.inputs.first == value || Self.binary.contains(next.operatorName),
                canMove(next, value, rank: order.count, graph)
            else { return false }
            chain.append(reader)
            value = output
        }
        guard !chain.isEmpty, let end, let last = Self.order(end.node, graph),
            last.count == order.count, let result = end.node.outputs[0]
        else { return false }
        let joined = last.map { order[$0] }
        let isNothing = joined == Array(joined.indices)
        // A subgraph that reads the result by name keeps it from being replaced.
        if isNothing, !uses.redirect(result, to: value, in: &graph) { return false }
        var before = turned
        for (step, position) in chain.enumerated() {
            guard let moved = uses.nodes[position] else { continue }
            let input = step == 0 ? source : before
            uses.replace(
                at: position,
                by: turning(moved, reading: before, as: input, order, &graph)
            )
            before = moved.outputs[0] ?? before
        }
        for position in chain { turnDimensions(uses.nodes[position]?.outputs[0], order, &graph) }
        uses.remove(at: index)
        if isNothing {
            uses.remove(at: end.index)
        } else {
            var made = end.node
            made.attributes["perm"] = .ints(joined)
            uses.replace(at: end.index, by: made)
        }
        return true
    }

    /// Whether a node does the same to every element wherever it lies, with constants that can be turned.
    private func canMove(_ node: Node, _ value: ValueID, rank: Int, _ graph: Graph) -> Bool {
        if Self.unary.contains(node.operatorName) { return true }
        guard Self.binary.contains(node.operatorName), let other = node.operand(besides: value),
            other != value, let tensor = graph.initializers[other], tensor.shape.rank <= rank,
            node.operatorVersion >= 7
        else { return false }
        return tensor.shape.count(where: { $0 != 1 }) <= 1
    }

    /// The node with another input, and constants that lie as that does.
    private func turning(
        _ node: Node,
        reading value: ValueID,
        as input: ValueID,
        _ order: [Int],
        _ graph: inout Graph
    ) -> Node {
        var moved = node
        moved.inputs = node.inputs.map { $0 == value ? input : $0 }
        guard Self.binary.contains(node.operatorName),
            let position = node.inputs.firstIndex(where: { $0 != value }),
            let other = node.inputs[position], let tensor = graph.initializers[other],
            tensor.shape.elementCount > 1
        else { return moved }
        // With one axis that isn't 1, the elements lie the same in any order of the axes.
        let missing = order.count - tensor.shape.rank
        let shape = Array(repeating: 1, count: missing) + Array(tensor.shape)
        var turned = shape
        for (axis, origin) in order.enumerated() { turned[origin] = shape[axis] }
        moved.inputs[position] = graph.addInitializer(
            name: graph.unusedName(near: graph[other].name),
            Tensor(elementType: tensor.elementType, shape: Shape(turned), storage: tensor.storage)
        )
        return moved
    }

    private func turnDimensions(_ id: ValueID?, _ order: [Int], _ graph: inout Graph) {
        guard let id, let dimensions = graph[id].dimensions, dimensions.count == order.count else {
            return
        }
        var turned = dimensions
        for (axis, origin) in order.enumerated() { turned[origin] = dimensions[axis] }
        graph[id].dimensions = turned
    }
}
