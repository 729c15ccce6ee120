import TernTensor

/// Finds activations that exporters wrote in parts and puts one operator in their place.
///
/// GELU: x · ½ · (1 + erf(x / √2)), and its approximation x · ½ · (1 + tanh(√(2/π) · (x + 0.044715 · x³))).
/// Swish: x · sigmoid(x). HardSwish: x · hardSigmoid(x) with α = 1/6 and
/// β = 1/2, also written x · clip(x + 3, 0, 6) / 6. Factors may come in any order; constants are
/// compared within two units in the last place.
package struct ActivationPatterns: Pass {
    /// Makes the pass.
    package init() {}

    /// What the pass does.
    package var name: String { "activation patterns" }

    /// Replaces every activation that is found.
    package func run(on graph: inout Graph) throws(GraphError) -> Int {
        var uses = ValueUses(graph)
        var replaced = 0
        for index in uses.nodes.indices {
            guard let node = uses.nodes[index], node.domain.isEmpty else { continue }
            let match: Match? =
                switch node.operatorName {
                case "Erf": gelu(node, at: index, uses, graph)
                case "Tanh": approximateGelu(node, at: index, uses, graph)
                case "Sigmoid": gated(node, at: index, by: "Swish", version: 24, uses)
                case "HardSigmoid":
                    isHalfSixth(node)
                        ? gated(node, at: index, by: "HardSwish", version: 14, uses) : nil
                case "Clip": clipped(node, at: index, uses, graph)
                default: nil
                }
            guard let match else { continue }
            for part in match.parts where part != match.last { uses.remove(at: part) }
            uses.replace(at: match.last, by: match.node)
            replaced += 1
        }
        graph.adopt(uses)
        return replaced
    }

    struct Match {
        /// The positions of the nodes that are replaced.
        var parts: [Int]
        /// The one that makes the result.
        var last: Int
        var node: Node
    }

    func match(
        _ parts: [Int],
        last: (index: Int, node: Node),
        _ operatorName: String,
        version: Int,
        of input: ValueID
    ) -> Match {
        let node = Node(
            name: last.node.name,
            operatorName: operatorName,
            operatorSetVersion: version,
            operatorVersion: version,
            inputs: [input],
            outputs: [last.node.outputs[0]]
        )
        return Match(parts: parts + [last.index], last: last.index, node: node)
    }

    // MARK: x · f(x)

    /// f's only reader multiplies it with f's own input.
    private func gated(
        _ node: Node,
        at index: Int,
        by operatorName: String,
        version: Int,
        _ uses: ValueUses
    ) -> Match? {
        guard let input = node.inputs[0],
            let last = uses.onlyReader(of: node.outputs[0], named: "Mul"),
            other(than: node.outputs[0], of: last.node) == input
        else { return nil }
        return match([index], last: last, operatorName, version: version, of: input)
    }

    private func isHalfSixth(_ node: Node) -> Bool {
        guard case .float(let alpha)? = node.attributes["alpha"] else { return false }
        if case .float(let beta)? = node.attributes["beta"], beta != 0.5 { return false }
        return isClose(alpha, 1 / 6)
    }

    // MARK: x · clip(x + 3, 0, 6) / 6

    private func clipped(
        _ clip: Node,
        at index: Int,
        _ uses: ValueUses,
        _ graph: Graph
    ) -> Match? {
        guard clip.inputs.count == 3, graph.scalar(clip.inputs[1]) == 0,
            graph.scalar(clip.inputs[2]) == 6,
            let sum = uses.producer(of: clip.inputs[0], named: "Add"),
            uses.onlyReader(of: sum.node.outputs[0]) == index,
            let (input, addend) = scalarOperand(of: sum.node, graph), addend == 3,
            let product = uses.onlyReader(of: clip.outputs[0], named: "Mul"),
            other(than: clip.outputs[0], of: product.node) == input,
            let last = uses.onlyReader(of: product.node.outputs[0]), let end = uses.nodes[last],
            end.domain.isEmpty,
            let (operand, factor) = scalarOperand(of: end, graph),
            operand == product.node.outputs[0],
            end.operatorName == "Div" && factor == 6 && end.inputs[0] == operand
                || end.operatorName == "Mul" && isClose(factor, 1 / 6)
        else { return nil }
        return match(
            [index, sum.index, product.index],
            last: (last, end),
            "HardSwish",
            version: 14,
            of: input
        )
    }

    // MARK: x · ½ · (1 + erf(x / √2))

    private func gelu(_ erf: Node, at index: Int, _ uses: ValueUses, _ graph: Graph) -> Match? {
        guard let scaled = uses.producer(of: erf.inputs[0]), let scaling = uses.nodes[scaled],
            scaling.domain.isEmpty, uses.onlyReader(of: scaling.outputs[0]) == index,
            let (input, factor) = scalarOperand(of: scaling, graph),
            scaling.operatorName == "Div" && isClose(factor, 1.414_213_6)
                && scaling.inputs[0] == input
                || scaling.operatorName == "Mul" && isClose(factor, 0.707_106_77),
            let sum = uses.onlyReader(of: erf.outputs[0], named: "Add"),
            let (_, one) = scalarOperand(of: sum.node, graph), one == 1
        else { return nil }
        return halved(
            sum.node.outputs[0],
            times: input,
            [index, scaled, sum.index],
            uses,
            graph
        )
    }

    /// The GELU that is the product of a sum, its input and ½, in any order.
    func halved(
        _ sum: ValueID?,
        times input: ValueID,
        _ known: [Int],
        _ uses: ValueUses,
        _ graph: Graph
    ) -> Match? {
        // Either one after the other, or times x · ½.
        var parts = known
        var value = sum
        var (hasInput, hasHalf) = (false, false)
        while !(hasInput && hasHalf) {
            guard let product = uses.onlyReader(of: value, named: "Mul"),
                let factor = other(than: value, of: product.node)
            else { return nil }
            if !hasInput, factor == input {
                hasInput = true
            } else if !hasHalf, graph.scalar(factor) == 0.5 {
                hasHalf = true
            } else if !hasInput, !hasHalf, let half = uses.producer(of: factor, named: "Mul"),
                uses.onlyReader(of: factor) == product.index,
                let (operand, number) = scalarOperand(of: half.node, graph), operand == input,
                number == 0.5
            {
                (hasInput, hasHalf) = (true, true)
                parts.append(half.index)
            } else {
                return nil
            }
            if hasInput, hasHalf {
                return match(parts, last: product, "Gelu", version: 20, of: input)
            }
            parts.append(product.index)
            value = product.node.outputs[0]
        }
        return nil
    }

    // MARK: Parts

    func other(than id: ValueID?, of node: Node) -> ValueID? {
        guard node.inputs.count == 2, let id else { return nil }
        if node.inputs[0] == id { return node.inputs[1] }
        return node.inputs[1] == id ? node.inputs[0] : nil
    }

    /// The operand of a node with two inputs that isn't a constant, and the constant.
    ///
    /// The constant must not have more axes than the operand, or the result would have them too.
    func scalarOperand(of node: Node, _ graph: Graph) -> (ValueID, Float)? {
        guard node.inputs.count == 2 else { return nil }
        for (position, other) in [(0, 1), (1, 0)] {
            guard let operand = node.inputs[position], graph.initializers[operand] == nil,
                let number = graph.scalar(node.inputs[other]), let id = node.inputs[other],
                let rank = graph.initializers[id]?.shape.rank,
                rank == 0 || rank <= graph[operand].dimensions?.count ?? 0
            else { continue }
            return (operand, number)
        }
        return nil
    }

    func isClose(_ found: Float, _ expected: Float) -> Bool {
        abs(found - expected) <= 2 * expected.ulp
    }
}
