import TernGraph
import TernKernels
import TernMicrokernels
import TernTensor

/// Operators that write updates into a copy of the data, at places given by index.
enum ScatterOperators {
    /// What happens where an update meets what is there.
    private static func reduction(_ node: Node) throws(OperatorError) -> BinaryFunction? {
        let name = try node.string("reduction", default: "none")
        switch name {
        case "none": return nil
        case "add": return .add
        case "mul": return .multiply
        case "max": return .maximum
        case "min": return .minimum
        default:
            throw OperatorError("reduction is \"\(name)\", expected none, add, mul, max or min")
        }
    }

    private static let elementRule: OperatorSchema.ShapeRule = { (context) throws(OperatorError) in
        try context.requireElementType(0, in: ElementType.all)
        try context.requireElementType(1, in: GatherOperators.indexTypes)
        _ = try context.commonElementType(of: [0, 2])
        if let data = context.dimensions(0) {
            _ = try context.normalizedAxis(
                try context.node.int("axis", default: 0),
                rank: data.count
            )
            if let indices = context.dimensions(1) {
                try GatherOperators.checkElementwise(data, indices, axis: nil)
            }
        }
        if let indices = context.dimensions(1), let updates = context.dimensions(2) {
            guard indices.count == updates.count,
                !zip(indices, updates).contains(where: { $0.isKnownDifferent(from: $1) })
            else {
                throw OperatorError(
                    "the updates are \(ShapeInferenceContext.text(updates)), expected "
                        + ShapeInferenceContext.text(indices)
                )
            }
        }
        context.setOutput(elementType: context.elementType(0), dimensions: context.dimensions(0))
    }

    static let scatterElements = OperatorDeclaration(
        "ScatterElements",
        versions: [11, 13, 16, 18],
        inputs: 3...3,
        shape: elementRule,
        kernel: scatterKernel
    )

    /// The old name of ScatterElements.
    static let scatter = OperatorDeclaration(
        "Scatter",
        versions: [9, 11],
        inputs: 3...3,
        shape: elementRule,
        kernel: scatterKernel
    )

    private static let scatterKernel: OperatorDeclaration.KernelMaker = {
        (context) throws(OperatorError) in
        let (data, indices) = (try context.input(0), try context.input(1))
        let walk = try ElementWalk(data, indices, node: context.node)
        let place = try UpdatePlacement(data.elementType, count: 1, reduction(context.node))
        let (count, indexType) = (indices.elementCount, indices.elementType)
        return Kernel { (frame) throws(OperatorError) in
            ViewOperators.copyBytes(frame)
            for index in 0..<count {
                let offset = try walk.offset(
                    of: index,
                    choosing: frame.integer(ofInput: 1, at: index, elementType: indexType)
                )
                try place.put(update: index, at: offset, frame)
            }
        }
    }

    static let scatterND = OperatorDeclaration(
        "ScatterND",
        versions: [11, 13, 16, 18],
        inputs: 3...3,
        shape: { (context) throws(OperatorError) in
            try context.requireElementType(0, in: ElementType.all)
            try context.requireElementType(1, in: [.int64])
            _ = try context.commonElementType(of: [0, 2])
            if let data = context.dimensions(0), let indices = context.dimensions(1),
                let depth = indices.last?.fixedSize
            {
                guard depth <= data.count else {
                    throw OperatorError(
                        "indices of \(depth) do not fit the data \(ShapeInferenceContext.text(data))"
                    )
                }
                let expected = Array(indices.dropLast()) + Array(data[depth...])
                if let updates = context.dimensions(2) {
                    guard updates.count == expected.count,
                        !zip(updates, expected).contains(where: { $0.isKnownDifferent(from: $1) })
                    else {
                        throw OperatorError(
                            "the updates are \(ShapeInferenceContext.text(updates)), expected "
                                + ShapeInferenceContext.text(expected)
                        )
                    }
                }
            }
            context.setOutput(
                elementType: context.elementType(0),
                dimensions: context.dimensions(0)
            )
        },
        kernel: { (context) throws(OperatorError) in
            let (data, indices) = (try context.input(0), try context.input(1))
            let depth = indices.shape.last ?? 0
            let sizes = Array(data.shape.prefix(depth))
            let strides = Array(data.shape.strides.prefix(depth))
            let tuples = indices.shape.dropLast().reduce(1, *)
            let count = data.shape.dropFirst(depth).reduce(1, *)
            let place = try UpdatePlacement(
                data.elementType,
                count: count,
                reduction(context.node)
            )
            return Kernel { (frame) throws(OperatorError) in
                ViewOperators.copyBytes(frame)
                for tuple in 0..<tuples {
                    var offset = 0
                    for axis in 0..<depth {
                        let chosen = try GatherOperators.position(
                            frame.integer(
                                ofInput: 1,
                                at: tuple * depth + axis,
                                elementType: .int64
                            ),
                            size: sizes[axis],
                            axis: axis
                        )
                        offset += chosen * strides[axis]
                    }
                    try place.put(update: tuple, at: offset, frame)
                }
            }
        }
    )
}

/// Writes runs of updates (input 2) into the output, or folds them in.
private struct UpdatePlacement: Sendable {
    private let type: ElementType
    private let count: Int
    private let function: BinaryFunction?
    private let broadcast: Broadcast

    init(
        _ type: ElementType,
        count: Int,
        _ function: BinaryFunction?
    ) throws(OperatorError) {
        self.type = type
        self.count = count
        self.function = function
        guard let broadcast = Broadcast([count], [count]) else {
            throw OperatorError("updates of \(count) elements cannot be placed")
        }
        self.broadcast = broadcast
    }

    /// Writes update number `index` at an element of the output.
    func put(
        update index: Int,
        at offset: Int,
        _ frame: borrowing KernelFrame
    ) throws(OperatorError) {
        guard count > 0 else { return }
        // SAFETY: the caller checked every index against its axis, so that a run of `count` elements
        // lies at the offset; there is one run per index among the updates.
        let update = unsafe frame.rawInput(2) + index * count * type.width
        let target = unsafe frame.rawOutput(0) + offset * type.width
        guard let function else {
            unsafe target.copyMemory(from: update, byteCount: count * type.width)
            return
        }
        guard
            unsafe Elementwise.apply(
                function,
                target,
                update,
                into: target,
                broadcast: broadcast,
                elementType: type,
                context: frame.context
            )
        else { throw OperatorError("updates of \(type) cannot be folded in") }
    }
}
