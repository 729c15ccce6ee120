/// Computes once what a graph computes several times: nodes of the same operator, with the same attributes
/// and the same inputs.
package struct CommonSubexpressions: Pass {
    private struct Key: Hashable {
        let domain: String
        let operatorName: String
        let version: Int
        let attributes: [String]
        let inputs: [ValueID?]
    }

    private let operators: OperatorSet

    /// Makes the pass.
    ///
    /// - Parameter operators: The operators; only pure ones are compared.
    package init(operators: OperatorSet) { self.operators = operators }

    /// What the pass does.
    package var name: String { "common subexpressions" }

    /// Takes out every node that does what an earlier one did.
    package func run(on graph: inout Graph) throws(GraphError) -> Int {
        var uses = ValueUses(graph)
        var seen: [Key: [ValueID?]] = [:]
        var removed = 0
        for index in uses.nodes.indices {
            guard let node = uses.nodes[index], let key = key(of: node) else { continue }
            guard let earlier = seen[key] else {
                seen[key] = node.outputs
                continue
            }
            guard earlier.count >= node.outputs.count,
                zip(node.outputs, earlier).allSatisfy({ $0 == nil || $1 != nil })
            else { continue }
            let isReplaced = zip(node.outputs, earlier).allSatisfy { own, other in
                guard let own, let other else { return true }
                return uses.redirect(own, to: other, in: &graph)
            }
            guard isReplaced else { continue }
            uses.remove(at: index)
            removed += 1
        }
        graph.adopt(uses)
        return removed
    }

    /// `nil` for what may differ each time, and for what is too long to be compared.
    private func key(of node: Node) -> Key? {
        guard let schema = operators.schema(of: node), schema.isPure else { return nil }
        var attributes: [String] = []
        for (name, attribute) in node.attributes.sorted(by: { $0.key < $1.key }) {
            let text: String
            switch attribute {
            case .int(let value): text = "i\(value)"
            case .float(let value): text = "f\(value.bitPattern)"
            case .string(let value): text = "s\(value)"
            case .ints(let values): text = "I\(values)"
            case .floats(let values) where values.count <= 64: text = "F\(values.map(\.bitPattern))"
            case .strings(let values) where values.count <= 64: text = "S\(values)"
            default: return nil
            }
            attributes.append("\(name.utf8.count):\(name)=\(text)")
        }
        return Key(
            domain: node.domain,
            operatorName: node.operatorName,
            version: node.operatorVersion,
            attributes: attributes,
            inputs: node.inputs
        )
    }
}
