import TernTensor

/// Lets a product of matrices read an operand as it was before a Transpose.
///
/// Gemm takes both operands either way; a MatMul of two matrices becomes such a Gemm. A weight on the right
/// keeps the left operand where it is: it was packed for that.
package struct TransposedOperands: Pass {
    /// Makes the pass.
    package init() {}

    /// What the pass does.
    package var name: String { "transposed operands" }

    /// Changes every such product.
    package func run(on graph: inout Graph) throws(GraphError) -> Int {
        var uses = ValueUses(graph)
        var changed = 0
        for index in uses.nodes.indices {
            guard let node = uses.nodes[index],
                node.isStandard("Gemm") && node.operatorVersion >= 7
                    || isMatrixProduct(node, graph),
                let right = node.inputs[1], graph.initializers[right] == nil
            else { continue }
            var made = node
            for (position, attribute) in [(0, "transA"), (1, "transB")] {
                guard let turned = uses.producer(of: node.inputs[position], named: "Transpose"),
                    let source = turned.node.inputs[0], graph[source].dimensions?.count == 2,
                    case .ints([1, 0])? = turned.node.attributes["perm"] ?? .ints([1, 0])
                else { continue }
                var isTransposed = false
                if case .int(let given)? = node.attributes[attribute] { isTransposed = given != 0 }
                made.inputs[position] = source
                made.attributes[attribute] = .int(isTransposed ? 0 : 1)
                changed += 1
            }
            guard made.inputs != node.inputs else { continue }
            made.operatorName = "Gemm"
            made.operatorSetVersion = max(node.operatorSetVersion, 13)
            made.operatorVersion = max(node.operatorVersion, 13)
            uses.replace(at: index, by: made)
        }
        graph.adopt(uses)
        return changed
    }

    private func isMatrixProduct(_ node: Node, _ graph: Graph) -> Bool {
        node.isStandard("MatMul")
            && node.inputs.allSatisfy { id in
                id.map { graph[$0].dimensions?.count == 2 && graph[$0].elementType == .fp32 }
                    ?? false
            }
    }
}
