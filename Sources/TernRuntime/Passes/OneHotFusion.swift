package import TernGraph
import TernTensor

/// Looks rows of a weight up, where a model multiplies the weight with one-hot vectors that it makes by
/// comparing numbers with 0, 1, 2 and so on.
///
/// A bias that is added is added to the table's rows beforehand. What is no row's number had a vector of zeros, and
/// takes a row of zeros that the table ends with.
package struct OneHotFusion: Pass {
    /// Makes the pass.
    package init() {}

    /// What the pass does.
    package var name: String { "one-hot fusion" }

    /// Replaces every such product.
    package func run(on graph: inout Graph) throws(GraphError) -> Int {
        var uses = ValueUses(graph)
        var fused = 0
        for index in uses.nodes.indices {
            guard let product = uses.nodes[index], product.isStandard("MatMul"),
                let weight = product.inputs[1], let shape = graph.initializers[weight]?.shape,
                shape.rank == 2, shape[0] > 0,
                let cast = uses.producer(of: product.inputs[0], named: "Cast"),
                uses.onlyReader(of: product.inputs[0]) == index,
                let test = uses.producer(of: cast.node.inputs[0], named: "Equal"),
                uses.onlyReader(of: cast.node.inputs[0]) == cast.index,
                let numbers = Self.numbers(test.node, count: shape[0], graph),
                var table = graph.floats(weight), table.allSatisfy(\.isFinite),
                let output = product.outputs[0]
            else { continue }
            table += [Float](repeating: 0, count: shape[1])
            var (last, result, parts) = (index, output, [test.index, cast.index])
            if let sum = uses.onlyReader(of: output, named: "Add"),
                let addend = sum.node.operand(besides: output),
                graph.initializers[addend]?.shape == [shape[1]],
                let bias = graph.floats(addend), let sumOutput = sum.node.outputs[0]
            {
                for place in table.indices { table[place] += bias[place % bias.count] }
                parts.append(index)
                (last, result) = (sum.index, sumOutput)
            }
            let node = Node(
                name: product.name,
                domain: FusedProduct.domain,
                operatorName: LookupOperator.operatorName,
                operatorSetVersion: 1,
                operatorVersion: 1,
                inputs: [
                    graph.addFloats(near: graph[weight].name, table, [shape[0] + 1, shape[1]]),
                    numbers,
                ],
                outputs: [result]
            )
            for part in parts { uses.remove(at: part) }
            uses.replace(at: last, by: node)
            fused += parts.count
        }
        graph.adopt(uses)
        return fused
    }

    /// What is compared with 0, 1, 2… along the last axis.
    private static func numbers(_ test: Node, count: Int, _ graph: Graph) -> ValueID? {
        for (position, other) in [(0, 1), (1, 0)] where test.inputs.count == 2 {
            guard let range = test.inputs[other], let numbers = test.inputs[position],
                let known = graph.initializers[range],
                [.int32, .int64].contains(known.elementType), known.shape.last == count,
                known.shape.elementCount == count,
                known.integerElements == Array(0..<count),
                let dimensions = graph[numbers].dimensions, dimensions.last == .fixed(1),
                dimensions.count >= max(2, known.shape.rank),
                graph[numbers].elementType == known.elementType
            else { continue }
            return numbers
        }
        return nil
    }
}
