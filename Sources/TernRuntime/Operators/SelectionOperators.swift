import TernGraph
import TernTensor

/// Operators that keep some slices of a tensor; how many depends on the data, so that their nodes are
/// made ready when the data is there.
enum SelectionOperators {
    static let all = [compress, unique]

    /// The tensor as [outer, axis, inner]; without an axis it is one vector.
    private static func geometry(
        _ shape: Shape,
        axis: Int?
    ) -> (outer: Int, count: Int, inner: Int) {
        guard let axis else { return (1, shape.elementCount, 1) }
        return (
            shape.prefix(axis).reduce(1, *), shape[axis], shape.dropFirst(axis + 1).reduce(1, *)
        )
    }

    private static func axis(_ node: Node, rank: Int) throws(OperatorError) -> Int? {
        guard node.attributes["axis"] != nil else { return nil }
        return try ShapeInferenceContext.normalizedAxis(try node.int("axis"), rank: rank)
    }

    /// Copies the slices at `places` along the axis.
    private static func copy(
        _ frame: borrowing KernelFrame,
        _ geometry: (outer: Int, count: Int, inner: Int),
        _ places: [Int],
        width: Int
    ) {
        let byteCount = geometry.inner * width
        let source = unsafe frame.rawInput(0)
        var target = unsafe frame.rawOutput(0)
        for block in 0..<geometry.outer {
            for place in places {
                // SAFETY: the places are below the axis' size, and the output has a slice for each.
                unsafe target.copyMemory(
                    from: source + (block * geometry.count + place) * byteCount,
                    byteCount: byteCount
                )
                unsafe target += byteCount
            }
        }
    }

    /// States an output like the first input, but for the axis.
    private static func infer(
        _ context: inout ShapeInferenceContext,
        _ axis: Int?,
        _ count: Dimension
    ) {
        var dimensions = context.dimensions(0)
        if let axis { dimensions?[axis] = count } else { dimensions = [count] }
        context.setOutput(elementType: context.elementType(0), dimensions: dimensions)
    }

    // MARK: Compress

    private static let compress = OperatorDeclaration(
        "Compress",
        versions: [9, 11, 28],
        inputs: 2...2,
        parameterInputs: [1],
        shape: { (context) throws(OperatorError) in
            try context.requireElementType(0, in: ElementType.all)
            try context.requireElementType(1, in: [.bool])
            try context.requireRank(1, in: 1...1)
            guard let rank = context.dimensions(0)?.count else {
                context.setOutput(elementType: context.elementType(0), dimensions: nil)
                return
            }
            let axis = try axis(context.node, rank: rank)
            guard let condition = context.constant(1), let shape = context.fact(0)?.shape,
                shape.checkedElementCount != nil
            else {
                infer(&context, axis, .unknown)
                return
            }
            let places = try places(condition, count: geometry(shape, axis: axis).count)
            infer(&context, axis, .fixed(places.count))
        },
        kernel: { (context) throws(OperatorError) in
            let input = try context.input(0)
            guard let condition = context.inputs[1]?.constant else {
                throw OperatorError("input 1 must be known")
            }
            let geometry = geometry(
                input.shape,
                axis: try axis(context.node, rank: input.rank)
            )
            let places = try places(condition, count: geometry.count)
            let width = input.elementType.width
            return Kernel { (frame) throws(OperatorError) in
                copy(frame, geometry, places, width: width)
            }
        }
    )

    /// Where the condition is true.
    private static func places(_ condition: Tensor, count: Int) throws(OperatorError) -> [Int] {
        let flags = condition.elements(as: UInt8.self)
        let places = flags.indices.filter { flags[$0] != 0 }
        if let last = places.last, last >= count {
            throw OperatorError("slice \(last) is wanted of \(count)")
        }
        return places
    }

    // MARK: Unique

    private static let unique = OperatorDeclaration(
        "Unique",
        versions: [11, 28],
        inputs: 1...1,
        outputs: 1...4,
        parameterInputs: [0],
        shape: { (context) throws(OperatorError) in
            try context.requireElementType(0, in: ElementType.all)
            for index in 1..<4 {
                context.setOutput(index, elementType: .int64, dimensions: [.unknown])
            }
            guard let rank = context.dimensions(0)?.count else {
                context.setOutput(elementType: context.elementType(0), dimensions: nil)
                return
            }
            let axis = try axis(context.node, rank: rank)
            guard let tensor = context.constant(0) else {
                infer(&context, axis, .unknown)
                return
            }
            let groups = try UniqueGroups(
                tensor,
                geometry(tensor.shape, axis: axis),
                isSorted: try context.node.int("sorted", default: 1) != 0
            )
            infer(&context, axis, .fixed(groups.first.count))
            for (index, count) in [groups.first.count, groups.inverse.count, groups.counts.count]
                .enumerated()
            {
                context.setOutput(index + 1, elementType: .int64, dimensions: [.fixed(count)])
            }
        },
        kernel: { (context) throws(OperatorError) in
            let input = try context.input(0)
            guard let tensor = input.constant else {
                throw OperatorError("input 0 must be known")
            }
            let geometry = geometry(
                input.shape,
                axis: try axis(context.node, rank: input.rank)
            )
            let groups = try UniqueGroups(
                tensor,
                geometry,
                isSorted: try context.node.int("sorted", default: 1) != 0
            )
            let lists = [groups.first, groups.inverse, groups.counts]
            let wanted = (0..<3).filter { context.hasOutput($0 + 1) }
            let width = input.elementType.width
            let hasValues = context.hasOutput(0)
            return Kernel { (frame) throws(OperatorError) in
                if hasValues { copy(frame, geometry, groups.first, width: width) }
                for list in wanted {
                    var target = frame.mutableElements(ofOutput: list + 1, as: Int64.self)
                    for index in target.indices { target[index] = Int64(lists[list][index]) }
                }
            }
        }
    )
}

/// Equal slices of a tensor along an axis.
private struct UniqueGroups: Sendable {
    /// For each group, its first slice.
    private(set) var first: [Int] = []
    /// For each slice, its group.
    private(set) var inverse: [Int]
    /// For each group, how many slices it has.
    private(set) var counts: [Int] = []

    init(
        _ tensor: Tensor,
        _ geometry: (outer: Int, count: Int, inner: Int),
        isSorted: Bool
    ) throws(OperatorError) {
        guard let keys = OrderKeys.keys(of: tensor) else {
            throw OperatorError("\(tensor.elementType) cannot be compared")
        }
        let (outer, count, inner) = geometry
        /// Whether a slice comes before another; `nil` if they are equal.
        func isBefore(_ a: Int, _ b: Int) -> Bool? {
            for block in 0..<outer {
                for place in 0..<inner {
                    let left = keys[(block * count + a) * inner + place]
                    let right = keys[(block * count + b) * inner + place]
                    if left != right { return left < right }
                }
            }
            return nil
        }
        let order = (0..<count).sorted { isBefore($0, $1) ?? ($0 < $1) }
        var groups: [(first: Int, members: [Int])] = []
        for slice in order {
            if let last = groups.last, isBefore(last.first, slice) == nil {
                groups[groups.count - 1].members.append(slice)
            } else {
                groups.append((slice, [slice]))
            }
        }
        if !isSorted { groups.sort { $0.first < $1.first } }
        inverse = Array(repeating: 0, count: count)
        for (index, group) in groups.enumerated() {
            first.append(group.first)
            counts.append(group.members.count)
            for slice in group.members { inverse[slice] = index }
        }
    }
}
