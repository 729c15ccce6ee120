package import TernGraph
import TernTensor

/// Finds attention that exporters wrote in parts, and puts one operator in its place.
///
/// softmax(Q · Kᵀ · scale + mask) · V, where constants may scale the product, Q or K, and where weights that
/// are no numbers may be set to 0. The transpositions that part operands into heads, and put the
/// result's heads together again, become part of it: the kernel reads and writes either layout.
///
/// A query of which no key is seen gives zeros, as where exporters guard it; unguarded it was no number.
package struct AttentionFusion: Pass {
    /// Makes the pass.
    package init() {}

    /// What the pass does.
    package var name: String { "attention fusion" }

    /// Replaces every attention that is found.
    package func run(on graph: inout Graph) throws(GraphError) -> Int {
        var uses = ValueUses(graph)
        var replaced = 0
        for index in uses.nodes.indices {
            guard let node = uses.nodes[index], node.isStandard("Softmax"),
                let match = AttentionMatch(softmax: node, at: index, uses, graph)
            else { continue }
            for part in match.parts where part != match.last { uses.remove(at: part) }
            uses.replace(at: match.last, by: match.node)
            replaced += match.parts.count - 1
        }
        graph.adopt(uses)
        return replaced
    }
}

/// An attention that was found.
private struct AttentionMatch {
    /// The positions of the nodes that are replaced.
    private(set) var parts: Set<Int>
    /// The one that makes the result.
    private(set) var last: Int
    private(set) var node: Node

    init?(softmax: Node, at index: Int, _ uses: ValueUses, _ graph: Graph) {
        guard let weights = softmax.outputs[0], graph[weights].elementType == .fp32,
            let rank = graph[weights].dimensions?.count, (3...4).contains(rank),
            Self.isLastAxis(softmax, rank: rank),
            let scores = Scores(softmax.inputs[0], uses, graph)
        else { return nil }
        parts = scores.parts.union([index])
        // Behind the softmax.
        var value = weights
        if let guarded = Self.guarded(weights, uses, graph) {
            parts.formUnion(guarded.parts)
            value = guarded.value
        }
        guard let product = uses.onlyReader(of: value, named: "MatMul"),
            product.node.inputs[0] == value, let v = product.node.inputs[1], v != value,
            var result = product.node.outputs[0],
            Self.fit(scores, v, rank: rank, graph)
        else { return nil }
        parts.insert(product.index)
        last = product.index
        var (query, key, value4) = (
            Layout(scores.query, uses, graph), Layout(scores.key, uses, graph),
            Layout(v, uses, graph)
        )
        if scores.keyIsSequenceFirst { key = Layout(id: scores.key, isSequenceFirst: true) }
        if rank == 3 {
            query = Layout(id: scores.query)
            key = Layout(id: scores.key)
            value4 = Layout(id: v)
        }
        var isSequenceFirst = false
        if rank == 4, let turned = uses.onlyReader(of: result, named: "Transpose"),
            turned.node.attributes.permutation == [0, 2, 1, 3], let output = turned.node.outputs[0]
        {
            parts.insert(turned.index)
            last = turned.index
            result = output
            isSequenceFirst = true
        }
        guard uses.isClosed(parts, but: result) else { return nil }
        node = Node(
            name: uses.nodes[last]?.name ?? "",
            domain: FusedProduct.domain,
            operatorName: FusedAttention.operatorName,
            operatorSetVersion: 1,
            operatorVersion: 1,
            attributes: FusedAttention.attributes(
                scale: scores.scale,
                sequenceFirst: [
                    query.isSequenceFirst, key.isSequenceFirst, value4.isSequenceFirst,
                    isSequenceFirst,
                ]
            ),
            inputs: [query.id, key.id, value4.id] + (scores.mask.map { [$0] } ?? []),
            outputs: [result]
        )
    }

    private static func isLastAxis(_ softmax: Node, rank: Int) -> Bool {
        let fallback = softmax.operatorVersion < 13 ? 1 : -1
        guard case .int(let axis) = softmax.attributes["axis"] ?? .int(fallback) else {
            return false
        }
        return axis == -1 || axis == rank - 1
    }

    /// Weights that are set to 0 where they are no numbers.
    private static func guarded(
        _ weights: ValueID,
        _ uses: ValueUses,
        _ graph: Graph
    ) -> (parts: Set<Int>, value: ValueID)? {
        guard let test = uses.readers(of: weights, named: "IsNaN").first,
            let choice = uses.onlyReader(of: test.node.outputs[0], named: "Where"),
            choice.node.inputs[0] == test.node.outputs[0],
            graph.scalar(choice.node.inputs[1]) == 0, choice.node.inputs[2] == weights,
            let value = choice.node.outputs[0]
        else { return nil }
        return ([test.index, choice.index], value)
    }

    /// Whether the axes of the operands are known to fit, so that nothing is repeated.
    private static func fit(_ scores: Scores, _ v: ValueID, rank: Int, _ graph: Graph) -> Bool {
        guard let q = graph.knownDimensions(scores.query),
            let k = graph.knownDimensions(scores.transposedKey),
            let v = graph.knownDimensions(v), [q, k, v].allSatisfy({ $0.count == rank }),
            q.dropLast(2) == k.dropLast(2), q.dropLast(2) == v.dropLast(2),
            q[rank - 1] == k[rank - 2], k[rank - 1] == v[rank - 2]
        else { return false }
        guard let mask = scores.mask else { return true }
        guard let given = graph.knownDimensions(mask), (1...rank).contains(given.count),
            graph[mask].elementType == .fp32, given.last == k[rank - 1]
        else { return false }
        let full = q.dropLast() + [k[rank - 1]]
        return zip(given.reversed(), full.reversed()).allSatisfy { $0 == .fixed(1) || $0 == $1 }
            // Three axes are batch, queries and keys: the kernel counts heads between them.
            && (rank == 4 || given.dropLast(2).allSatisfy { $0 == .fixed(1) })
    }

    /// An operand, and how it lies in memory.
    private struct Layout {
        var id: ValueID
        var isSequenceFirst = false

        init(id: ValueID, isSequenceFirst: Bool = false) {
            self.id = id
            self.isSequenceFirst = isSequenceFirst
        }

        /// Looks through a transposition of heads and sequence.
        init(_ id: ValueID, _ uses: ValueUses, _ graph: Graph) {
            self.id = id
            if let turned = uses.producer(of: id, named: "Transpose"),
                turned.node.attributes.permutation == [0, 2, 1, 3],
                let source = turned.node.inputs[0]
            {
                self.id = source
                isSequenceFirst = true
            }
        }
    }
}

/// What stands before the softmax: Q · Kᵀ · scale + mask.
private struct Scores {
    /// The positions of the nodes between the operands and the softmax.
    private(set) var parts: Set<Int> = []
    private(set) var scale: Float = 1
    private(set) var mask: ValueID?
    private(set) var query: ValueID
    private(set) var transposedKey: ValueID
    private(set) var key: ValueID
    /// Whether the key lies as [batch, sequence, heads, size].
    private(set) var keyIsSequenceFirst = false

    init?(_ input: ValueID?, _ uses: ValueUses, _ graph: Graph) {
        var scale: Float = 1
        var parts: Set<Int> = []
        var value = input
        if let sum = uses.producer(of: input, named: "Add"), sum.node.inputs.count == 2 {
            let found = [(0, 1), (1, 0)].first { position, _ in
                Self.product(sum.node.inputs[position], uses, graph) != nil
            }
            guard let (position, other) = found else { return nil }
            parts.insert(sum.index)
            value = sum.node.inputs[position]
            mask = sum.node.inputs[other]
        }
        guard let product = Self.product(value, uses, graph),
            let left = product.node.inputs[0], let right = product.node.inputs[1]
        else { return nil }
        parts.formUnion(product.parts)
        scale *= product.scale
        let q = Self.scaled(left, uses, graph)
        let k = Self.scaled(right, uses, graph)
        scale *= q.scale * k.scale
        parts.formUnion(q.parts.union(k.parts))
        guard let turned = uses.producer(of: k.id, named: "Transpose"),
            let source = turned.node.inputs[0], scale.isFinite
        else { return nil }
        switch turned.node.attributes.permutation {
        case [0, 1, 3, 2], [0, 2, 1]: break
        case [0, 2, 3, 1]: keyIsSequenceFirst = true
        default: return nil
        }
        self.scale = scale
        self.parts = parts
        query = q.id
        key = source
        transposedKey = k.id
    }

    /// The product that a value is, perhaps times constants.
    private static func product(
        _ id: ValueID?,
        _ uses: ValueUses,
        _ graph: Graph
    ) -> (node: Node, parts: Set<Int>, scale: Float)? {
        guard let id else { return nil }
        let value = scaled(id, uses, graph)
        guard let product = uses.producer(of: value.id, named: "MatMul") else { return nil }
        return (product.node, value.parts.union([product.index]), value.scale)
    }

    /// What a value is a multiple of, looked at through nodes that nobody else reads.
    private static func scaled(
        _ id: ValueID,
        _ uses: ValueUses,
        _ graph: Graph
    ) -> (id: ValueID, parts: Set<Int>, scale: Float) {
        var (id, parts, scale) = (id, Set<Int>(), Float(1))
        while uses.onlyReader(of: id) != nil, let index = uses.producer(of: id),
            let node = uses.nodes[index], node.domain.isEmpty, node.inputs.count == 2
        {
            if node.operatorName == "Div", let factor = graph.scale(node.inputs[1]),
                let source = node.inputs[0]
            {
                (id, scale) = (source, scale / factor)
            } else if node.operatorName == "Mul",
                let position = [0, 1].first(where: { graph.scale(node.inputs[$0]) != nil }),
                let factor = graph.scale(node.inputs[position]),
                let source = node.inputs[1 - position]
            {
                (id, scale) = (source, scale * factor)
            } else {
                break
            }
            parts.insert(index)
        }
        return (id, parts, scale)
    }
}

extension Graph {
    /// A number that multiplies everything and adds no axis.
    fileprivate func scale(_ id: ValueID?) -> Float? {
        guard let id, let number = scalar(id), initializers[id]?.shape.rank ?? 0 <= 3 else {
            return nil
        }
        return number
    }
}

extension [String: Attribute] {
    /// The order of the axes that a Transpose gives.
    fileprivate var permutation: [Int]? {
        guard case .ints(let order)? = self["perm"] else { return nil }
        return order
    }
}
