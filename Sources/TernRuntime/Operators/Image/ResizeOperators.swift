import TernGraph
import TernTensor

/// Resize, and its older form Upsample.
enum ResizeOperators {
    static let all = [
        OperatorDeclaration(
            "Resize",
            versions: [10, 11, 13, 18, 19],
            inputs: 1...4,
            parameterInputs: [1, 2, 3],
            shape: { (context) throws(OperatorError) in
                try infer(
                    &context,
                    scales: context.version < 11 ? 1 : 2,
                    sizes: context.version < 11 ? nil : 3
                )
            },
            kernel: { (context) throws(OperatorError) in try kernel(context) }
        ),
        OperatorDeclaration(
            "Upsample",
            versions: [7, 9],
            inputs: 1...2,
            parameterInputs: [1],
            shape: { (context) throws(OperatorError) in try infer(&context, scales: 1, sizes: nil)
            },
            kernel: { (context) throws(OperatorError) in try kernel(context) }
        ),
    ]

    private static func infer(
        _ context: inout ShapeInferenceContext,
        scales: Int,
        sizes: Int?
    ) throws(OperatorError) {
        try context.requireElementType(0, in: ElementType.fixedSize)
        let type = context.elementType(0)
        guard let dimensions = context.dimensions(0) else {
            context.setOutput(elementType: type, dimensions: nil)
            return
        }
        let attributes = try ResizeAttributes(context.node, rank: dimensions.count)
        if let sizes, context.hasInput(sizes), context.dimensions(sizes) != [.fixed(0)] {
            guard let wanted = context.integers(sizes) else {
                context.setOutput(
                    elementType: type,
                    dimensions: attributes.leavingOpen(dimensions)
                )
                return
            }
            context.setOutput(
                elementType: type,
                dimensions: try attributes.dimensions(dimensions, sizes: wanted)
            )
            return
        }
        if let given = try scaleFactors(context.node, context.constant(scales)) {
            context.setOutput(
                elementType: type,
                dimensions: try attributes.dimensions(dimensions, scales: given)
            )
        } else {
            guard context.hasInput(scales) else {
                throw OperatorError("neither scales nor sizes are given")
            }
            context.setOutput(
                elementType: type,
                dimensions: attributes.leavingOpen(dimensions)
            )
        }
    }

    /// The factors, from the tensor or, for Upsample before version 9, the attribute.
    private static func scaleFactors(
        _ node: Node,
        _ tensor: Tensor?
    ) throws(OperatorError) -> [Double]? {
        if node.operatorVersion < 9 {
            return try node.floats("scales")?.map { Double($0) }
        }
        guard let tensor else { return nil }
        guard tensor.elementType == .fp32 else {
            throw OperatorError("the scales are \(tensor.elementType), expected FP32")
        }
        return tensor.elements(as: Float.self).map { Double($0) }
    }

    private static func kernel(_ context: NodeContext) throws(OperatorError) -> Kernel {
        let (input, output) = (try context.input(0), try context.output())
        let attributes = try ResizeAttributes(context.node, rank: input.rank)
        let scalesIndex = context.version < 11 ? 1 : 2
        let sizes = context.version < 11 ? nil : try context.integers(3)
        let scales: [Double]
        if let sizes, !sizes.isEmpty {
            scales = attributes.scales(input.shape, output.shape, sizes: sizes)
        } else {
            let constant =
                context.hasInput(scalesIndex) ? context.inputs[scalesIndex]?.constant : nil
            guard let given = try scaleFactors(context.node, constant) else {
                throw OperatorError("neither scales nor sizes are given")
            }
            scales = attributes.spread(given, over: input.rank, elsewhere: 1)
        }
        let region = try attributes.region(
            context.version >= 11 && context.hasInput(1) ? context.inputs[1]?.constant : nil,
            rank: input.rank
        )
        // Nothing to do, and geometry of nothing is not defined.
        if output.elementCount == 0 { return Kernel { (_) throws(OperatorError) in } }
        guard input.elementCount > 0 else {
            throw OperatorError("an image of \(input.shape) has no elements to make others from")
        }
        var axes: [ResizedAxis] = []
        for axis in input.shape.indices {
            axes.append(
                ResizedAxis(
                    attributes,
                    size: input.shape[axis],
                    outputSize: output.shape[axis],
                    scale: scales[axis],
                    region: (region[axis], region[axis + input.rank])
                )
            )
        }
        if attributes.mode == .nearest {
            return try NearestResize(axes, input, output, attributes).kernel()
        }
        return try InterpolatedResize.kernel(context, axes, attributes)
    }
}
