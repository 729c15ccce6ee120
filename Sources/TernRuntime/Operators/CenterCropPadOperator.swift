import TernGraph
import TernTensor

/// CenterCropPad: cuts or fills with zeros on both sides until axes have the wanted sizes.
enum CenterCropPadOperator {
    static let all = [
        OperatorDeclaration(
            "CenterCropPad",
            versions: [18],
            inputs: 2...2,
            parameterInputs: [1],
            shape: { (context) throws(OperatorError) in
                try context.requireElementType(0, in: ElementType.all)
                try context.requireElementType(1, in: GatherOperators.indexTypes)
                guard var dimensions = context.dimensions(0) else {
                    context.setOutput(elementType: context.elementType(0), dimensions: nil)
                    return
                }
                let axes = try axes(context.node, rank: dimensions.count)
                let wanted = context.integers(1)
                guard wanted == nil || wanted?.count == axes.count else {
                    throw OperatorError(
                        "\(wanted?.count ?? 0) sizes are wanted of \(axes.count) axes"
                    )
                }
                for (index, axis) in axes.enumerated() {
                    dimensions[axis] = wanted?[index] ?? .unknown
                }
                context.setOutput(elementType: context.elementType(0), dimensions: dimensions)
            },
            kernel: { (context) throws(OperatorError) in
                let (input, output) = (try context.input(0), try context.output())
                let places = input.shape.indices.map { axis in
                    Self.places(size: input.shape[axis], wanted: output.shape[axis])
                }
                let copy = PaddedCopy(
                    sourceShape: input.shape,
                    places: places,
                    value: Array(repeating: 0, count: input.elementType.width)
                )
                return Kernel { (frame) throws(OperatorError) in
                    unsafe copy.run(frame.rawInput(0), into: frame.rawOutput(0))
                }
            }
        )
    ]

    private static func axes(_ node: Node, rank: Int) throws(OperatorError) -> [Int] {
        var axes: [Int] = []
        for axis in try node.ints("axes") ?? Array(0..<rank) {
            let position = try ShapeInferenceContext.normalizedAxis(axis, rank: rank)
            guard !axes.contains(position) else {
                throw OperatorError("axis \(axis) is named twice")
            }
            axes.append(position)
        }
        return axes
    }

    /// Where the elements of an axis come from; an odd one too many or too few is at the end.
    private static func places(size: Int, wanted: Int) -> [Int] {
        let first = wanted < size ? (size - wanted) / 2 : -((wanted - size) / 2)
        return (0..<wanted).map { index in
            let place = first + index
            return place >= 0 && place < size ? place : -1
        }
    }
}
