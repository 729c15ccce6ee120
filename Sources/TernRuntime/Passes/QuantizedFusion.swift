package import TernGraph
import TernTensor

/// Puts operators on bytes in place of those on floats that stand between DequantizeLinear and
/// QuantizeLinear.
///
/// Conv becomes QLinearConv, MatMul QLinearMatMul, Gemm QGemm, Add, Mul, Sigmoid and
/// GlobalAveragePool their namesakes of com.microsoft; what only moves elements moves the bytes themselves if
/// their scale stays the same. MaxPool stays with floats, for which it has a faster kernel. A Relu or Clip before the QuantizeLinear goes if the bytes
/// cannot say more than it lets through. Results differ from the unfused ones by rounding: where a number
/// lies half-way between two bytes it may go either way.
///
/// The pass needs no shapes, and must come before weights are dequantised by constant folding.
package struct QuantizedFusion: Pass {
    /// Makes the pass.
    package init() {}

    /// What the pass does.
    package var name: String { "quantized fusion" }

    /// Replaces every such operator.
    package func run(on graph: inout Graph) throws(GraphError) -> Int {
        var uses = ValueUses(graph)
        var fused = 0
        for index in uses.nodes.indices {
            guard let node = uses.nodes[index], node.domain.isEmpty, let first = node.inputs.first,
                let input = QuantizedOperand(first, uses, graph), input.isScalar(graph),
                node.outputs.dropFirst().allSatisfy({ $0 == nil }),
                let end = QuantizedEnd(of: node.outputs[0], uses, graph),
                var made = Replacement.make(node, input, end, uses, &graph)
            else { continue }
            made.name = node.name
            made.outputs = [end.output]
            uses.remove(at: index)
            for part in end.parts where part != end.last { uses.remove(at: part) }
            uses.replace(at: end.last, by: made)
            fused += end.parts.count
        }
        graph.adopt(uses)
        return fused
    }
}

/// Bytes, and what they mean, that a DequantizeLinear makes floats of.
struct QuantizedOperand {
    let codes: ValueID
    let scale: ValueID
    let zero: ValueID?
    /// The axis along which there are several scales.
    let axis: Int

    /// `nil` if the value isn't one, or what the bytes mean is not known beforehand.
    init?(_ id: ValueID?, _ uses: ValueUses, _ graph: Graph) {
        guard let node = uses.producer(of: id, named: "DequantizeLinear")?.node,
            let codes = node.inputs[0], let scale = node.inputs[1],
            graph.initializers[scale]?.elementType == .fp32,
            graph.initializers[scale]?.shape.rank ?? 2 <= 1,
            !Self.isBlocked(node)
        else { return nil }
        self.codes = codes
        self.scale = scale
        zero = node.inputs.count > 2 ? node.inputs[2] : nil
        if let zero, graph.initializers[zero] == nil { return nil }
        guard case .int(let axis) = node.attributes["axis"] ?? .int(1) else { return nil }
        self.axis = axis
    }

    /// Whether there is a scale for each block.
    static func isBlocked(_ node: Node) -> Bool {
        if case .int(let size)? = node.attributes["block_size"] { return size != 0 }
        return false
    }

    /// Whether one scale and one zero point are for all bytes.
    func isScalar(_ graph: Graph) -> Bool {
        graph.initializers[scale]?.shape.elementCount == 1
            && zero.map { graph.initializers[$0]?.shape.elementCount == 1 } ?? true
            && graph.isByte(zero)
    }

    /// Whether there is one scale for all bytes or one for each of the axis's positions, and bytes are what they are.
    func isScalar(orAlong axis: Int, rank: Int, _ graph: Graph) -> Bool {
        guard graph.isByte(zero), graph.isByte(codes) else { return false }
        let given = self.axis < 0 ? self.axis + rank : self.axis
        return isScalar(graph) || given == axis
    }
}

/// The QuantizeLinear behind a node.
struct QuantizedEnd {
    /// It, and an activation before it that it makes superfluous.
    let parts: [Int]
    let last: Int
    let scale: ValueID
    let zero: ValueID?
    let output: ValueID
    /// The type of the bytes.
    let elementType: ElementType

    init?(of result: ValueID?, _ uses: ValueUses, _ graph: Graph) {
        var parts: [Int] = []
        var value = result
        var bounds: (Float, Float)?
        if let (index, node) = uses.onlyReader(of: value, named: "Relu") {
            bounds = (0, .infinity)
            parts.append(index)
            value = node.outputs[0]
        } else if let (index, node) = uses.onlyReader(of: value, named: "Clip"),
            node.operatorVersion >= 11
        {
            let given = (1...2).map { position -> Float? in
                guard position < node.inputs.count, let id = node.inputs[position] else {
                    return position == 1 ? -.infinity : .infinity
                }
                return graph.scalar(id)
            }
            guard let low = given[0], let high = given[1] else { return nil }
            bounds = (low, high)
            parts.append(index)
            value = node.outputs[0]
        }
        guard let (index, node) = uses.onlyReader(of: value, named: "QuantizeLinear"),
            let scale = node.inputs[1], let factor = graph.scalar(scale), factor > 0,
            !QuantizedOperand.isBlocked(node), let output = node.outputs[0]
        else { return nil }
        zero = node.inputs.count > 2 ? node.inputs[2] : nil
        var point = 0
        if let zero {
            guard let tensor = graph.initializers[zero], tensor.shape.elementCount == 1,
                let number = tensor.integerElements?.first
            else { return nil }
            elementType = tensor.elementType
            point = number
        } else {
            if case .int(let code)? = node.attributes["output_dtype"], code != 0 { return nil }
            elementType = .uint8
        }
        guard QuantizationOperators.bytes.contains(elementType) else { return nil }
        if let bounds {
            let range = elementType == .int8 ? (-128, 127) : (0, 255)
            guard Float(range.0 - point) * factor >= bounds.0,
                Float(range.1 - point) * factor <= bounds.1
            else { return nil }
        }
        self.parts = parts + [index]
        last = index
        self.scale = scale
        self.output = output
    }
}

extension Graph {
    /// Whether a known value is of bytes; what is left out or not known counts as such.
    fileprivate func isByte(_ id: ValueID?) -> Bool {
        guard let id, let type = initializers[id]?.elementType else { return true }
        return QuantizationOperators.bytes.contains(type)
    }
}
