import TernTensor

/// Lets a convolution pad its image itself where a Pad before it adds zeros around the image.
package struct PaddingFusion: Pass {
    /// Makes the pass.
    package init() {}

    /// What the pass does.
    package var name: String { "padding fusion" }

    /// Takes out every Pad that a convolution can do.
    package func run(on graph: inout Graph) throws(GraphError) -> Int {
        var uses = ValueUses(graph)
        var fused = 0
        for index in uses.nodes.indices {
            guard let convolution = uses.nodes[index], convolution.domain.isEmpty,
                convolution.operatorName == "Conv",
                let (source, pad) = uses.producer(of: convolution.inputs[0], named: "Pad"),
                uses.onlyReader(of: pad.outputs[0]) == index,
                let rank = convolution.inputs[1].flatMap({ graph[$0].dimensions?.count }),
                let added = Self.zeros(pad, rank: rank, graph),
                let pads = Self.pads(of: convolution, rank: rank - 2)
            else { continue }
            var node = convolution
            node.inputs[0] = pad.inputs[0]
            node.attributes["pads"] = .ints(zip(pads, added).map { $0 + $1 })
            node.attributes["auto_pad"] = nil
            uses.remove(at: source)
            uses.replace(at: index, by: node)
            fused += 1
        }
        graph.adopt(uses)
        return fused
    }

    /// How many zeros a Pad adds before and after each axis of an image, the axes' beginnings first;
    /// `nil` if it does anything else.
    private static func zeros(_ pad: Node, rank: Int, _ graph: Graph) -> [Int]? {
        guard rank > 2 else { return nil }
        if let mode = pad.attributes["mode"] {
            guard case .string(let text) = mode, text == Array("constant".utf8) else { return nil }
        }
        var values: [Int]
        if pad.operatorVersion < 11 {
            guard case .ints(let given)? = pad.attributes["pads"] ?? pad.attributes["paddings"]
            else { return nil }
            if let value = pad.attributes["value"] {
                guard case .float(0) = value else { return nil }
            }
            values = given
        } else {
            guard pad.inputs.count > 1, let id = pad.inputs[1],
                let given = graph.initializers[id]?.integerElements
            else { return nil }
            if pad.inputs.count > 2, pad.inputs[2] != nil {
                guard graph.scalar(pad.inputs[2]) == 0 else { return nil }
            }
            values = given
            if pad.inputs.count > 3, let id = pad.inputs[3] {
                guard let axes = graph.initializers[id]?.integerElements,
                    let spread = spread(given, over: axes, rank: rank)
                else { return nil }
                values = spread
            }
        }
        guard values.count == 2 * rank, values.allSatisfy({ (0...1 << 20).contains($0) }),
            [0, 1, rank, rank + 1].allSatisfy({ values[$0] == 0 })
        else { return nil }
        return Array(values[2..<rank] + values[(rank + 2)...])
    }

    private static func spread(_ values: [Int], over axes: [Int], rank: Int) -> [Int]? {
        guard values.count == 2 * axes.count else { return nil }
        var result = Array(repeating: 0, count: 2 * rank)
        for (position, axis) in axes.enumerated() {
            let axis = axis < 0 ? axis + rank : axis
            guard (0..<rank).contains(axis) else { return nil }
            result[axis] = values[position]
            result[axis + rank] = values[position + axes.count]
        }
        return result
    }

    /// A convolution's own padding, if it doesn't follow from the size of the image.
    private static func pads(of node: Node, rank: Int) -> [Int]? {
        let none = Array(repeating: 0, count: 2 * rank)
        if case .string(let text)? = node.attributes["auto_pad"] {
            if text == Array("VALID".utf8) { return none }
            guard text.isEmpty || text == Array("NOTSET".utf8) else { return nil }
        }
        guard let attribute = node.attributes["pads"] else { return none }
        guard case .ints(let pads) = attribute else { return nil }
        if pads.isEmpty { return none }
        return pads.count == 2 * rank ? pads : nil
    }
}
