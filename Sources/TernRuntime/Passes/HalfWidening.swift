package import TernGraph
import TernKernels
import TernTensor

/// Lets neighbouring operators of half precision hand on single precision.
///
/// Their kernels calculate in single precision anyway. Where one such operator follows another, the
/// rounding in between is left out, and with it the conversions; weights are widened once. Halves
/// are widened where they come in and rounded where they go out, by Cast nodes. Operators that only
/// move elements are taken along between others. Nothing is done where no product or convolution with
/// weights takes part, for then the conversions would cost what they save.
package struct HalfWidening: Pass {
    /// Makes the pass.
    package init() {}

    /// What the pass does.
    package var name: String { "half widening" }

    /// Widens what lies around every product and convolution of half precision.
    package func run(on graph: inout Graph) throws(GraphError) -> Int {
        var regions = Regions(graph)
        let chosen = regions.chosenNodes()
        guard !chosen.isEmpty else { return 0 }
        var widening = Widening(graph, chosen)
        graph = widening.widened()
        return chosen.count
    }
}

/// The operators that can be widened: every operand that may be of half precision is of one type.
private enum WidenedOperator {
    private static let products: Set<String> = [
        "Conv", "ConvTranspose", "GRU", "Gemm", "LSTM", "MatMul", "RNN",
    ]
    private static let names: Set<String> = products.union([
        "Abs", "Add", "AveragePool", "BatchNormalization", "Clip", "Concat", "DepthToSpace", "Div",
        "Elu", "Erf", "Exp", "Expand", "Flatten", "Gelu", "GlobalAveragePool", "GlobalMaxPool",
        "GroupNormalization", "HardSigmoid", "HardSwish", "InstanceNormalization", "LRN",
        "LayerNormalization", "LeakyRelu", "LogSoftmax", "Max", "MaxPool", "Min", "Mish", "Mul",
        "Neg", "PRelu", "Pad", "ReduceMax", "ReduceMean", "ReduceSum", "Relu", "Reshape", "Resize",
        "Sigmoid", "Slice", "Softmax", "Softplus", "SpaceToDepth", "Split", "Sqrt", "Squeeze",
        "Sub", "Sum", "Tanh", "Tile", "Transpose", "Unsqueeze", "Where",
    ])

    static func isProduct(_ node: Node) -> Bool {
        node.domain.isEmpty && products.contains(node.operatorName)
    }

    /// Whether a node is one of them and calculates with halves.
    static func takes(_ node: Node, _ graph: Graph) -> Bool {
        guard node.domain.isEmpty, names.contains(node.operatorName), node.subgraphs.isEmpty,
            let first = node.outputs.first, let output = first
        else { return false }
        return graph.isHalf(output)
    }
}

/// Which nodes can be widened, and which of them hang together.
private struct Regions {
    private let graph: Graph
    private let isTaken: [Bool]
    /// The parent of each node in a forest whose trees are the regions.
    private var parents: [Int]

    init(_ graph: Graph) {
        self.graph = graph
        isTaken = graph.nodes.map { WidenedOperator.takes($0, graph) }
        parents = Array(graph.nodes.indices)
        var producers: [ValueID: Int] = [:]
        for (index, node) in graph.nodes.enumerated() where isTaken[index] {
            for id in node.inputs.compactMap({ $0 }) where graph.isHalf(id) {
                if let producer = producers[id] { join(producer, index) }
            }
            for id in node.outputs.compactMap({ $0 }) where graph.isHalf(id) {
                producers[id] = index
            }
        }
    }

    private mutating func root(_ index: Int) -> Int {
        var index = index
        while parents[index] != index {
            parents[index] = parents[parents[index]]
            index = parents[index]
        }
        return index
    }

    private mutating func join(_ first: Int, _ second: Int) {
        parents[root(second)] = root(first)
    }

    /// The nodes of the regions in which a product has weights.
    mutating func chosenNodes() -> Set<Int> {
        var roots = Set<Int>()
        for (index, node) in graph.nodes.enumerated()
        where isTaken[index] && WidenedOperator.isProduct(node) {
            let hasWeights = node.inputs.contains { id in
                id.map { graph.initializers[$0] != nil } ?? false
            }
            if hasWeights { roots.insert(root(index)) }
        }
        var chosen = Set<Int>()
        for index in graph.nodes.indices where isTaken[index] && roots.contains(root(index)) {
            chosen.insert(index)
        }
        return chosen
    }
}

/// Writes a graph anew, with some of its nodes in single precision.
private struct Widening {
    private var graph: Graph
    private let chosen: Set<Int>
    private var nodes: [Node] = []
    /// What stands for a value of half precision in single precision.
    private var wide: [ValueID: ValueID] = [:]
    private var names: Set<String>
    /// The values whose rounded form is read by others.
    private let readElsewhere: Set<ValueID>

    init(_ graph: Graph, _ chosen: Set<Int>) {
        self.graph = graph
        self.chosen = chosen
        names = Set(graph.values.map(\.name))
        var read = Set(graph.outputs.map(\.value))
        for (index, node) in graph.nodes.enumerated() where !chosen.contains(index) {
            read.formUnion(node.usedValues)
        }
        readElsewhere = read
    }

    mutating func widened() -> Graph {
        for (index, node) in graph.nodes.enumerated() {
            if chosen.contains(index) { widen(node) } else { nodes.append(node) }
        }
        graph.nodes = nodes
        return graph
    }

    private mutating func widen(_ node: Node) {
        var widened = node
        widened.inputs = []
        for id in node.inputs { widened.inputs.append(id.map { wideInput($0, for: node) }) }
        var rounding: [Node] = []
        for (position, id) in node.outputs.enumerated() {
            guard let id, graph.isHalf(id) else { continue }
            let result = addValue(like: id)
            wide[id] = result
            widened.outputs[position] = result
            guard readElsewhere.contains(id), let type = graph[id].elementType else { continue }
            rounding.append(cast(result, to: type, as: id, for: node))
        }
        nodes.append(widened)
        nodes += rounding
    }

    /// The value in single precision; other types stay what they are.
    private mutating func wideInput(_ id: ValueID, for node: Node) -> ValueID {
        guard graph.isHalf(id) else { return id }
        if let known = wide[id] { return known }
        let result = addValue(like: id)
        if let tensor = graph.initializers[id] {
            graph.initializers[result] = HalfPrecision.widened(tensor, KernelContext())
        } else {
            nodes.append(cast(id, to: .fp32, as: result, for: node))
        }
        wide[id] = result
        return result
    }

    private mutating func addValue(like id: ValueID) -> ValueID {
        let value = graph[id]
        var name = "\(value.name)#wide"
        while !names.insert(name).inserted { name += "'" }
        return graph.addValue(
            Value(
                name: name,
                elementType: .fp32,
                dimensions: value.dimensions
            )
        )
    }

    private func cast(
        _ source: ValueID,
        to type: ElementType,
        as target: ValueID,
        for node: Node
    ) -> Node {
        Node(
            name: node.name,
            operatorName: "Cast",
            operatorSetVersion: node.operatorSetVersion,
            operatorVersion: 13,
            attributes: ["to": .int(CastOperators.code(of: type))],
            inputs: [source],
            outputs: [target]
        )
    }
}

extension Graph {
    fileprivate func isHalf(_ id: ValueID) -> Bool {
        self[id].elementType.map(HalfPrecision.types.contains) ?? false
    }
}
