import TernGraph
import TernTensor

/// Einsum: sums of products over axes that an equation names.
enum EinsumOperator {
    static let all = [
        OperatorDeclaration(
            "Einsum",
            versions: [12, 28],
            inputs: 1...64,
            shape: { (context) throws(OperatorError) in
                for index in 0..<context.inputCount {
                    try context.requireElementType(index, in: ElementType.numbers)
                }
                let type = try context.commonElementType(of: 0..<context.inputCount)
                let dimensions = (0..<context.inputCount).compactMap { context.dimensions($0) }
                guard dimensions.count == context.inputCount else {
                    context.setOutput(elementType: type, dimensions: nil)
                    return
                }
                let equation = try EinsumEquation(
                    context.node.string("equation", default: ""),
                    ranks: dimensions.map(\.count)
                )
                let sizes = try equation.sizes(dimensions)
                context.setOutput(
                    elementType: type,
                    dimensions: equation.output.map { sizes[$0] ?? .unknown }
                )
            },
            kernel: HalfPrecision.widening { (context) throws(OperatorError) in
                var shapes: [Shape] = []
                for index in context.inputs.indices {
                    shapes.append(try context.input(index).shape)
                }
                let equation = try EinsumEquation(
                    context.node.string("equation", default: ""),
                    ranks: shapes.map(\.rank)
                )
                let type = try context.output().elementType
                if let product = try EinsumProduct(equation, shapes) {
                    return try product.kernel(type, context.kernels)
                }
                return try EinsumLoop(equation, shapes).kernel(of: type)
            }
        )
    ]
}
