import TernTensor

/// Finds normalisations by mean and variance, or by the mean of squares, that exporters wrote in parts, and
/// puts LayerNormalization or RMSNormalization in their place.
///
/// With d = x − mean(x), or d = x: d / √(mean(d²) + ε), perhaps times a scale, perhaps plus a bias. The
/// means are over the last axes, which they keep; the square is d², d · d; the root divides, or is
/// inverted and multiplies, and may meet the scale first. TensorFlow's
/// x · (r · scale) + (bias − mean · (r · scale)) is found too.
package struct NormalizationPatterns: Pass {
    /// Makes the pass.
    package init() {}

    /// What the pass does.
    package var name: String { "normalization patterns" }

    /// Replaces every normalization that is found.
    package func run(on graph: inout Graph) throws(GraphError) -> Int {
        var uses = ValueUses(graph)
        var replaced = 0
        for index in uses.nodes.indices {
            guard let node = uses.nodes[index], node.isStandard("Sqrt"),
                var match = NormalizationMatch(root: node, at: index, uses, graph),
                match.findResult(uses, graph), match.isClosed(uses)
            else { continue }
            var made = match.node(&graph)
            made.name = uses.nodes[match.last]?.name ?? ""
            for part in match.parts where part != match.last { uses.remove(at: part) }
            uses.replace(at: match.last, by: made)
            replaced += 1
        }
        graph.adopt(uses)
        return replaced
    }
}

/// A normalization as far as it has been found.
private struct NormalizationMatch {
    /// The positions of the nodes that are replaced.
    private(set) var parts: Set<Int>
    /// The one that makes the result.
    private(set) var last: Int
    private let root: ValueID
    private let input: ValueID
    /// What is divided: the input, or the input less its mean.
    private let centred: ValueID
    private let mean: ValueID?
    private let axis: Int
    private let rank: Int
    private let epsilon: Float
    private var scale: ValueID?
    private var bias: ValueID?
    private var result: ValueID

    // MARK: What stands before the root

    init?(root node: Node, at index: Int, _ uses: ValueUses, _ graph: Graph) {
        guard let root = node.outputs[0], graph[root].elementType == .fp32,
            let sum = uses.producer(of: node.inputs[0], named: "Add"),
            let (variance, epsilon) = Self.operandAndNumber(of: sum.node, graph), epsilon >= 0,
            let averaging = uses.producer(of: variance, named: "ReduceMean"),
            let square = uses.producer(of: averaging.node.inputs[0]),
            let centred = Self.squared(uses.nodes[square], graph),
            let rank = graph[centred].dimensions?.count,
            let axis = Self.firstAxis(averaging.node, rank: rank, graph)
        else { return nil }
        self.root = root
        self.centred = centred
        self.axis = axis
        self.rank = rank
        self.epsilon = epsilon
        parts = [index, sum.index, averaging.index, square]
        last = index
        result = root
        if let difference = uses.producer(of: centred, named: "Sub"),
            let averaged = uses.producer(of: difference.node.inputs[1], named: "ReduceMean"),
            let input = difference.node.inputs[0], averaged.node.inputs[0] == input,
            Self.firstAxis(averaged.node, rank: rank, graph) == axis
        {
            self.input = input
            mean = averaged.node.outputs[0]
            parts.formUnion([difference.index, averaged.index])
        } else {
            input = centred
            mean = nil
        }
    }

    /// What a node takes the square of.
    private static func squared(_ node: Node?, _ graph: Graph) -> ValueID? {
        guard let node, node.domain.isEmpty, node.inputs.count == 2, let base = node.inputs[0]
        else {
            return nil
        }
        let isSquare =
            node.operatorName == "Mul" && node.inputs[1] == base
            || node.operatorName == "Pow" && graph.scalar(node.inputs[1]) == 2
        return isSquare ? base : nil
    }

    /// The first of the axes that a mean is over, if they are the last ones and kept.
    private static func firstAxis(_ node: Node, rank: Int, _ graph: Graph) -> Int? {
        if case .int(let keeps)? = node.attributes["keepdims"], keeps == 0 { return nil }
        guard let axes = graph.axes(of: node, asInputSince: 18, rank: rank)?.sorted(),
            let first = axes.first, axes == Array(first..<rank)
        else { return nil }
        return first
    }

    /// The input that isn't a constant, and the constant, of a node where their order doesn't matter.
    private static func operandAndNumber(of node: Node, _ graph: Graph) -> (ValueID, Float)? {
        for (position, other) in [(0, 1), (1, 0)] where node.inputs.count == 2 {
            if let number = graph.scalar(node.inputs[other]), let id = node.inputs[position],
                graph.initializers[id] == nil
            {
                return (id, number)
            }
        }
        return nil
    }

    // MARK: What stands behind it

    /// Follows the root to the end of the normalization; `false` if it is something else.
    mutating func findResult(_ uses: ValueUses, _ graph: Graph) -> Bool {
        if let (index, quotient) = uses.onlyReader(of: root, named: "Div"),
            quotient.inputs[0] == centred, quotient.inputs[1] == root
        {
            take(index, quotient)
        } else {
            guard let inverse = inverse(uses, graph) else { return false }
            guard let product = uses.onlyReader(of: inverse, named: "Mul"),
                let factor = product.node.operand(besides: inverse)
            else {
                return false
            }
            if factor == centred {
                take(product.index, product.node)
            } else if isRow(factor, graph), let scaled = product.node.outputs[0] {
                scale = factor
                parts.insert(product.index)
                guard takeScaled(by: scaled, uses) else { return false }
            } else {
                return false
            }
        }
        if scale == nil, bias == nil, let product = uses.onlyReader(of: result, named: "Mul"),
            let factor = product.node.operand(besides: result), isRow(factor, graph)
        {
            scale = factor
            take(product.index, product.node)
        }
        if mean != nil, bias == nil, let sum = uses.onlyReader(of: result, named: "Add"),
            let addend = sum.node.operand(besides: result), isRow(addend, graph)
        {
            bias = addend
            take(sum.index, sum.node)
        }
        if let bias, !isRow(bias, graph) { return false }
        return true
    }

    private mutating func take(_ index: Int, _ node: Node) {
        parts.insert(index)
        last = index
        if let output = node.outputs[0] { result = output }
    }

    /// One over the root.
    private mutating func inverse(_ uses: ValueUses, _ graph: Graph) -> ValueID? {
        if let (index, node) = uses.onlyReader(of: root, named: "Reciprocal") {
            parts.insert(index)
            return node.outputs[0]
        }
        if let (index, node) = uses.onlyReader(of: root, named: "Div"), node.inputs[1] == root,
            graph.scalar(node.inputs[0]) == 1
        {
            parts.insert(index)
            return node.outputs[0]
        }
        return nil
    }

    /// What follows the product of the inverse and the scale.
    private mutating func takeScaled(by factor: ValueID, _ uses: ValueUses) -> Bool {
        if let (index, node) = uses.onlyReader(of: factor, named: "Mul"),
            node.operand(besides: factor) == centred
        {
            take(index, node)
            return true
        }
        // x · f + (bias − mean · f)
        let products = uses.readers(of: factor, named: "Mul")
        guard let mean, products.count == 2,
            let direct = products.first(where: { $0.node.operand(besides: factor) == input }),
            let shifted = products.first(where: { $0.node.operand(besides: factor) == mean }),
            let difference = uses.onlyReader(of: shifted.node.outputs[0], named: "Sub"),
            difference.node.inputs[1] == shifted.node.outputs[0],
            let sum = uses.onlyReader(of: difference.node.outputs[0], named: "Add"),
            sum.node.operand(besides: difference.node.outputs[0]) == direct.node.outputs[0]
        else { return false }
        bias = difference.node.inputs[0]
        parts.formUnion([direct.index, shifted.index, difference.index])
        take(sum.index, sum.node)
        return true
    }

    /// Whether a value is known and has one number for each element that is normalised, or one for all.
    private func isRow(_ id: ValueID, _ graph: Graph) -> Bool {
        guard let tensor = graph.initializers[id], tensor.elementType == .fp32,
            tensor.shape.rank <= rank, let dimensions = graph[input].dimensions
        else { return false }
        if tensor.shape.elementCount == 1 { return true }
        let row = dimensions[axis...].compactMap(\.fixedSize)
        guard row.count == rank - axis else { return false }
        // The outer axes must not tell rows apart.
        let outer = max(0, tensor.shape.rank - row.count)
        return tensor.shape.prefix(outer).allSatisfy { $0 == 1 }
            && Array(tensor.shape.dropFirst(outer)) == Array(row.suffix(tensor.shape.rank - outer))
    }

    func isClosed(_ uses: ValueUses) -> Bool { uses.isClosed(parts, but: result) }

    // MARK: What takes its place

    func node(_ graph: inout Graph) -> Node {
        let name = graph[result].name
        let factors = scale.map { row($0, &graph) } ?? graph.addFloats(near: name, [1], [1])
        var inputs: [ValueID?] = [input, factors]
        if let bias { inputs.append(row(bias, &graph)) }
        let version = mean == nil ? 23 : 17
        return Node(
            operatorName: mean == nil ? "RMSNormalization" : "LayerNormalization",
            operatorSetVersion: version,
            operatorVersion: version,
            attributes: ["axis": .int(axis - rank), "epsilon": .float(epsilon)],
            inputs: inputs,
            outputs: [result]
        )
    }

    /// The same numbers without outer axes.
    private func row(_ id: ValueID, _ graph: inout Graph) -> ValueID {
        guard let tensor = graph.initializers[id], tensor.shape.rank > rank - axis else {
            return id
        }
        return graph.addFloats(
            near: graph[id].name,
            tensor.elements(as: Float.self),
            Shape(Array(tensor.shape.suffix(rank - axis)))
        )
    }
}
