import TernGraph
import TernTensor

extension CompiledModel {
    /// Gives back the memory of weights that are only ever read packed, so that a model takes little more
    /// than its weights once.
    ///
    /// Those are the right-hand sides of products in single precision that nothing else reads: such a
    /// product is packed in one way, whatever the shapes of a call. The weights of convolutions stay, for
    /// another image size may want another layout.
    ///
    /// To be called before the first session, by the only user of the graph the model was made of; the
    /// model cannot be taken apart afterwards.
    ///
    /// - Returns: How many bytes were given back.
    @discardableResult
    package func releasePackedWeights() -> Int {
        var packed: [ObjectIdentifier: AlignedBuffer] = [:]
        for panels in evaluator.prepared.panels where panels.variant.hasPrefix("matrix ") {
            packed[ObjectIdentifier(panels.weight)] = panels.weight
        }
        guard !packed.isEmpty else { return 0 }
        for storage in graph.storagesReadAsTheyAre { packed[ObjectIdentifier(storage)] = nil }
        // Small ones could be looked at by shape inference, and are not worth it.
        return packed.values.filter { $0.byteCount >= 1 << 16 }.reduce(0) { $0 + $1.release() }
    }
}

extension Graph {
    /// The memory of all tensors that something may read as they are: all but the weights whose only
    /// readers are products that pack them.
    fileprivate var storagesReadAsTheyAre: [AlignedBuffer] {
        var read: [AlignedBuffer] = []
        func take(_ id: ValueID?) {
            if let id, let tensor = initializers[id] { read.append(tensor.storage) }
        }
        for port in outputs { take(port.value) }
        for node in nodes {
            for (position, id) in node.inputs.enumerated()
            where !(position == 1 && packsRightHandSide(node)) { take(id) }
            for id in node.capturedValues { take(id) }
            for attribute in node.attributes.values {
                switch attribute {
                case .tensor(let tensor): read.append(tensor.storage)
                case .tensors(let tensors): read += tensors.map(\.storage)
                default: break
                }
            }
            // A subgraph's products are made again for each plan of the subgraph.
            for (_, subgraph) in node.subgraphs { read += subgraph.weightStorages }
        }
        return read
    }

    private func packsRightHandSide(_ node: Node) -> Bool {
        guard node.domain.isEmpty || node.domain == FusedProduct.domain,
            node.inputs.count >= 2, let id = node.inputs[1], let weight = initializers[id],
            weight.elementType == .fp32, weight.shape.rank == 2
        else { return false }
        switch node.operatorName {
        case "MatMul": return true
        case "Gemm": return (try? node.int("transA", default: 0)) == 0
        default: return false
        }
    }
}
