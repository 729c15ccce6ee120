import TernGraph
import TernKernels
import TernMicrokernels
import TernTensor

/// Products and convolutions with what follows them: bias, residual, activation, in this order.
///
/// Made by ``EpilogueFusion``; models don't contain them. Besides the operator's own inputs there is
/// input 2, one number per channel or column, and input 3, as large as the output.
enum FusedProduct {
    /// The domain of Tern's own operators.
    static let domain = "ai.tern"

    static let all = [
        ConvolutionOperators.declaration("Conv", domain: domain, inputs: 2...4),
        MatrixOperators.fusedMatMul, MatrixOperators.fusedGemm,
    ]

    private static let attributes = (function: "activation", a: "activation_a", b: "activation_b")

    /// Notes what a node applies last.
    static func setActivation(_ operation: UnaryOperation, of node: inout Node) {
        node.attributes[attributes.function] = .int(Int(operation.function.rawValue))
        node.attributes[attributes.a] = .float(operation.a)
        node.attributes[attributes.b] = .float(operation.b)
    }

    /// Whether a node was made by fusion, and an addend and an activation can still follow.
    static func isOpen(_ node: Node) -> Bool {
        node.domain == domain && node.attributes[attributes.function] == nil
            && (node.inputs.count < 4 || node.inputs[3] == nil)
    }

    /// What a node applies last.
    static func activation(of node: Node) throws(OperatorError) -> UnaryOperation {
        guard node.domain == domain else { return .identity }
        let identity = Int(UnaryFunction.identity.rawValue)
        let number = try node.int(attributes.function, default: identity)
        guard let function = UInt8(exactly: number).flatMap(UnaryFunction.init(rawValue:)) else {
            throw OperatorError("there is no activation \(number)")
        }
        return UnaryOperation(
            function,
            a: try node.float(attributes.a, default: 0),
            b: try node.float(attributes.b, default: 0)
        )
    }

    /// Which input is added as a residual; `nil` if none is.
    ///
    /// - Throws: ``OperatorError`` if it is not as large as the output.
    static func residual(_ context: NodeContext) throws(OperatorError) -> Int? {
        guard context.node.domain == domain, context.hasInput(3) else { return nil }
        let (residual, output) = (try context.input(3), try context.output())
        guard residual.elementType == output.elementType, residual.shape == output.shape else {
            throw OperatorError(
                "the residual is \(residual.elementType)\(residual.shape), the output "
                    + "\(output.elementType)\(output.shape)"
            )
        }
        return 3
    }

    /// Whether there is a bias, input 2.
    ///
    /// - Throws: ``OperatorError`` if it is not one float for each of so many channels or columns.
    static func hasBias(_ context: NodeContext, count: Int) throws(OperatorError) -> Bool {
        guard context.hasInput(2) else { return false }
        let bias = try context.input(2)
        guard bias.elementType == .fp32, bias.elementCount == count else {
            throw OperatorError(
                "the bias is \(bias.elementType)\(bias.shape), expected \(count) numbers of FP32"
            )
        }
        return true
    }
}
