import TernGraph
import TernTensor

/// Det: determinants of square matrices, by elimination with row pivots.
enum DeterminantOperator {
    static let all = [
        OperatorDeclaration(
            "Det",
            versions: [11, 22],
            inputs: 1...1,
            shape: { (context) throws(OperatorError) in
                try context.requireElementType(0, in: ElementType.floats)
                try context.requireRank(0, in: 2...Shape.maximumRank)
                let dimensions = context.dimensions(0)
                if let dimensions,
                    dimensions[dimensions.count - 1].isKnownDifferent(
                        from: dimensions[dimensions.count - 2]
                    )
                {
                    throw OperatorError(
                        "\(context.describe(0)) is \(ShapeInferenceContext.text(dimensions)), "
                            + "expected square matrices"
                    )
                }
                context.setOutput(
                    elementType: context.elementType(0),
                    dimensions: dimensions?.dropLast(2)
                )
            },
            kernel: HalfPrecision.widening { (context) throws(OperatorError) in
                switch try context.input(0).elementType {
                case .fp64: try kernel(context, Double.self)
                default: try kernel(context, Float.self)
                }
            }
        )
    ]

    private static func kernel<Real: RealElement>(
        _ context: NodeContext,
        _ type: Real.Type
    ) throws(OperatorError) -> Kernel {
        let shape = try context.input(0).shape
        let size = shape[shape.rank - 1]
        var layout = ScratchLayout()
        let offset = try layout.reserve(size * size, of: type)
        return Kernel(scratchByteCount: layout.byteCount) { (frame) throws(OperatorError) in
            let source = frame.elements(ofInput: 0, as: type)
            var target = frame.mutableElements(ofOutput: 0, as: type)
            var matrix = frame.scratchElements(at: offset, count: size * size, as: type)
            for index in target.indices {
                for place in matrix.indices { matrix[place] = source[index * matrix.count + place] }
                target[index] = determinant(&matrix, size: size)
            }
        }
    }

    /// Eliminates in place.
    private static func determinant<Real: RealElement>(
        _ matrix: inout MutableSpan<Real>,
        size: Int
    ) -> Real {
        var result: Real = 1
        for column in 0..<size {
            var pivot = column
            for row in column..<size
            where matrix[row * size + column].magnitude > matrix[pivot * size + column].magnitude {
                pivot = row
            }
            let value = matrix[pivot * size + column]
            if value == 0 { return 0 }
            if pivot != column {
                for place in 0..<size {
                    matrix.swapAt(pivot * size + place, column * size + place)
                }
                result = -result
            }
            result *= value
            for row in (column + 1)..<max(size, column + 1) {
                let factor = matrix[row * size + column] / value
                for place in column..<size {
                    matrix[row * size + place] -= factor * matrix[column * size + place]
                }
            }
        }
        return result
    }
}
