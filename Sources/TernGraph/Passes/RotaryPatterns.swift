import TernTensor

/// Finds rotations by position that exporters wrote in parts, and puts RotaryEmbedding in their place.
///
/// x · cos + rotated(x) · sin, where rotated(x) is the negated second half of the last axis before the first
/// half, and where cosines and sines are the same in both halves: made of angles that were joined with
/// themselves, or known. x is [batch, heads, sequence, size]; the cosines have one axis of size 1 for the heads.
package struct RotaryPatterns: Pass {
    /// What was made of cosines or sines before.
    private struct Half: Hashable {
        let angles: ValueID
        let batch: Dimension
    }

    /// Makes the pass.
    package init() {}

    /// What the pass does.
    package var name: String { "rotary patterns" }

    /// Replaces every rotation that is found.
    package func run(on graph: inout Graph) throws(GraphError) -> Int {
        var uses = ValueUses(graph)
        var made: [(before: Int, nodes: [Node])] = []
        var halves: [Half: ValueID] = [:]
        for index in uses.nodes.indices {
            guard let sum = uses.nodes[index], sum.isStandard("Add"),
                let match = RotaryMatch(sum, at: index, uses, graph)
            else { continue }
            var inputs: [ValueID?] = [match.input]
            var nodes: [Node] = []
            for angles in [match.cosines, match.sines] {
                let key = Half(angles: angles, batch: match.batch)
                if let known = halves[key] {
                    inputs.append(known)
                    continue
                }
                let half = match.half(of: angles, &nodes, &graph)
                halves[key] = half
                inputs.append(half)
            }
            let node = Node(
                name: sum.name,
                operatorName: "RotaryEmbedding",
                operatorSetVersion: 23,
                operatorVersion: 23,
                inputs: inputs,
                outputs: sum.outputs
            )
            for part in match.parts where part != index { uses.remove(at: part) }
            uses.replace(at: index, by: node)
            made.append((index, nodes))
        }
        let found = made.count
        var nodes: [Node] = []
        for (index, node) in uses.nodes.enumerated() {
            if let first = made.first, first.before == index { nodes += made.removeFirst().nodes }
            if let node { nodes.append(node) }
        }
        graph.nodes = nodes
        return found
    }
}

/// A rotation that was found.
private struct RotaryMatch {
    let parts: Set<Int>
    let input: ValueID
    let cosines: ValueID
    let sines: ValueID
    let batch: Dimension
    private let size: Int

    init?(_ sum: Node, at index: Int, _ uses: ValueUses, _ graph: Graph) {
        guard let output = sum.outputs[0], graph[output].elementType == .fp32,
            let (left, right) = Self.products(of: sum, uses)
        else { return nil }
        for (direct, turned) in [(left, right), (right, left)] {
            for (rotated, sines) in Self.operands(of: turned.node) {
                guard let rotation = Self.rotation(rotated, uses, graph),
                    let cosines = direct.node.operand(besides: rotation.input),
                    let x = graph.knownDimensions(rotation.input), x.count == 4,
                    let size = x[3].fixedSize, size >= 2, size.isMultiple(of: 2),
                    Self.fit(cosines, x, uses, graph), Self.fit(sines, x, uses, graph)
                else { continue }
                let parts = rotation.parts.union([index, direct.index, turned.index])
                guard uses.isClosed(parts, but: output) else { continue }
                self.parts = parts
                input = rotation.input
                self.cosines = cosines
                self.sines = sines
                self.size = size
                batch = x[0]
                return
            }
        }
        return nil
    }

    private typealias Found = (index: Int, node: Node)

    private static func products(of sum: Node, _ uses: ValueUses) -> (Found, Found)? {
        guard sum.inputs.count == 2, let left = uses.producer(of: sum.inputs[0], named: "Mul"),
            let right = uses.producer(of: sum.inputs[1], named: "Mul"), left.index != right.index
        else { return nil }
        return (left, right)
    }

    private static func operands(of product: Node) -> [(ValueID, ValueID)] {
        guard product.inputs.count == 2, let a = product.inputs[0], let b = product.inputs[1] else {
            return []
        }
        return [(a, b), (b, a)]
    }

    // MARK: The halves of x

    private static func rotation(
        _ id: ValueID,
        _ uses: ValueUses,
        _ graph: Graph
    ) -> (input: ValueID, parts: Set<Int>)? {
        guard let joined = uses.producer(of: id, named: "Concat"), joined.node.inputs.count == 2,
            isLastAxis(joined.node, of: id, graph),
            let negated = uses.producer(of: joined.node.inputs[0], named: "Neg"),
            let second = part(of: negated.node.inputs[0], isSecond: true, uses, graph),
            let first = part(of: joined.node.inputs[1], isSecond: false, uses, graph),
            first.input == second.input
        else { return nil }
        return (first.input, [joined.index, negated.index, first.index, second.index])
    }

    private static func isLastAxis(_ node: Node, of id: ValueID, _ graph: Graph) -> Bool {
        guard case .int(let axis)? = node.attributes["axis"] else { return false }
        return axis == -1 || axis + 1 == graph[id].dimensions?.count
    }

    /// What a value is a half of, by Slice or Split.
    private static func part(
        of id: ValueID?,
        isSecond: Bool,
        _ uses: ValueUses,
        _ graph: Graph
    ) -> (input: ValueID, index: Int)? {
        guard let id, let index = uses.producer(of: id), let node = uses.nodes[index],
            node.domain.isEmpty, let input = node.inputs.first ?? nil,
            let size = graph[input].dimensions?.last?.fixedSize,
            graph[id].dimensions?.last == .fixed(size / 2), size.isMultiple(of: 2)
        else { return nil }
        if node.operatorName == "Split" {
            guard node.outputs.count == 2, node.outputs[isSecond ? 1 : 0] == id,
                isLastAxis(node, of: input, graph)
            else { return nil }
            return (input, index)
        }
        guard node.operatorName == "Slice", node.operatorVersion >= 10, node.inputs.count >= 4,
            let rank = graph[input].dimensions?.count,
            let start = integer(node.inputs[1], graph), let axis = integer(node.inputs[3], graph),
            axis == -1 || axis == rank - 1
        else { return nil }
        if node.inputs.count > 4, node.inputs[4] != nil, integer(node.inputs[4], graph) != 1 {
            return nil
        }
        // The length is known to be half: where it starts says which half.
        let first = start < 0 ? start + size : start
        return first == (isSecond ? size / 2 : 0) ? (input, index) : nil
    }

    private static func integer(_ id: ValueID?, _ graph: Graph) -> Int? {
        guard let id, let known = graph.initializers[id]?.integerElements, known.count == 1 else {
            return nil
        }
        return known[0]
    }

    // MARK: Cosines and sines

    /// Whether a value has an angle for each position, the same in both halves and for all heads.
    private static func fit(
        _ id: ValueID,
        _ x: [Dimension],
        _ uses: ValueUses,
        _ graph: Graph
    ) -> Bool {
        guard let own = graph.knownDimensions(id), own.count == 4, graph[id].elementType == .fp32,
            own[0] == x[0] || own[0] == .fixed(1) && x[0].fixedSize != nil, own[1] == .fixed(1),
            own[2] == x[2], own[3] == x[3]
        else { return false }
        return hasEqualHalves(id, uses, graph)
    }

    private static func hasEqualHalves(
        _ id: ValueID,
        _ uses: ValueUses,
        _ graph: Graph,
        depth: Int = 0
    ) -> Bool {
        if let tensor = graph.initializers[id], let size = tensor.shape.last, size > 0,
            let numbers = graph.floats(id)
        {
            return numbers.indices.allSatisfy { index in
                let place = index % size
                return place < size / 2 || numbers[index] == numbers[index - size / 2]
            }
        }
        guard depth < 8, let index = uses.producer(of: id), let node = uses.nodes[index],
            node.domain.isEmpty
        else { return false }
        switch node.operatorName {
        case "Concat":
            return node.inputs.count == 2 && node.inputs[0] == node.inputs[1]
                && isLastAxis(node, of: id, graph)
        case "Cos", "Sin", "Cast", "Identity", "Unsqueeze":
            guard let input = node.inputs[0],
                node.operatorName != "Unsqueeze"
                    || graph[input].dimensions?.last == graph[id].dimensions?.last
            else { return false }
            return hasEqualHalves(input, uses, graph, depth: depth + 1)
        case "Mul":
            let factor = node.inputs.first { graph.scalar($0) != nil } ?? nil
            guard let factor, let input = node.operand(besides: factor) else { return false }
            return hasEqualHalves(input, uses, graph, depth: depth + 1)
        default: return false
        }
    }

    /// Adds the nodes that make [batch, sequence, size / 2] of them.
    func half(of angles: ValueID, _ nodes: inout [Node], _ graph: inout Graph) -> ValueID {
        var dimensions = graph[angles].dimensions ?? []
        let name = graph[angles].name
        func add(_ operatorName: String, _ inputs: [ValueID], _ graph: inout Graph) -> ValueID {
            let output = graph.addValue(like: angles, dimensions)
            nodes.append(
                Node(
                    operatorName: operatorName,
                    operatorSetVersion: 13,
                    operatorVersion: 13,
                    inputs: inputs,
                    outputs: [output]
                )
            )
            return output
        }
        dimensions[3] = .fixed(size / 2)
        let bounds = [0, size / 2, 3].map { graph.addIntegers(near: name, [$0]) }
        let sliced = add("Slice", [angles] + bounds, &graph)
        dimensions.remove(at: 1)
        let squeezed = add("Squeeze", [sliced, graph.addIntegers(near: name, [1])], &graph)
        guard dimensions[0] != batch, let count = batch.fixedSize else { return squeezed }
        dimensions[0] = batch
        return add("Expand", [squeezed, graph.addIntegers(near: name, [count, 1, 1])], &graph)
    }
}
