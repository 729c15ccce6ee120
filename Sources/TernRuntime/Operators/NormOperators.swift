import TernGraph
import TernTensor

/// Normalisations without learnt numbers: by a norm along an axis, and to mean 0 and variance 1.
enum NormOperators {
    static let all = [lp, meanVariance]

    private static let lp = OperatorDeclaration(
        "LpNormalization",
        versions: [1, 22],
        inputs: 1...1,
        shape: { (context) throws(OperatorError) in
            try OperatorDeclaration.sameAsInput(ElementType.floats)(&context)
            if let rank = context.dimensions(0)?.count { _ = try axis(context.node, rank: rank) }
            let p = try context.node.int("p", default: 2)
            guard p == 1 || p == 2 else { throw OperatorError("p is \(p), expected 1 or 2") }
        },
        kernel: HalfPrecision.widening { (context) throws(OperatorError) in
            switch try context.input(0).elementType {
            case .fp64: try lp(context, Double.self)
            default: try lp(context, Float.self)
            }
        }
    )

    private static func axis(_ node: Node, rank: Int) throws(OperatorError) -> Int {
        try ShapeInferenceContext.normalizedAxis(
            try node.int("axis", default: -1),
            rank: max(rank, 1)
        )
    }

    private static func lp<Real: RealElement>(
        _ context: NodeContext,
        _ type: Real.Type
    ) throws(OperatorError) -> Kernel {
        let input = try context.input(0)
        let axis = try axis(context.node, rank: input.rank)
        let (outer, inner) = (input.outerCount(axis), input.innerCount(axis))
        let count = input.rank == 0 ? 1 : input.shape[axis]
        let isEuclidean = try context.node.int("p", default: 2) == 2
        return Kernel { (frame) throws(OperatorError) in
            let source = frame.elements(ofInput: 0, as: type)
            var target = frame.mutableElements(ofOutput: 0, as: type)
            for block in 0..<outer {
                for column in 0..<inner {
                    let start = block * count * inner + column
                    var total: Real = 0
                    for step in 0..<count {
                        let value = source[start + step * inner]
                        total += isEuclidean ? value * value : value.magnitude
                    }
                    let norm = isEuclidean ? total.squareRoot() : total
                    for step in 0..<count {
                        let place = start + step * inner
                        // 0 of 0 is 0.
                        target[place] = norm == 0 ? 0 : source[place] / norm
                    }
                }
            }
        }
    }

    private static let meanVariance = OperatorDeclaration(
        "MeanVarianceNormalization",
        versions: [9, 13],
        inputs: 1...1,
        shape: { (context) throws(OperatorError) in
            try OperatorDeclaration.sameAsInput(ElementType.floats)(&context)
            guard let rank = context.dimensions(0)?.count else { return }
            _ = try context.normalizedAxes(context.node.ints("axes") ?? [0, 2, 3], rank: rank)
        },
        kernel: HalfPrecision.widening { (context) throws(OperatorError) in
            switch try context.input(0).elementType {
            case .fp64: try meanVariance(context, Double.self)
            default: try meanVariance(context, Float.self)
            }
        }
    )

    private static func meanVariance<Real: RealElement>(
        _ context: NodeContext,
        _ type: Real.Type
    ) throws(OperatorError) -> Kernel {
        let shape = try context.input(0).shape
        var isFolded = Array(repeating: false, count: shape.rank)
        for axis in try context.node.ints("axes") ?? [0, 2, 3] {
            isFolded[try ShapeInferenceContext.normalizedAxis(axis, rank: shape.rank)] = true
        }
        // Each element belongs to a group, which the axes that are kept number.
        var groupStrides = Array(repeating: 0, count: shape.rank)
        var groupCount = 1
        for axis in shape.indices.reversed() where !isFolded[axis] {
            groupStrides[axis] = groupCount
            groupCount *= shape[axis]
        }
        let (count, groups) = (shape.elementCount, groupCount)
        let strides = groupStrides
        var layout = ScratchLayout()
        let means = try layout.reserve(groups, of: type)
        let variances = try layout.reserve(groups, of: type)
        return Kernel(scratchByteCount: layout.byteCount) { (frame) throws(OperatorError) in
            guard count > 0 else { return }
            let source = frame.elements(ofInput: 0, as: type)
            var target = frame.mutableElements(ofOutput: 0, as: type)
            var mean = frame.scratchElements(at: means, count: groups, as: type)
            var variance = frame.scratchElements(at: variances, count: groups, as: type)
            func group(_ place: Int) -> Int {
                var (rest, group) = (place, 0)
                for axis in shape.indices.reversed() {
                    group += rest % shape[axis] * strides[axis]
                    rest /= shape[axis]
                }
                return group
            }
            let size = Real(count / groups)
            for index in mean.indices { (mean[index], variance[index]) = (0, 0) }
            for place in source.indices { mean[group(place)] += source[place] / size }
            for place in source.indices {
                let distance = source[place] - mean[group(place)]
                variance[group(place)] += distance * distance / size
            }
            for place in source.indices {
                let index = group(place)
                target[place] =
                    (source[place] - mean[index]) / (variance[index].squareRoot() + 1e-9)
            }
        }
    }
}
