import TernGraph
import TernKernels
import TernTensor

/// Operators that pick or place elements by index.
///
/// An index outside its axis is an error with its
/// value and position, never a read outside the data.
enum GatherOperators {
    static let all = [
        gather, gatherElements, gatherND, ScatterOperators.scatterElements,
        ScatterOperators.scatter, ScatterOperators.scatterND,
    ]

    static let indexTypes: Set<ElementType> = [.int32, .int64]

    /// An index counted from the start; negative ones count from the end.
    @inline(__always)
    static func position(_ index: Int, size: Int, axis: Int) throws(OperatorError) -> Int {
        guard index >= -size, index < size else {
            throw OperatorError(
                "index \(index) is outside axis \(axis), which has \(size) elements"
            )
        }
        return index < 0 ? index + size : index
    }

    // MARK: Gather

    private static let gather = OperatorDeclaration(
        "Gather",
        versions: [1, 11, 13],
        inputs: 2...2,
        shape: { (context) throws(OperatorError) in
            try context.requireElementType(0, in: ElementType.all)
            try context.requireElementType(1, in: indexTypes)
            let type = context.elementType(0)
            guard let data = context.dimensions(0) else {
                context.setOutput(elementType: type, dimensions: nil)
                return
            }
            let axis = try context.normalizedAxis(
                try context.node.int("axis", default: 0),
                rank: data.count
            )
            guard let indices = context.dimensions(1) else {
                context.setOutput(elementType: type, dimensions: nil)
                return
            }
            if data.count == 1, indices.count <= 1, let elements = context.integers(0),
                let chosen = context.fixedIntegers(1)
            {
                // Shape arithmetic: one or more sizes of a shape.
                var sizes: [Dimension] = []
                for index in chosen {
                    sizes.append(elements[try position(index, size: elements.count, axis: 0)])
                }
                context.setOutputIntegers(
                    0,
                    sizes,
                    elementType: type ?? .int64,
                    scalar: indices.isEmpty
                )
                return
            }
            context.setOutput(
                elementType: type,
                dimensions: Array(data[..<axis]) + indices + Array(data[(axis + 1)...])
            )
        },
        kernel: { (context) throws(OperatorError) in
            let (data, indices) = (try context.input(0), try context.input(1))
            let axis = try ShapeInferenceContext.normalizedAxis(
                try context.node.int("axis", default: 0),
                rank: data.rank
            )
            let size = data.shape[axis]
            let outer = data.outerCount(axis)
            let byteCount = data.innerCount(axis) * data.elementType.width
            let (count, indexType) = (indices.elementCount, indices.elementType)
            return Kernel { (frame) throws(OperatorError) in
                let source = unsafe frame.rawInput(0)
                var target = unsafe frame.rawOutput(0)
                for block in 0..<outer {
                    let start = unsafe source + block * size * byteCount
                    for index in 0..<count {
                        let chosen = try position(
                            frame.integer(ofInput: 1, at: index, elementType: indexType),
                            size: size,
                            axis: axis
                        )
                        // SAFETY: the position was checked against the axis, and the output has a
                        // row for every block and index.
                        unsafe target.copyMemory(
                            from: start + chosen * byteCount,
                            byteCount: byteCount
                        )
                        unsafe target += byteCount
                    }
                }
            }
        }
    )

    // MARK: GatherElements

    private static let gatherElements = OperatorDeclaration(
        "GatherElements",
        versions: [11, 13],
        inputs: 2...2,
        shape: { (context) throws(OperatorError) in
            try context.requireElementType(0, in: ElementType.all)
            try context.requireElementType(1, in: indexTypes)
            if let data = context.dimensions(0) {
                _ = try context.normalizedAxis(
                    try context.node.int("axis", default: 0),
                    rank: data.count
                )
                if let indices = context.dimensions(1) {
                    try checkElementwise(data, indices, axis: nil)
                }
            }
            context.setOutput(
                elementType: context.elementType(0),
                dimensions: context.dimensions(1)
            )
        },
        kernel: { (context) throws(OperatorError) in
            let (data, indices) = (try context.input(0), try context.input(1))
            let walk = try ElementWalk(data, indices, node: context.node)
            let width = data.elementType.width
            let (count, indexType) = (indices.elementCount, indices.elementType)
            return Kernel { (frame) throws(OperatorError) in
                let source = unsafe frame.rawInput(0)
                let target = unsafe frame.rawOutput(0)
                for index in 0..<count {
                    let offset = try walk.offset(
                        of: index,
                        choosing: frame.integer(ofInput: 1, at: index, elementType: indexType)
                    )
                    // SAFETY: the walk checks the index along its axis; along the others the data
                    // is at least as long as the indices.
                    unsafe (target + index * width).copyMemory(
                        from: source + offset * width,
                        byteCount: width
                    )
                }
            }
        }
    )

    /// Requires indices to have as many axes as the data, none longer except along `axis`.
    static func checkElementwise(
        _ data: [Dimension],
        _ indices: [Dimension],
        axis: Int?
    ) throws(OperatorError) {
        guard data.count == indices.count else {
            throw OperatorError(
                "the indices \(ShapeInferenceContext.text(indices)) and the data "
                    + "\(ShapeInferenceContext.text(data)) differ in their number of axes"
            )
        }
    }

    // MARK: GatherND

    private static let gatherND = OperatorDeclaration(
        "GatherND",
        versions: [11, 12, 13],
        inputs: 2...2,
        shape: { (context) throws(OperatorError) in
            try context.requireElementType(0, in: ElementType.all)
            try context.requireElementType(1, in: indexTypes)
            let type = context.elementType(0)
            guard let data = context.dimensions(0), let indices = context.dimensions(1),
                let depth = indices.last?.fixedSize
            else {
                context.setOutput(elementType: type, dimensions: nil)
                return
            }
            let batch = try context.node.int("batch_dims", default: 0)
            guard batch >= 0, batch < indices.count, batch + depth <= data.count else {
                throw OperatorError(
                    "batch_dims \(batch) and indices of \(depth) do not fit the data "
                        + ShapeInferenceContext.text(data)
                )
            }
            for axis in 0..<batch where data[axis].isKnownDifferent(from: indices[axis]) {
                throw OperatorError(
                    "data and indices differ along batch axis \(axis): \(data[axis]) and "
                        + "\(indices[axis])"
                )
            }
            context.setOutput(
                elementType: type,
                dimensions: Array(indices.dropLast()) + Array(data[(batch + depth)...])
            )
        },
        kernel: { (context) throws(OperatorError) in
            let (data, indices) = (try context.input(0), try context.input(1))
            let batch = try context.node.int("batch_dims", default: 0)
            let depth = indices.shape[indices.rank - 1]
            let sizes = Array(data.shape[batch..<(batch + depth)])
            let strides = Array(data.shape.strides[batch..<(batch + depth)])
            let batchCount = data.shape.prefix(batch).reduce(1, *)
            let perBatch = indices.shape.dropFirst(batch).dropLast().reduce(1, *)
            let dataPerBatch = data.shape.dropFirst(batch).reduce(1, *)
            let width = data.elementType.width
            let byteCount = data.shape.dropFirst(batch + depth).reduce(1, *) * width
            let indexType = indices.elementType
            return Kernel { (frame) throws(OperatorError) in
                let source = unsafe frame.rawInput(0)
                var target = unsafe frame.rawOutput(0)
                for tuple in 0..<(batchCount * perBatch) {
                    var offset = tuple / perBatch * dataPerBatch
                    for axis in 0..<depth {
                        let chosen = try position(
                            frame.integer(
                                ofInput: 1,
                                at: tuple * depth + axis,
                                elementType: indexType
                            ),
                            size: sizes[axis],
                            axis: batch + axis
                        )
                        offset += chosen * strides[axis]
                    }
                    // SAFETY: every index was checked against its axis.
                    unsafe target.copyMemory(
                        from: source + offset * width,
                        byteCount: byteCount
                    )
                    unsafe target += byteCount
                }
            }
        }
    )
}

/// Finds, for each element of an index tensor, the element of the data it names: the same place
/// along every axis but one.
struct ElementWalk: Sendable {
    private let axis: Int
    private let size: Int
    private let indexShape: Shape
    private let strides: [Int]

    init(_ data: Operand, _ indices: Operand, node: Node) throws(OperatorError) {
        axis = try ShapeInferenceContext.normalizedAxis(
            try node.int("axis", default: 0),
            rank: data.rank
        )
        for other in data.shape.indices where other != axis {
            guard indices.shape[other] <= data.shape[other] else {
                throw OperatorError(
                    "the indices \(indices.shape) reach beyond the data \(data.shape) along axis "
                        + "\(other)"
                )
            }
        }
        size = data.shape[axis]
        indexShape = indices.shape
        strides = data.shape.strides
    }

    /// The position in the data, in elements.
    func offset(of index: Int, choosing chosen: Int) throws(OperatorError) -> Int {
        var rest = index
        var offset = 0
        for other in indexShape.indices.reversed() {
            let place = rest % indexShape[other]
            rest /= indexShape[other]
            if other == axis {
                offset +=
                    try GatherOperators.position(chosen, size: size, axis: axis)
                    * strides[other]
            } else {
                offset += place * strides[other]
            }
        }
        return offset
    }
}
