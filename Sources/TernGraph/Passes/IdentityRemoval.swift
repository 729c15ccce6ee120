/// Takes out nodes that only hand their first input on: Identity, and Dropout where it cannot be
/// training.
///
/// Whoever read the output reads the input instead. Graph outputs keep their names, since a
/// ``Port`` has its own.
package struct IdentityRemoval: Pass {
    /// Makes the pass.
    package init() {}

    /// What the pass does.
    package var name: String { "identity removal" }

    /// Takes identities out of the graph and its subgraphs.
    package func run(on graph: inout Graph) throws(GraphError) -> Int { Self.clean(&graph) }

    private static func clean(_ graph: inout Graph) -> Int {
        var replacements: [ValueID: ValueID] = [:]
        func replacing(_ id: ValueID) -> ValueID { replacements[id] ?? id }
        var maskUses = Set<ValueID>()
        for node in graph.nodes { maskUses.formUnion(node.usedValues) }
        for port in graph.outputs { maskUses.insert(port.value) }
        var removed = 0
        var kept: [Node] = []
        for var node in graph.nodes {
            node.inputs = node.inputs.map { id in id.map(replacing) }
            node.updateSubgraphs { _, subgraph in
                for index in subgraph.captures.indices {
                    subgraph.captures[index].outer = replacing(subgraph.captures[index].outer)
                }
                removed += clean(&subgraph)
            }
            if isIdentity(node, used: maskUses), let source = node.inputs[0],
                let target = node.outputs[0]
            {
                replacements[target] = source
                removed += 1
            } else {
                kept.append(node)
            }
        }
        graph.nodes = kept
        for index in graph.outputs.indices {
            graph.outputs[index].value = replacing(graph.outputs[index].value)
        }
        return removed
    }

    private static func isIdentity(_ node: Node, used: Set<ValueID>) -> Bool {
        guard node.domain.isEmpty, node.inputs.first.map({ $0 != nil }) == true,
            node.outputs.first.map({ $0 != nil }) == true
        else { return false }
        switch node.operatorName {
        case "Identity": return node.inputs.count == 1 && node.outputs.count == 1
        case "Dropout":
            // The mask is all ones, but somebody has to make it. From version 12 on an input, which
            // may be anything at run time, can turn training on; before 7 an attribute could.
            let wantsMask = node.outputs.dropFirst().contains { id in
                id.map(used.contains) ?? false
            }
            let mayTrain =
                node.operatorVersion >= 12
                ? node.inputs.count > 2 && node.inputs[2] != nil : node.operatorVersion < 7
            return !wantsMask && !mayTrain
        default: return false
        }
    }
}
