package import TernGraph
import TernTensor

/// Keeps the weights of matrix products in bfloat16, rounded to nearest, ties to even, and computes the
/// products from bfloat16 with sums of 32-bit floats.
///
/// The answers change; whoever asks for the pass measures by how much. Products whose right-hand side
/// is no weight, and convolutions, stay what they are. It follows the passes of
/// ``CompiledModel/fusionPasses``.
package struct BFloatWeights: Pass {
    /// Makes the pass.
    package init() {}

    /// What the pass does.
    package var name: String { "bfloat16 weights" }

    /// Rounds the weights of every product that can be computed so.
    package func run(on graph: inout Graph) throws(GraphError) -> Int {
        var rounded: [ValueID: ValueID] = [:]
        var changed = 0
        for index in graph.nodes.indices {
            guard let (weight, product) = Self.product(graph.nodes[index], graph),
                let tensor = graph.initializers[weight]
            else { continue }
            let id: ValueID
            if let known = rounded[weight] {
                id = known
            } else {
                id = graph.addInitializer(
                    name: graph.unusedName("\(graph[weight].name) bfloat16"),
                    Self.rounded(tensor)
                )
                rounded[weight] = id
            }
            graph.nodes[index] = product
            graph.nodes[index].inputs[1] = id
            changed += 1
        }
        return changed
    }

    /// The weight of a product, and the node that does the same with one of bfloat16.
    private static func product(_ node: Node, _ graph: Graph) -> (ValueID, Node)? {
        guard node.domain.isEmpty || node.domain == FusedProduct.domain, node.inputs.count >= 2,
            let left = node.inputs[0], graph[left].elementType == .fp32,
            let weight = node.inputs[1], let tensor = graph.initializers[weight],
            tensor.elementType == .fp32, tensor.shape.rank == 2
        else { return nil }
        var product = node
        product.domain = FusedProduct.domain
        product.operatorName = BFloatProduct.name
        (product.operatorSetVersion, product.operatorVersion) = (1, 1)
        switch node.operatorName {
        case "MatMul": return (weight, product)
        case "Gemm":
            let isTransposed = (try? node.int("transB", default: 0)) != 0
            guard (try? node.int("transA", default: 0)) == 0,
                (try? node.float("alpha", default: 1)) == 1,
                graph[left].dimensions?.count == 2,
                isBias(node, of: tensor.shape[isTransposed ? 0 : 1], graph)
            else { return nil }
            for name in ["transA", "alpha", "beta", "broadcast"] { product.attributes[name] = nil }
            return (weight, product)
        default: return nil
        }
    }

    /// Whether Gemm's C is one number for each column, or there is none.
    private static func isBias(_ node: Node, of columnCount: Int, _ graph: Graph) -> Bool {
        guard node.inputs.count > 2, let id = node.inputs[2] else { return true }
        guard (try? node.float("beta", default: 1)) == 1, node.operatorVersion >= 7,
            let tensor = graph.initializers[id], tensor.elementType == .fp32
        else { return false }
        return tensor.shape == [columnCount] || tensor.shape == [1, columnCount]
    }

    private static func rounded(_ tensor: Tensor) -> Tensor {
        let halves = tensor.elements(as: UInt32.self).map { bits -> UInt16 in
            let isNaN = bits & 0x7FFF_FFFF > 0x7F80_0000
            if isNaN { return UInt16(bits >> 16) | 0x40 }
            return UInt16((bits + 0x7FFF + (bits >> 16 & 1)) >> 16)
        }
        return Tensor(elementType: .bf16, shape: tensor.shape, values: halves)
    }
}

extension Graph {
    /// The name, or one like it that no value has.
    fileprivate func unusedName(_ name: String) -> String {
        let names = Set(values.map(\.name))
        if !names.contains(name) { return name }
        return (2...).lazy.map { "\(name)#\($0)" }.first { !names.contains($0) } ?? name
    }
}
