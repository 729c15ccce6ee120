import TernGraph
import TernKernels
import TernMicrokernels
import TernTensor

/// Poolings with a sliding window, and over whole images.
///
/// Single precision over one or two axes has fast kernels; the rest is ``PlainPooling``.
enum PoolingOperators {
    static let all = [
        pooling(
            "MaxPool",
            [1, 8, 10, 11, 12, 22],
            outputs: 1...2,
            types: ElementType.floats.union([.uint8, .int8]),
            maximum
        ),
        pooling("AveragePool", [1, 7, 10, 11, 19, 22], average),
        pooling("LpPool", [2, 11, 18, 22], lp),
        global("GlobalMaxPool", [1, 22], .maximum),
        global("GlobalAveragePool", [1, 22], .mean),
        globalLp,
    ]

    private static func pooling(
        _ name: String,
        _ versions: [Int],
        outputs: ClosedRange<Int> = 1...1,
        types: Set<ElementType> = ElementType.floats,
        _ function: @escaping @Sendable (Node) throws(OperatorError) -> PoolingFunction
    ) -> OperatorDeclaration {
        OperatorDeclaration(
            name,
            versions: versions,
            inputs: 1...1,
            outputs: outputs,
            shape: { (context) throws(OperatorError) in
                try context.requireElementType(0, in: types)
                let type = context.elementType(0)
                guard let image = context.dimensions(0) else {
                    context.setOutput(elementType: type, dimensions: nil)
                    context.setOutput(1, elementType: .int64, dimensions: nil)
                    return
                }
                guard image.count >= 3 else {
                    throw OperatorError(
                        "\(context.describe(0)) is \(ShapeInferenceContext.text(image)), expected "
                            + "batch, channels and an image"
                    )
                }
                let window = try SlidingWindow(
                    context.node,
                    rank: image.count - 2,
                    maximumRank: SlidingWindow.anyRank
                )
                let dimensions = try window.outputDimensions(
                    batch: image[0],
                    channels: image[1],
                    image: Array(image.dropFirst(2))
                )
                context.setOutput(elementType: type, dimensions: dimensions)
                context.setOutput(1, elementType: .int64, dimensions: dimensions)
            },
            kernel: HalfPrecision.widening { (context) throws(OperatorError) in
                try kernel(context, function(context.node))
            }
        )
    }

    private static func kernel(
        _ context: NodeContext,
        _ function: PoolingFunction
    ) throws(OperatorError) -> Kernel {
        let input = try context.input(0)
        let image = Array(input.shape.dropFirst(2))
        let window = try SlidingWindow(
            context.node,
            rank: image.count,
            maximumRank: SlidingWindow.anyRank
        )
        if try context.output().elementCount == 0 {
            return Kernel { (_) throws(OperatorError) in }
        }
        guard input.elementType == .fp32, image.count <= 2 else {
            return try PlainPooling(context, window, function).kernel(input.elementType)
        }
        var (size, sliding) = (SlidingWindow.extent(image), window.window(for: image))
        if size.width == 1, sliding.isColumn {
            // A column lies in memory as a row does, and kernels go along rows.
            (size, sliding) = (size.transposed, sliding.transposed)
        }
        guard
            let pooling = Pooling(
                planeCount: input.shape[0] * input.shape[1],
                inputSize: size,
                window: sliding,
                roundsUp: window.roundsUp
            )
        else {
            throw OperatorError(
                "a kernel of \(window.kernel) with its padding does not fit the image "
                    + "\(input.shape)"
            )
        }
        let hasIndices = context.hasOutput(1)
        return Kernel { (frame) throws(OperatorError) in
            let source = unsafe frame.input(0, as: Float.self)
            let target = unsafe frame.output(0, as: Float.self)
            switch function {
            case .maximum(let isColumnMajor):
                unsafe pooling.maximum(
                    source,
                    into: target,
                    indices: hasIndices ? frame.output(1, as: Int64.self) : nil,
                    indicesAreColumnMajor: isColumnMajor,
                    context: frame.context
                )
            case .average(let countsPadding):
                unsafe pooling.average(
                    source,
                    into: target,
                    countsPadding: countsPadding,
                    context: frame.context
                )
            case .lp(let p):
                unsafe pooling.lp(source, into: target, p: p, context: frame.context)
            }
        }
    }

    private static func maximum(_ node: Node) throws(OperatorError) -> PoolingFunction {
        .maximum(isColumnMajor: try node.int("storage_order", default: 0) != 0)
    }

    private static func average(_ node: Node) throws(OperatorError) -> PoolingFunction {
        .average(countsPadding: try node.int("count_include_pad", default: 0) != 0)
    }

    private static func lp(_ node: Node) throws(OperatorError) -> PoolingFunction {
        let p = try node.int("p", default: 2)
        guard p >= 1, p <= 1 << 20 else { throw OperatorError("p is \(p), expected 1 or more") }
        return .lp(p)
    }

    private static let wholeImage: OperatorSchema.ShapeRule = { (context) throws(OperatorError) in
        try context.requireElementType(0, in: ElementType.floats)
        try context.requireRank(0, in: 2...Shape.maximumRank)
        context.setOutput(
            elementType: context.elementType(0),
            dimensions: context.dimensions(0)?.enumerated().map { axis, dimension in
                axis < 2 ? dimension : .fixed(1)
            }
        )
    }

    private static func global(
        _ name: String,
        _ versions: [Int],
        _ function: ReductionFunction
    ) -> OperatorDeclaration {
        OperatorDeclaration(
            name,
            versions: versions,
            inputs: 1...1,
            shape: wholeImage,
            kernel: HalfPrecision.widening { (context) throws(OperatorError) in
                try fold(context, function)
            }
        )
    }

    private static let globalLp = OperatorDeclaration(
        "GlobalLpPool",
        versions: [2, 22],
        inputs: 1...1,
        shape: wholeImage,
        kernel: { (context) throws(OperatorError) in
            let p = try context.node.int("p", default: 2)
            guard p == 1 || p == 2 else { throw OperatorError("p is \(p), expected 1 or 2") }
            return try fold(context, p == 1 ? .l1 : .l2)
        }
    )

    private static func fold(
        _ context: NodeContext,
        _ function: ReductionFunction
    ) throws(OperatorError) -> Kernel {
        let input = try context.input(0)
        let planes = input.shape[0] * input.shape[1]
        let count = input.shape.dropFirst(2).reduce(1, *)
        let type = input.elementType
        return Kernel { (frame) throws(OperatorError) in
            guard
                unsafe Reduction.apply(
                    function,
                    frame.rawInput(0),
                    into: frame.rawOutput(0),
                    outer: planes,
                    axis: count,
                    inner: 1,
                    elementType: type,
                    context: frame.context
                )
            else { throw OperatorError("\(type) cannot be pooled") }
        }
    }
}
