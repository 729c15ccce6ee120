import TernGraph
import TernKernels
import TernMicrokernels
import TernTensor

/// Functions of single elements, activations among them.
enum UnaryOperators {
    static let all = (mathematics + trigonometry + activations).map(\.declaration)

    /// The function that a node applies to every element, as far as it is known beforehand.
    ///
    /// - Returns: `nil` if the node does anything else.
    static func operation(of node: Node, in graph: Graph) -> UnaryOperation? {
        guard node.domain.isEmpty, let input = node.inputs.first ?? nil,
            graph[input].elementType == .fp32
        else { return nil }
        if node.operatorName == "Clip" { return ClipOperator.operation(of: node, in: graph) }
        guard let function = functions[node.operatorName] else { return nil }
        return try? function.operation(node)
    }

    private static let functions = Dictionary(
        uniqueKeysWithValues: (mathematics + trigonometry + activations).map { ($0.name, $0) }
    )

    /// One operator of this family.
    private struct Function: Sendable {
        let name: String
        let declaration: OperatorDeclaration
        let operation: @Sendable (Node) throws(OperatorError) -> UnaryOperation
    }

    private static let mathematics = [
        unary("Abs", [1, 6, 13], .absolute, types: ElementType.numbers),
        unary("Neg", [1, 6, 13], .negative, types: ElementType.numbers),
        unary("Sign", [9, 13], .sign, types: ElementType.numbers),
        unary("Ceil", [1, 6, 13], .ceiling),
        unary("Floor", [1, 6, 13], .floor),
        unary("Round", [11, 22], .roundToEven),
        unary("Sqrt", [1, 6, 13], .squareRoot),
        unary("Reciprocal", [1, 6, 13], .reciprocal),
        unary("Exp", [1, 6, 13], .exponential),
        unary("Log", [1, 6, 13], .logarithm),
        unary("Erf", [9, 13], .errorFunction),
    ]

    private static let trigonometry = [
        unary("Sin", [7, 22], .sine),
        unary("Cos", [7, 22], .cosine),
        unary("Tan", [7, 22], .tangent),
        unary("Asin", [7, 22], .arcsine),
        unary("Acos", [7, 22], .arccosine),
        unary("Atan", [7, 22], .arctangent),
        unary("Sinh", [9, 22], .hyperbolicSine),
        unary("Cosh", [9, 22], .hyperbolicCosine),
        unary("Asinh", [9, 22], .inverseHyperbolicSine),
        unary("Acosh", [9, 22], .inverseHyperbolicCosine),
        unary("Atanh", [9, 22], .inverseHyperbolicTangent),
    ]

    private static let activations = [
        unary("Relu", [1, 6, 13, 14], .relu, types: ElementType.numbers),
        unary("Sigmoid", [1, 6, 13], .sigmoid),
        unary("Tanh", [1, 6, 13], .hyperbolicTangent),
        unary("Softplus", [1, 22], .softplus),
        unary("Softsign", [1, 22], .softsign),
        unary("Mish", [18, 22], .mish),
        unary("HardSwish", [14, 22], .hardSwish),
        unary("LeakyRelu", [1, 6, 16]) { (node) throws(OperatorError) in
            UnaryOperation(.leakyRelu, a: try node.float("alpha", default: 0.01))
        },
        unary("Elu", [1, 6, 22]) { (node) throws(OperatorError) in
            UnaryOperation(.elu, a: try node.float("alpha", default: 1))
        },
        unary("Celu", [12, 28]) { (node) throws(OperatorError) in
            UnaryOperation(.celu, a: try node.float("alpha", default: 1))
        },
        unary("Selu", [1, 6, 22]) { (node) throws(OperatorError) in
            // The defaults were rounded differently before version 6.
            let isOld = node.operatorVersion < 6
            return UnaryOperation(
                .selu,
                a: try node.float("alpha", default: isOld ? 1.6732 : 1.673_263_2),
                b: try node.float("gamma", default: isOld ? 1.0507 : 1.050_701)
            )
        },
        unary("HardSigmoid", [1, 6, 22]) { (node) throws(OperatorError) in
            UnaryOperation(
                .hardSigmoid,
                a: try node.float("alpha", default: 0.2),
                b: try node.float("beta", default: 0.5)
            )
        },
        unary("ThresholdedRelu", [10, 22]) { (node) throws(OperatorError) in
            UnaryOperation(.thresholdedRelu, a: try node.float("alpha", default: 1))
        },
        unary("Swish", [24]) { (node) throws(OperatorError) in
            UnaryOperation(.swish, a: try node.float("alpha", default: 1))
        },
        unary("Shrink", [9], types: ElementType.numbers) { (node) throws(OperatorError) in
            UnaryOperation(
                .shrink,
                a: try node.float("lambd", default: 0.5),
                b: try node.float("bias", default: 0)
            )
        },
        unary("Gelu", [20]) { (node) throws(OperatorError) in
            let approximation = try node.string("approximate", default: "none")
            switch approximation {
            case "none": return UnaryOperation(.gelu)
            case "tanh": return UnaryOperation(.geluTanh)
            default:
                throw OperatorError(
                    "approximate is \"\(approximation)\", expected \"none\" or \"tanh\""
                )
            }
        },
    ]

    private static func unary(
        _ name: String,
        _ versions: [Int],
        _ function: UnaryFunction,
        types: Set<ElementType> = ElementType.floats
    ) -> Function {
        unary(name, versions, types: types) { (_) throws(OperatorError) in
            UnaryOperation(function)
        }
    }

    private static func unary(
        _ name: String,
        _ versions: [Int],
        types: Set<ElementType> = ElementType.floats,
        _ operation: @escaping @Sendable (Node) throws(OperatorError) -> UnaryOperation
    ) -> Function {
        let declaration = OperatorDeclaration(
            name,
            versions: versions,
            inputs: 1...1,
            aliasing: .inPlace(overInputs: [0]),
            shape: OperatorDeclaration.sameAsInput(types),
            kernel: { (context) throws(OperatorError) in
                try kernel(context, operation(context.node))
            }
        )
        return Function(name: name, declaration: declaration, operation: operation)
    }

    /// Applies one function to every element of the first input.
    static func kernel(
        _ context: NodeContext,
        _ operation: UnaryOperation
    ) throws(OperatorError) -> Kernel {
        let input = try context.input(0)
        let (type, count) = (input.elementType, input.elementCount)
        if type == .fp32 {
            return Kernel { (frame) throws(OperatorError) in
                unsafe Elementwise.apply(
                    operation,
                    frame.input(0, as: Float.self),
                    into: frame.output(0, as: Float.self),
                    count: count,
                    context: frame.context
                )
            }
        }
        return Kernel { (frame) throws(OperatorError) in
            guard
                unsafe Elementwise.apply(
                    operation,
                    frame.rawInput(0),
                    into: frame.rawOutput(0),
                    count: count,
                    elementType: type,
                    context: frame.context
                )
            else { throw OperatorError("the function is not there for \(type)") }
        }
    }
}
