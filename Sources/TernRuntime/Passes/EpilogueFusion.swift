package import TernGraph
import TernKernels
import TernMicrokernels
import TernTensor

/// Moves the bias, the residual and the activation that follow a product or a convolution into it,
/// where its kernel does them while the results are in registers or in the nearest cache.
///
/// What is made are nodes of ``FusedProduct/domain``. The steps are the same as before and in the same
/// order, so the bits stay what they were, but for convolutions whose bias becomes part of a chain.
package struct EpilogueFusion: Pass {
    /// Makes the pass.
    package init() {}

    /// What the pass does.
    package var name: String { "epilogue fusion" }

    /// Fuses what follows every product and convolution.
    package func run(on graph: inout Graph) throws(GraphError) -> Int {
        var uses = ValueUses(graph)
        var fused = 0
        for index in uses.nodes.indices {
            guard var product = Product(uses.nodes[index], graph) else { continue }
            var position = index
            while let reader = uses.onlyReader(of: product.output), let node = uses.nodes[reader],
                product.absorb(node, &graph)
            {
                uses.remove(at: position)
                position = reader
                uses.replace(at: position, by: product.node)
                fused += 1
            }
        }
        graph.adopt(uses)
        return fused
    }
}

/// A product or a convolution, with what it has absorbed so far.
private struct Product {
    private enum Kind {
        case convolution, matrixProduct, gemm
    }

    /// The node as it is now.
    private(set) var node: Node
    private let kind: Kind
    /// The length of a bias.
    private let channelCount: Int
    private var canTakeBias: Bool
    private var canTakeResidual: Bool
    private var isComplete = false

    var output: ValueID? { node.outputs[0] }

    /// `nil` if the node is nothing that an epilogue can follow.
    init?(_ node: Node?, _ graph: Graph) {
        guard let node, node.domain.isEmpty || FusedProduct.isOpen(node), node.inputs.count >= 2,
            let weights = node.inputs[1], let tensor = graph.initializers[weights],
            tensor.elementType == .fp32
        else { return nil }
        let shape = tensor.shape
        switch node.operatorName {
        case "Conv" where (3...4).contains(shape.rank):
            kind = .convolution
            channelCount = shape.first ?? 0
        case "MatMul" where shape.rank == 2:
            kind = .matrixProduct
            channelCount = shape[1]
        case "Gemm" where shape.rank == 2 && node.operatorVersion >= 7:
            // Only the activation is taken over: what Gemm adds is its own affair.
            kind = .gemm
            channelCount = 0
        default: return nil
        }
        let hasBias = node.inputs.count > 2 && node.inputs[2] != nil
        canTakeBias = kind != .gemm && !hasBias
        canTakeResidual = kind != .gemm
        self.node = node
    }

    /// Takes over what a node does with the result; `false` if that cannot be.
    mutating func absorb(_ next: Node, _ graph: inout Graph) -> Bool {
        guard !isComplete, next.domain.isEmpty else { return false }
        if next.operatorName == "Add" {
            guard next.operatorVersion >= 7, next.inputs.count == 2, let output,
                let other = next.inputs[0] == output ? next.inputs[1] : next.inputs[0],
                other != output
            else { return false }
            if canTakeBias, let bias = bias(other, &graph) {
                canTakeBias = false
                set(input: 2, bias)
            } else if canTakeResidual, graph[other].elementType == .fp32,
                let dimensions = graph.knownDimensions(output),
                graph.knownDimensions(other) == dimensions
            {
                (canTakeBias, canTakeResidual) = (false, false)
                set(input: 3, other)
            } else {
                return false
            }
        } else if let activation = UnaryOperators.operation(of: next, in: graph) {
            FusedProduct.setActivation(activation, of: &node)
            isComplete = true
        } else {
            return false
        }
        node.domain = FusedProduct.domain
        node.outputs = next.outputs
        return true
    }

    private mutating func set(input index: Int, _ id: ValueID) {
        while node.inputs.count <= index { node.inputs.append(nil) }
        node.inputs[index] = id
    }

    /// The value as one number per channel, if it is known and adds no axis to the result.
    private func bias(_ id: ValueID, _ graph: inout Graph) -> ValueID? {
        guard let tensor = graph.initializers[id], tensor.elementType == .fp32,
            tensor.shape.elementCount == channelCount, let output,
            let rank = graph[output].dimensions?.count, tensor.shape.rank <= rank
        else { return nil }
        // Counted from the innermost axis, for the outer ones may be left out.
        let axis = kind == .convolution ? rank - 1 : 1
        guard tensor.shape.rank >= axis,
            tensor.shape[tensor.shape.rank - axis] == channelCount || channelCount == 1
        else { return nil }
        if tensor.shape.rank == 1 { return id }
        return graph.addFloats(
            near: graph[id].name,
            tensor.elements(as: Float.self),
            [channelCount]
        )
    }
}
