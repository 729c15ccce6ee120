import TernGraph
import TernKernels
import TernMicrokernels
import TernTensor

/// Folding along axes, and finding the position of the largest or smallest.
enum ReductionOperators {
    static let all =
        [
            reduction("ReduceSum", [1, 11, 13], .sum, axesFromInput: 13),
            reduction("ReduceMean", [1, 11, 13, 18], .mean),
            reduction("ReduceMax", [1, 11, 12, 13, 18, 20], .maximum),
            reduction("ReduceMin", [1, 11, 12, 13, 18, 20], .minimum),
            reduction("ReduceProd", [1, 11, 13, 18], .product),
            reduction("ReduceL1", [1, 11, 13, 18], .l1),
            reduction("ReduceL2", [1, 11, 13, 18], .l2),
            reduction("ReduceSumSquare", [1, 11, 13, 18], .sumOfSquares),
            reduction("ReduceLogSum", [1, 11, 13, 18, 28], .logSum),
            reduction("ReduceLogSumExp", [1, 11, 13, 18, 28], .logSumExp),
        ] + [position("ArgMax", ofMaximum: true), position("ArgMin", ofMaximum: false)]

    // MARK: Folding

    private static func reduction(
        _ name: String,
        _ versions: [Int],
        _ function: ReductionFunction,
        axesFromInput: Int = 18
    ) -> OperatorDeclaration {
        OperatorDeclaration(
            name,
            versions: versions,
            inputs: 1...2,
            parameterInputs: [1],
            shape: { (context) throws(OperatorError) in
                try infer(&context, axesFromInput: axesFromInput)
            },
            kernel: { (context) throws(OperatorError) in
                let input = try context.input(0)
                let given =
                    context.version < axesFromInput
                    ? try context.node.ints("axes") : try context.integers(1)
                let axes = try axes(given, context.node, rank: input.rank)
                let mask = axes.reduce(UInt8(0)) { $0 | 1 << UInt8($1) }
                let (type, shape) = (input.elementType, input.shape)
                return Kernel { (frame) throws(OperatorError) in
                    guard
                        unsafe Reduction.apply(
                            function,
                            frame.rawInput(0),
                            into: frame.rawOutput(0),
                            shape: shape,
                            axes: mask,
                            elementType: type,
                            context: frame.context
                        )
                    else { throw OperatorError("\(type) cannot be folded this way") }
                }
            }
        )
    }

    /// The axes to fold, ascending: those given, or all, or none.
    private static func axes(
        _ given: [Int]?,
        _ node: Node,
        rank: Int
    ) throws(OperatorError) -> [Int] {
        guard let given, !given.isEmpty else {
            let keepsAll = try node.int("noop_with_empty_axes", default: 0) != 0
            return keepsAll ? [] : Array(0..<rank)
        }
        var axes: [Int] = []
        for axis in given {
            let position = try ShapeInferenceContext.normalizedAxis(axis, rank: rank)
            if !axes.contains(position) { axes.append(position) }
        }
        return axes.sorted()
    }

    private static func infer(
        _ context: inout ShapeInferenceContext,
        axesFromInput: Int
    ) throws(OperatorError) {
        try context.requireElementType(0, in: ElementType.fixedSize)
        let type = context.elementType(0)
        let keeps = try context.node.int("keepdims", default: 1) != 0
        guard let dimensions = context.dimensions(0) else {
            context.setOutput(elementType: type, dimensions: nil)
            return
        }
        var given: [Int]?
        if context.version < axesFromInput {
            given = try context.node.ints("axes")
        } else if context.hasInput(1) {
            guard let known = context.fixedIntegers(1) else {
                context.setOutput(
                    elementType: type,
                    dimensions: keeps ? dimensions.map { _ in .unknown } : nil
                )
                return
            }
            given = known
        }
        let axes = try axes(given, context.node, rank: dimensions.count)
        var result: [Dimension] = []
        for (axis, dimension) in dimensions.enumerated() {
            if !axes.contains(axis) {
                result.append(dimension)
            } else if keeps {
                result.append(.fixed(1))
            }
        }
        context.setOutput(elementType: type, dimensions: result)
    }

    // MARK: Positions

    private static func position(_ name: String, ofMaximum: Bool) -> OperatorDeclaration {
        OperatorDeclaration(
            name,
            versions: [1, 11, 12, 13],
            inputs: 1...1,
            shape: { (context) throws(OperatorError) in
                try context.requireElementType(0, in: ElementType.numbers)
                let keeps = try context.node.int("keepdims", default: 1) != 0
                guard var dimensions = context.dimensions(0) else {
                    context.setOutput(elementType: .int64, dimensions: nil)
                    return
                }
                let axis = try axis(context.node, rank: dimensions.count)
                if !dimensions.isEmpty {
                    guard dimensions[axis] != .fixed(0) else {
                        throw OperatorError("axis \(axis) is empty and has no largest or smallest")
                    }
                    if keeps { dimensions[axis] = .fixed(1) } else { dimensions.remove(at: axis) }
                }
                context.setOutput(elementType: .int64, dimensions: dimensions)
            },
            kernel: { (context) throws(OperatorError) in
                let input = try context.input(0)
                let axis = try axis(context.node, rank: input.rank)
                let takesLast = try context.node.int("select_last_index", default: 0) != 0
                let (outer, inner) = (input.outerCount(axis), input.innerCount(axis))
                let length = input.rank == 0 ? 1 : input.shape[axis]
                let type = input.elementType
                return Kernel { (frame) throws(OperatorError) in
                    guard outer > 0, inner > 0 else { return }
                    guard
                        unsafe Reduction.position(
                            ofMaximum: ofMaximum,
                            frame.rawInput(0),
                            into: frame.output(0, as: Int64.self),
                            outer: outer,
                            axis: length,
                            inner: inner,
                            takesLast: takesLast,
                            elementType: type,
                            context: frame.context
                        )
                    else { throw OperatorError("\(type) has no order here") }
                }
            }
        )
    }

    private static func axis(_ node: Node, rank: Int) throws(OperatorError) -> Int {
        try ShapeInferenceContext.normalizedAxis(
            try node.int("axis", default: 0),
            rank: max(rank, 1)
        )
    }
}
