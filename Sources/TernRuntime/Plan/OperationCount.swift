import TernGraph
import TernTensor

/// How much arithmetic a node's definition asks for.
enum OperationCount {
    /// Multiplications and additions of a node that is a product or a convolution; 0 for others.
    ///
    /// - Parameters:
    ///   - node: The node.
    ///   - shape: The shape of a value, if it is known.
    /// - Returns: Two for each pair of numbers that is multiplied and added, whatever method the
    ///   kernel uses.
    static func of(_ node: Node, shape: (ValueID) -> Shape?) -> Double {
        func operand(_ ids: [ValueID?], _ index: Int) -> Shape? {
            guard index < ids.count, let id = ids[index] else { return nil }
            return shape(id)
        }
        guard let output = operand(node.outputs, 0) else { return 0 }
        let results = Double(output.elementCount)
        switch node.operatorName {
        case "Conv", "ConvInteger":
            guard let weights = operand(node.inputs, 1) else { return 0 }
            return 2 * results * Double(weights.dropFirst().reduce(1, *))
        case "QLinearConv":
            guard let weights = operand(node.inputs, 3) else { return 0 }
            return 2 * results * Double(weights.dropFirst().reduce(1, *))
        case "ConvTranspose":
            guard let image = operand(node.inputs, 0), let weights = operand(node.inputs, 1) else {
                return 0
            }
            return 2 * Double(image.elementCount) * Double(weights.dropFirst().reduce(1, *))
        case "MatMul", "MatMulInteger", "QLinearMatMul", "MatMulNBits":
            guard let depth = operand(node.inputs, 0)?.last else { return 0 }
            return 2 * results * Double(depth)
        case "Gemm":
            guard let left = operand(node.inputs, 0), left.rank == 2 else { return 0 }
            let isTransposed = (try? node.int("transA", default: 0)) ?? 0
            return 2 * results * Double(left[isTransposed != 0 ? 0 : 1])
        case "LSTM", "GRU", "RNN":
            // X [length, batch, inputs], W [directions, gates · hidden, inputs], R the same by hidden.
            guard let x = operand(node.inputs, 0), let w = operand(node.inputs, 1),
                let r = operand(node.inputs, 2), x.rank == 3
            else { return 0 }
            return 2 * Double(x[0] * x[1]) * Double(w.elementCount + r.elementCount)
        default: return 0
        }
    }
}
