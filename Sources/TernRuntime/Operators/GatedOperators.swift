import TernGraph
import TernTensor

/// SwiGLU: a·σ(alpha·a)·b, element by element.
enum GatedOperators {
    static let all = [
        OperatorDeclaration(
            "SwiGLU",
            versions: [28],
            inputs: 2...2,
            aliasing: .inPlace(overInputs: [0, 1]),
            shape: { (context) throws(OperatorError) in
                try context.requireElementType(0, in: ElementType.floats)
                let type = try context.commonElementType(of: 0...1)
                let (gate, value) = (context.dimensions(0), context.dimensions(1))
                if let gate, let value {
                    guard gate.count == value.count,
                        !zip(gate, value).contains(where: { $0.isKnownDifferent(from: $1) })
                    else {
                        throw OperatorError(
                            "\(ShapeInferenceContext.text(gate)) and "
                                + "\(ShapeInferenceContext.text(value)) differ"
                        )
                    }
                }
                context.setOutput(elementType: type, dimensions: gate ?? value)
            },
            kernel: HalfPrecision.widening { (context) throws(OperatorError) in
                let alpha = try context.node.float("alpha", default: 1)
                guard try context.input(0).shape == context.input(1).shape else {
                    throw OperatorError(
                        "\(try context.input(0).shape) and \(try context.input(1).shape) differ"
                    )
                }
                switch try context.input(0).elementType {
                case .fp64: return kernel(Double(alpha))
                default: return kernel(alpha)
                }
            }
        )
    ]

    private static func kernel<Real: RealElement>(_ alpha: Real) -> Kernel {
        Kernel { (frame) throws(OperatorError) in
            let gates = frame.elements(ofInput: 0, as: Real.self)
            let values = frame.elements(ofInput: 1, as: Real.self)
            var target = frame.mutableElements(ofOutput: 0, as: Real.self)
            for index in target.indices {
                let gate = gates[index]
                target[index] = gate / (1 + Real.exponential(-alpha * gate)) * values[index]
            }
        }
    }
}
