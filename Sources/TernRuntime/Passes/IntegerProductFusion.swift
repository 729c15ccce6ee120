package import TernGraph
import TernTensor

/// Makes one product into floats of what dynamic quantisation writes in parts: MatMulInteger with a weight,
/// Cast to floats, Mul by the scale, and perhaps Add of a bias and an activation.
///
/// The bits stay what they were.
package struct IntegerProductFusion: Pass {
    /// Makes the pass.
    package init() {}

    /// What the pass does.
    package var name: String { "integer product fusion" }

    /// Fuses what follows every product of bytes.
    package func run(on graph: inout Graph) throws(GraphError) -> Int {
        var uses = ValueUses(graph)
        var fused = 0
        for index in uses.nodes.indices {
            guard let product = uses.nodes[index], product.isStandard("MatMulInteger"),
                let columns = Self.columnCount(product, graph),
                let cast = uses.onlyReader(of: product.outputs[0], named: "Cast"),
                let sum = cast.node.outputs[0], graph[sum].elementType == .fp32,
                let scaling = uses.onlyReader(of: sum, named: "Mul"),
                let scale = scaling.node.operand(besides: sum),
                let factor = Self.row(scale, columns, rankOf: sum, &graph),
                let scaled = scaling.node.outputs[0]
            else { continue }
            var node = product
            node.domain = FusedProduct.domain
            node.operatorName = FusedIntegerProduct.operatorName
            (node.operatorSetVersion, node.operatorVersion) = (1, 1)
            while node.inputs.count < 4 { node.inputs.append(nil) }
            node.inputs.append(factor)
            var parts = [index, cast.index]
            var last = scaling.index
            var result = scaled
            if let next = uses.onlyReader(of: result, named: "Add"),
                let addend = next.node.operand(besides: result),
                graph.initializers[addend]?.shape.elementCount == columns,
                let bias = Self.row(addend, columns, rankOf: sum, &graph),
                let output = next.node.outputs[0]
            {
                node.inputs.append(bias)
                parts.append(last)
                (last, result) = (next.index, output)
            }
            if let next = uses.onlyReader(of: result), let reader = uses.nodes[next],
                let activation = UnaryOperators.operation(of: reader, in: graph),
                let output = reader.outputs[0]
            {
                FusedProduct.setActivation(activation, of: &node)
                parts.append(last)
                (last, result) = (next, output)
            }
            node.outputs = [result]
            for part in parts { uses.remove(at: part) }
            uses.replace(at: last, by: node)
            fused += parts.count
        }
        graph.adopt(uses)
        return fused
    }

    /// How many columns the weight has, if the product can be packed beforehand.
    private static func columnCount(_ product: Node, _ graph: Graph) -> Int? {
        guard let weight = product.inputs[1], let tensor = graph.initializers[weight],
            tensor.shape.rank == 2, let left = product.inputs[0],
            graph[left].dimensions?.count ?? 0 >= 2
        else { return nil }
        if product.inputs.count > 3, let zero = product.inputs[3] {
            guard graph.initializers[zero] != nil else { return nil }
        }
        return tensor.shape[1]
    }

    /// The value as one number for all, or one for each column, if that is what it is.
    private static func row(
        _ id: ValueID,
        _ columns: Int,
        rankOf product: ValueID,
        _ graph: inout Graph
    ) -> ValueID? {
        guard let dimensions = graph[id].dimensions, graph[id].elementType == .fp32,
            let rank = graph[product].dimensions?.count, dimensions.count <= rank,
            dimensions.dropLast().allSatisfy({ $0 == .fixed(1) })
        else { return nil }
        switch dimensions.last {
        case nil, .fixed(1): return id
        case .fixed(columns): break
        default: return nil
        }
        guard dimensions.count > 1, let tensor = graph.initializers[id] else { return id }
        return graph.addFloats(near: graph[id].name, tensor.elements(as: Float.self), [columns])
    }
}
