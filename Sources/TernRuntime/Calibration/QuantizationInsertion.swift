import TernGraph
import TernTensor

/// Puts QuantizeLinear and DequantizeLinear around the convolutions and products of a graph, as tools
/// that quantise models do; ``QuantizedFusion`` makes operators on bytes of it.
struct QuantizationInsertion {
    /// A convolution or product whose weight is known.
    private struct Product {
        let node: Int
        let input: ValueID
        let weight: ValueID
        /// The weight's axis along which its output channels lie.
        let axis: Int
    }

    private let products: [Product]
    /// The values whose ranges must be known: what products take, and what they give, behind a Relu or
    /// Clip that follows.
    let observed: [ValueID]

    /// Finds what can be quantised.
    ///
    /// - Parameter graph: A graph with types and shapes, whose operators are resolved.
    init(_ graph: Graph) {
        let uses = ValueUses(graph)
        var products: [Product] = []
        var observed: [ValueID] = []
        var seen = Set<ValueID>()
        for (index, node) in graph.nodes.enumerated() {
            guard let product = Self.product(node, at: index, graph) else { continue }
            products.append(product)
            var end = node.outputs[0]
            for name in ["Relu", "Clip"] {
                guard let (_, activation) = uses.onlyReader(of: end, named: name) else { continue }
                end = activation.outputs[0]
                break
            }
            for value in [product.input, end] {
                if let value, seen.insert(value).inserted { observed.append(value) }
            }
        }
        self.products = products
        self.observed = observed
    }

    private static func product(_ node: Node, at index: Int, _ graph: Graph) -> Product? {
        guard node.domain.isEmpty, node.inputs.count >= 2, let input = node.inputs[0],
            graph.initializers[input] == nil, graph[input].elementType == .fp32,
            let weight = node.inputs[1], let tensor = graph.initializers[weight],
            tensor.elementType == .fp32, tensor.shape.elementCount > 0
        else { return nil }
        let rank = tensor.shape.rank
        let axis: Int
        switch node.operatorName {
        case "Conv" where (3...4).contains(rank): axis = 0
        case "MatMul" where rank == 2: axis = 1
        case "Gemm" where rank == 2:
            guard (try? node.int("transA", default: 0)) == 0,
                (try? node.float("alpha", default: 1)) == 1,
                (try? node.float("beta", default: 1)) == 1
            else { return nil }
            axis = (try? node.int("transB", default: 0)) == 0 ? 1 : 0
        default: return nil
        }
        return Product(node: index, input: input, weight: weight, axis: axis)
    }

    /// Changes a graph.
    ///
    /// - Parameters:
    ///   - ranges: The range of each of ``observed``; products of which one is missing stay as they are.
    ///   - graph: The graph that this was made of.
    func insert(_ ranges: [ValueID: ValueRange], into graph: inout Graph) {
        var rounded: [ValueID: ValueID] = [:]
        var roundings: [ValueID: [Node]] = [:]
        for value in observed {
            guard let range = ranges[value] else { continue }
            let (result, nodes) = Self.rounding(of: value, range, &graph)
            rounded[value] = result
            roundings[value] = nodes
        }
        let weights = replaceWeights(&graph)
        let inputs = Set(graph.inputs.map(\.value))
        let isProduct = Set(products.map(\.node))
        for index in graph.nodes.indices {
            for position in graph.nodes[index].inputs.indices {
                guard let id = graph.nodes[index].inputs[position], let other = rounded[id],
                    // What else reads the model's inputs reads them as they are.
                    !inputs.contains(id) || isProduct.contains(index) && position == 0
                else { continue }
                graph.nodes[index].inputs[position] = other
            }
        }
        for index in graph.outputs.indices {
            let id = graph.outputs[index].value
            if let other = rounded[id], !inputs.contains(id) { graph.outputs[index].value = other }
        }
        var nodes = weights
        for input in graph.inputs { nodes += roundings[input.value] ?? [] }
        for node in graph.nodes {
            nodes.append(node)
            for output in node.outputs { nodes += output.flatMap { roundings[$0] } ?? [] }
        }
        graph.nodes = nodes
    }

    /// QuantizeLinear and DequantizeLinear of a value, and what comes out.
    private static func rounding(
        of value: ValueID,
        _ range: ValueRange,
        _ graph: inout Graph
    ) -> (ValueID, [Node]) {
        let name = graph[value].name
        let dimensions = graph[value].dimensions
        let scale = graph.addFloats(near: "\(name) scale", [range.scale], [])
        let zero = graph.addInitializer(
            name: graph.unusedName(near: "\(name) zero point"),
            Tensor(elementType: .uint8, shape: [], values: [range.zeroPoint])
        )
        let codes = graph.addValue(
            Value(
                name: graph.unusedName(near: "\(name) bytes"),
                elementType: .uint8,
                dimensions: dimensions
            )
        )
        let result = graph.addValue(
            Value(
                name: graph.unusedName(near: name),
                elementType: .fp32,
                dimensions: dimensions
            )
        )
        return (
            result,
            [
                node("QuantizeLinear", [value, scale, zero], codes),
                node("DequantizeLinear", [codes, scale, zero], result),
            ]
        )
    }

    /// Makes bytes of the products' weights; the nodes that make floats of them again.
    private func replaceWeights(_ graph: inout Graph) -> [Node] {
        struct Key: Hashable {
            let weight: ValueID
            let axis: Int
        }
        var known: [Key: ValueID] = [:]
        var nodes: [Node] = []
        for product in products {
            let key = Key(weight: product.weight, axis: product.axis)
            if known[key] == nil, let tensor = graph.initializers[product.weight] {
                let name = graph[product.weight].name
                let (bytes, scales) = Self.bytes(of: tensor, axis: product.axis)
                let codes = graph.addInitializer(
                    name: graph.unusedName(near: "\(name) bytes"),
                    bytes
                )
                let scale = graph.addFloats(near: "\(name) scales", scales, [scales.count])
                let result = graph.addValue(
                    Value(
                        name: graph.unusedName(near: name),
                        elementType: .fp32,
                        dimensions: graph[product.weight].dimensions
                    )
                )
                var dequantize = Self.node("DequantizeLinear", [codes, scale], result)
                dequantize.attributes["axis"] = .int(product.axis)
                nodes.append(dequantize)
                known[key] = result
            }
            graph.nodes[product.node].inputs[1] = known[key]
        }
        return nodes
    }

    private static func node(_ name: String, _ inputs: [ValueID], _ output: ValueID) -> Node {
        Node(operatorName: name, operatorSetVersion: 13, inputs: inputs, outputs: [output])
    }

    /// A weight as signed bytes, and what a step is worth for each place on its axis: the largest
    /// magnitude there is 127 steps.
    static func bytes(of tensor: Tensor, axis: Int) -> (Tensor, scales: [Float]) {
        let numbers = tensor.elements(as: Float.self)
        let count = tensor.shape[axis]
        let inner = tensor.shape.dropFirst(axis + 1).reduce(1, *)
        var largest = [Float](repeating: 0, count: count)
        for (index, number) in numbers.enumerated() where number.isFinite {
            let channel = index / inner % count
            largest[channel] = Swift.max(largest[channel], abs(number))
        }
        let scales = largest.map { ($0 / 127).isNormal ? $0 / 127 : 1 }
        let codes = numbers.enumerated().map { index, number -> Int8 in
            let code = (number / scales[index / inner % count]).rounded(.toNearestOrEven)
            return code.isNaN ? 0 : Int8(Swift.max(-127, Swift.min(127, code)))
        }
        return (Tensor(elementType: .int8, shape: tensor.shape, values: codes), scales)
    }
}
