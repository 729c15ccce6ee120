import TernGraph
import TernTensor

/// AffineGrid: where each element of an image comes from, if the image is moved by a matrix.
enum AffineGridOperator {
    static let declaration = OperatorDeclaration(
        "AffineGrid",
        versions: [20],
        inputs: 2...2,
        parameterInputs: [1],
        shape: { (context) throws(OperatorError) in
            try context.requireElementType(0, in: ElementType.floats)
            try context.requireElementType(1, in: [.int64])
            try context.requireRank(0, in: 3...3)
            let type = context.elementType(0)
            guard let size = context.integers(1) else {
                context.setOutput(elementType: type, dimensions: nil)
                return
            }
            guard size.count == 4 || size.count == 5 else {
                throw OperatorError("size has \(size.count) numbers, expected 4 or 5")
            }
            let rank = size.count - 2
            if let theta = context.dimensions(0),
                theta[0].isKnownDifferent(from: size[0])
                    || theta[1].isKnownDifferent(from: .fixed(rank))
                    || theta[2].isKnownDifferent(from: .fixed(rank + 1))
            {
                throw OperatorError(
                    "the matrices are \(ShapeInferenceContext.text(theta)), expected "
                        + "[\(size[0]), \(rank), \(rank + 1)]"
                )
            }
            context.setOutput(
                elementType: type,
                dimensions: [size[0]] + size.dropFirst(2) + [.fixed(rank)]
            )
        },
        kernel: HalfPrecision.widening { (context) throws(OperatorError) in
            switch try context.input(0).elementType {
            case .fp64: try kernel(context, Double.self)
            default: try kernel(context, Float.self)
            }
        }
    )

    private static func kernel<Real: RealElement>(
        _ context: NodeContext,
        _ type: Real.Type
    ) throws(OperatorError) -> Kernel {
        let output = try context.output().shape
        let sizes = Array(output.dropFirst().dropLast())
        let rank = sizes.count
        guard try context.input(0).shape == [output[0], rank, rank + 1] else {
            throw OperatorError("the matrices are \(try context.input(0).shape)")
        }
        let alignsCorners = try context.node.int("align_corners", default: 0) != 0
        let count = sizes.reduce(1, *)
        return Kernel { (frame) throws(OperatorError) in
            let matrices = frame.elements(ofInput: 0, as: type)
            var target = frame.mutableElements(ofOutput: 0, as: type)
            for place in 0..<(output[0] * count) {
                let matrix = place / count * rank * (rank + 1)
                for row in 0..<rank {
                    let start = matrix + row * (rank + 1)
                    var total = matrices[start + rank]
                    var rest = place % count
                    // The first column of the matrix stands for the innermost axis.
                    for column in 0..<rank {
                        let size = sizes[rank - 1 - column]
                        let index = Real(rest % size)
                        rest /= size
                        let coordinate =
                            alignsCorners
                            ? (size == 1 ? -1 : 2 * index / Real(size - 1) - 1)
                            : (2 * index + 1) / Real(size) - 1
                        total += matrices[start + column] * coordinate
                    }
                    target[place * rank + row] = total
                }
            }
        }
    }
}
