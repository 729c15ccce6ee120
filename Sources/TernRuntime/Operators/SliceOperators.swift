import TernGraph
import TernKernels
import TernTensor

/// Operators that take parts of a tensor.
enum SliceOperators {
    static let all = [slice, split, trilu]

    // MARK: Slice

    /// Which elements of one axis are taken.
    struct Range: Sendable {
        var axis: Int
        var start: Int
        var step: Int
        var count: Int
    }

    private static let slice = OperatorDeclaration(
        "Slice",
        versions: [1, 10, 11, 13],
        inputs: 1...5,
        parameterInputs: [1, 2, 3, 4],
        shape: { (context) throws(OperatorError) in
            try context.requireElementType(0, in: ElementType.all)
            let type = context.elementType(0)
            guard var dimensions = context.dimensions(0) else {
                context.setOutput(elementType: type, dimensions: nil)
                return
            }
            guard let parameters = try parameters(of: context, rank: dimensions.count) else {
                // Every axis may be cut.
                context.setOutput(
                    elementType: type,
                    dimensions: dimensions.map { _ in .unknown }
                )
                return
            }
            let elements = dimensions.count == 1 ? context.integers(0) : nil
            for (index, axis) in parameters.axes.enumerated() {
                let range = try resolve(
                    parameters,
                    index,
                    size: dimensions[axis].fixedSize
                )
                if let range {
                    dimensions[axis] = .fixed(range.count)
                    if let elements {
                        // Shape arithmetic: a part of a shape.
                        context.setOutputIntegers(
                            0,
                            (0..<range.count).map { elements[range.start + $0 * range.step] },
                            elementType: type ?? .int64
                        )
                        return
                    }
                } else {
                    dimensions[axis] = symbolicCount(parameters, index, dimensions[axis])
                }
            }
            context.setOutput(elementType: type, dimensions: dimensions)
        },
        kernel: { (context) throws(OperatorError) in
            let input = try context.input(0)
            let parameters = try parameters(of: context, rank: input.rank)
            var strides = StridedCopy.denseStrides(input.shape)
            let dense = strides
            var offset = 0
            var shape = input.shape
            for (index, axis) in parameters.axes.enumerated() {
                guard let range = try resolve(parameters, index, size: input.shape[axis]) else {
                    continue
                }
                shape[axis] = range.count
                offset += range.start * dense[axis]
                strides[axis] = dense[axis] * range.step
            }
            guard try shape == context.output().shape else {
                throw OperatorError(
                    "the part is \(shape), but \(try context.output().shape) is expected"
                )
            }
            let copy = StridedCopy(
                shape: shape,
                sourceStrides: strides,
                targetStrides: StridedCopy.denseStrides(shape)
            )
            let width = input.elementType.width
            let byteOffset = shape.elementCount == 0 ? 0 : offset * width
            let isEmpty = shape.elementCount == 0
            return Kernel { (frame) throws(OperatorError) in
                if isEmpty { return }
                unsafe copy.run(
                    frame.rawInput(0) + byteOffset,
                    into: frame.rawOutput(0),
                    elementByteCount: width,
                    context: frame.context
                )
            }
        }
    )

    private struct Parameters {
        var axes: [Int]
        var starts: [Int]
        var ends: [Int]
        var steps: [Int]
    }

    private static func parameters(
        of context: ShapeInferenceContext,
        rank: Int
    ) throws(OperatorError) -> Parameters? {
        if context.version < 10 { return try attributes(of: context.node, rank: rank) }
        guard let starts = context.fixedIntegers(1), let ends = context.fixedIntegers(2),
            !context.hasInput(3) || context.fixedIntegers(3) != nil,
            !context.hasInput(4) || context.fixedIntegers(4) != nil
        else { return nil }
        return try check(
            starts,
            ends,
            axes: context.fixedIntegers(3),
            steps: context.fixedIntegers(4),
            rank: rank
        )
    }

    private static func parameters(
        of context: NodeContext,
        rank: Int
    ) throws(OperatorError) -> Parameters {
        if context.version < 10 { return try attributes(of: context.node, rank: rank) }
        return try check(
            try context.integers(1) ?? [],
            try context.integers(2) ?? [],
            axes: try context.integers(3),
            steps: try context.integers(4),
            rank: rank
        )
    }

    private static func attributes(of node: Node, rank: Int) throws(OperatorError) -> Parameters {
        try check(
            try node.ints("starts") ?? [],
            try node.ints("ends") ?? [],
            axes: try node.ints("axes"),
            steps: nil,
            rank: rank
        )
    }

    private static func check(
        _ starts: [Int],
        _ ends: [Int],
        axes: [Int]?,
        steps: [Int]?,
        rank: Int
    ) throws(OperatorError) -> Parameters {
        let axes = axes ?? Array(0..<starts.count)
        let steps = steps ?? Array(repeating: 1, count: starts.count)
        guard ends.count == starts.count, axes.count == starts.count, steps.count == starts.count
        else {
            throw OperatorError(
                "\(starts.count) starts, \(ends.count) ends, \(axes.count) axes and "
                    + "\(steps.count) steps are given, expected as many of each"
            )
        }
        var positions: [Int] = []
        for axis in axes {
            let position = try ShapeInferenceContext.normalizedAxis(axis, rank: rank)
            guard !positions.contains(position) else {
                throw OperatorError("axis \(axis) is cut twice")
            }
            positions.append(position)
        }
        guard !steps.contains(0) else {
            throw OperatorError("a step is 0, expected another number")
        }
        return Parameters(axes: positions, starts: starts, ends: ends, steps: steps)
    }

    /// The elements that are taken of an axis; `nil` if its size is not known.
    private static func resolve(
        _ parameters: Parameters,
        _ index: Int,
        size: Int?
    ) throws(OperatorError) -> Range? {
        guard let size else { return nil }
        let step = parameters.steps[index]
        func clamped(_ value: Int, _ range: ClosedRange<Int>) -> Int {
            let position = value < 0 ? value + size : value
            return min(max(position, range.lowerBound), range.upperBound)
        }
        let bounds = step > 0 ? 0...size : -1...max(size - 1, -1)
        let start = clamped(
            parameters.starts[index],
            step > 0 ? bounds : 0...max(size - 1, 0)
        )
        let end = clamped(parameters.ends[index], bounds)
        let distance = step > 0 ? end - start : start - end
        let stride = step.magnitude
        let count =
            distance <= 0 || size == 0 ? 0 : Int((UInt(distance) + stride - 1) / stride)
        // A step longer than the axis takes one element; its size does not matter then.
        return Range(
            axis: parameters.axes[index],
            start: start,
            step: count > 1 ? step : (step > 0 ? 1 : -1),
            count: count
        )
    }

    /// How many elements are taken of an axis whose size is known by name.
    private static func symbolicCount(
        _ parameters: Parameters,
        _ index: Int,
        _ size: Dimension
    ) -> Dimension {
        let (start, end, step) = (
            parameters.starts[index], parameters.ends[index], parameters.steps[index]
        )
        if start == 0, step == 1, end >= Int(Int32.max) { return size }
        return .unknown
    }

    // MARK: Split

    private static func sizes(
        _ node: Node,
        given: [Int]?,
        total: Int,
        outputCount: Int
    ) throws(OperatorError) -> [Int] {
        if let given {
            guard given.count == outputCount, given.allSatisfy({ $0 >= 0 }),
                given.reduce(0, { $0 &+ $1 }) == total
            else {
                throw OperatorError(
                    "the parts \(given) do not make \(outputCount) outputs of an axis of \(total)"
                )
            }
            return given
        }
        if node.operatorVersion >= 18, node.attributes["num_outputs"] != nil {
            let wanted = try node.int("num_outputs")
            guard wanted == outputCount else {
                throw OperatorError("num_outputs is \(wanted), the node has \(outputCount) outputs")
            }
            let part = (total + outputCount - 1) / outputCount
            let last = total - part * (outputCount - 1)
            guard last >= 0 else {
                throw OperatorError("an axis of \(total) cannot be split into \(outputCount) parts")
            }
            return Array(repeating: part, count: outputCount - 1) + [last]
        }
        guard total.isMultiple(of: outputCount) else {
            throw OperatorError(
                "an axis of \(total) cannot be split into \(outputCount) equal parts"
            )
        }
        return Array(repeating: total / outputCount, count: outputCount)
    }

    private static let split = OperatorDeclaration(
        "Split",
        versions: [1, 2, 11, 13, 18],
        inputs: 1...2,
        outputs: 1...4096,
        parameterInputs: [1],
        shape: { (context) throws(OperatorError) in
            try context.requireElementType(0, in: ElementType.all)
            let type = context.elementType(0)
            guard let dimensions = context.dimensions(0) else {
                for index in 0..<context.outputCount {
                    context.setOutput(index, elementType: type, dimensions: nil)
                }
                return
            }
            let axis = try context.normalizedAxis(
                try context.node.int("axis", default: 0),
                rank: dimensions.count
            )
            let fromInput = context.version >= 13 || context.hasInput(1)
            let given = fromInput ? context.fixedIntegers(1) : try context.node.ints("split")
            let isOpen = fromInput && context.hasInput(1) && given == nil
            var parts: [Dimension]
            if let total = dimensions[axis].fixedSize, !isOpen {
                parts = try sizes(
                    context.node,
                    given: given,
                    total: total,
                    outputCount: context.outputCount
                ).map { .fixed($0) }
            } else if let given, given.count == context.outputCount {
                parts = given.map { .fixed($0) }
            } else {
                parts = Array(repeating: .unknown, count: context.outputCount)
            }
            for (index, part) in parts.enumerated() {
                var result = dimensions
                result[axis] = part
                context.setOutput(index, elementType: type, dimensions: result)
            }
        },
        kernel: { (context) throws(OperatorError) in
            let input = try context.input(0)
            let axis = try ShapeInferenceContext.normalizedAxis(
                try context.node.int("axis", default: 0),
                rank: input.rank
            )
            let fromInput = context.version >= 13 || context.hasInput(1)
            let parts = try sizes(
                context.node,
                given: fromInput ? try context.integers(1) : try context.node.ints("split"),
                total: input.shape[axis],
                outputCount: context.outputs.count
            )
            let unit = input.innerCount(axis) * input.elementType.width
            let outer = input.outerCount(axis)
            let row = input.shape[axis] * unit
            var pieces: [(index: Int, byteCount: Int, offset: Int)] = []
            var offset = 0
            for (index, part) in parts.enumerated() {
                if context.hasOutput(index) { pieces.append((index, part * unit, offset)) }
                offset += part * unit
            }
            let copies = pieces
            return Kernel { (frame) throws(OperatorError) in
                let source = unsafe frame.rawInput(0)
                for piece in copies where piece.byteCount > 0 {
                    let target = unsafe frame.rawOutput(piece.index)
                    for block in 0..<outer {
                        // SAFETY: the pieces of a row add up to the row, and there are `outer` rows
                        // in each operand.
                        unsafe (target + block * piece.byteCount).copyMemory(
                            from: source + block * row + piece.offset,
                            byteCount: piece.byteCount
                        )
                    }
                }
            }
        }
    )

    // MARK: Trilu

    private static let trilu = OperatorDeclaration(
        "Trilu",
        versions: [14],
        inputs: 1...2,
        parameterInputs: [1],
        shape: { (context) throws(OperatorError) in
            try OperatorDeclaration.sameAsInput(ElementType.all)(&context)
            try context.requireRank(0, in: 2...Shape.maximumRank)
        },
        kernel: { (context) throws(OperatorError) in
            let input = try context.input(0)
            let keepsUpper = try context.node.int("upper", default: 1) != 0
            let diagonal = try context.integers(1)?.first ?? 0
            let rows = input.shape[input.rank - 2]
            let columns = input.shape[input.rank - 1]
            let width = input.elementType.width
            return Kernel { (frame) throws(OperatorError) in
                let source = frame.elements(ofInput: 0, as: UInt8.self)
                var target = frame.mutableElements(ofOutput: 0, as: UInt8.self)
                guard rows > 0, columns > 0 else { return }
                for index in target.indices {
                    let element = index / width
                    let column = element % columns
                    let row = element / columns % rows
                    let isAbove = column - row >= diagonal
                    let isBelow = column - row <= diagonal
                    target[index] = (keepsUpper ? isAbove : isBelow) ? source[index] : 0
                }
            }
        }
    )
}
