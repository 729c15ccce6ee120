import TernTensor

extension ActivationPatterns {
    /// A GELU around a hyperbolic tangent.
    func approximateGelu(_ tanh: Node, at index: Int, _ uses: ValueUses, _ graph: Graph) -> Match? {
        guard let scaled = uses.producer(of: tanh.inputs[0], named: "Mul"),
            let (inner, factor) = scalarOperand(of: scaled.node, graph),
            isClose(factor, 0.797_884_56),
            let cubic = uses.producer(of: inner, named: "Add"), cubic.node.inputs.count == 2,
            let sum = uses.onlyReader(of: tanh.outputs[0], named: "Add"),
            let (_, one) = scalarOperand(of: sum.node, graph), one == 1
        else { return nil }
        for (position, other) in [(0, 1), (1, 0)] {
            var parts = [index, scaled.index, cubic.index, sum.index]
            guard let input = cubic.node.inputs[position], let term = cubic.node.inputs[other],
                let power = power(term, of: input, &parts, uses, graph), power.exponent == 3,
                isClose(power.coefficient, 0.044_715),
                var found = halved(sum.node.outputs[0], times: input, parts, uses, graph),
                uses.isClosed(Set(found.parts), but: found.node.outputs[0] ?? input)
            else { continue }
            found.node.attributes["approximate"] = .string(Array("tanh".utf8))
            return found
        }
        return nil
    }

    /// A value as a constant times a power of another, with the nodes that make it.
    private func power(
        _ id: ValueID,
        of input: ValueID,
        _ parts: inout [Int],
        _ uses: ValueUses,
        _ graph: Graph,
        depth: Int = 0
    ) -> (coefficient: Float, exponent: Float)? {
        if id == input { return (1, 1) }
        if let number = graph.scalar(id), graph.initializers[id]?.shape.rank ?? 0 <= 3 {
            return (number, 0)
        }
        if let (index, node) = uses.producer(of: id, named: "Pow"), node.inputs[0] == input,
            let exponent = graph.scalar(node.inputs[1])
        {
            parts.append(index)
            return (1, exponent)
        }
        guard depth < 4, let (index, node) = uses.producer(of: id, named: "Mul"),
            let left = node.inputs[0], let right = node.inputs[1],
            let a = power(left, of: input, &parts, uses, graph, depth: depth + 1),
            let b = power(right, of: input, &parts, uses, graph, depth: depth + 1)
        else { return nil }
        parts.append(index)
        return (a.coefficient * b.coefficient, a.exponent + b.exponent)
    }
}
