import TernGraph
import TernKernels
import TernTensor

/// Operators that move elements without looking at them.
enum LayoutOperators {
    static let all = [transpose, concat, expand, tile, depthToSpace, spaceToDepth]

    /// A dense permutation of axes.
    static func transposition(_ shape: Shape, _ permutation: [Int]) -> StridedCopy {
        var order = InlineArray<8, Int>(repeating: 0)
        for (axis, source) in permutation.enumerated() { order[axis] = source }
        return StridedCopy(transposing: shape, permutation: order)
    }

    // MARK: Transpose

    private static func permutation(_ node: Node, rank: Int) throws(OperatorError) -> [Int] {
        guard let given = try node.ints("perm") else { return Array((0..<rank).reversed()) }
        guard given.sorted() == Array(0..<rank) else {
            throw OperatorError("perm is \(given), expected each of the \(rank) axes once")
        }
        return given
    }

    private static let transpose = OperatorDeclaration(
        "Transpose",
        versions: [1, 13, 21, 23, 24, 25],
        inputs: 1...1,
        shape: { (context) throws(OperatorError) in
            try context.requireElementType(0, in: ElementType.all)
            let dimensions = context.dimensions(0)
            let order = try dimensions.map { (known) throws(OperatorError) in
                try permutation(context.node, rank: known.count)
            }
            context.setOutput(
                elementType: context.elementType(0),
                dimensions: dimensions.flatMap { known in order?.map { known[$0] } }
            )
        },
        kernel: { (context) throws(OperatorError) in
            let input = try context.input(0)
            let copy = transposition(
                input.shape,
                try permutation(context.node, rank: input.rank)
            )
            return kernel(copy, input.elementType)
        }
    )

    private static func kernel(_ copy: StridedCopy, _ type: ElementType) -> Kernel {
        let width = type.width
        return Kernel { (frame) throws(OperatorError) in
            unsafe copy.run(
                frame.rawInput(0),
                into: frame.rawOutput(0),
                elementByteCount: width,
                context: frame.context
            )
        }
    }

    // MARK: Concat

    private static let concat = OperatorDeclaration(
        "Concat",
        versions: [1, 4, 11, 13],
        inputs: 1...4096,
        shape: inferConcat,
        kernel: { (context) throws(OperatorError) in
            let output = try context.output()
            let axis = try ShapeInferenceContext.normalizedAxis(
                try context.node.int("axis", default: 1),
                rank: output.rank
            )
            let width = output.elementType.width
            let outer = output.outerCount(axis)
            let row = output.shape[axis] * output.innerCount(axis) * width
            var parts: [(index: Int, byteCount: Int, offset: Int)] = []
            var offset = 0
            for index in context.inputs.indices {
                let input = try context.input(index)
                let byteCount = input.shape[axis] * input.innerCount(axis) * width
                parts.append((index, byteCount, offset))
                offset += byteCount
            }
            let pieces = parts
            return Kernel { (frame) throws(OperatorError) in
                let target = unsafe frame.rawOutput(0)
                for piece in pieces where piece.byteCount > 0 {
                    // SAFETY: the pieces of a row add up to the row, and there are `outer` rows in
                    // each operand.
                    unsafe copyBlocks(
                        frame.rawInput(piece.index),
                        into: target + piece.offset,
                        byteCount: piece.byteCount,
                        distance: row,
                        count: outer
                    )
                }
            }
        }
    )

    /// Copies `count` blocks that lie one after the other to places that are `distance` bytes apart.
    @unsafe private static func copyBlocks(
        _ source: UnsafeRawPointer,
        into target: UnsafeMutableRawPointer,
        byteCount: Int,
        distance: Int,
        count: Int
    ) {
        @inline(__always)
        func copy<Block: BitwiseCopyable>(as type: Block.Type) {
            for block in 0..<count {
                unsafe (target + block &* distance).storeBytes(
                    of: (source + block &* byteCount).loadUnaligned(as: type),
                    as: type
                )
            }
        }
        // A block that fits a register is moved in less time than a copying function takes to see
        // how long it is.
        switch byteCount {
        case 1: copy(as: UInt8.self)
        case 2: copy(as: UInt16.self)
        case 4: copy(as: UInt32.self)
        case 8: copy(as: UInt64.self)
        case 16: copy(as: SIMD2<UInt64>.self)
        default:
            for block in 0..<count {
                unsafe (target + block * distance).copyMemory(
                    from: source + block * byteCount,
                    byteCount: byteCount
                )
            }
        }
    }

    private static let inferConcat: OperatorSchema.ShapeRule = { (context) throws(OperatorError) in
        for index in 0..<context.inputCount {
            try context.requireElementType(index, in: ElementType.all)
        }
        let type = try context.commonElementType(of: 0..<context.inputCount)
        let known = (0..<context.inputCount).compactMap { context.dimensions($0) }
        guard let first = known.first else {
            context.setOutput(elementType: type, dimensions: nil)
            return
        }
        let axis = try context.normalizedAxis(
            try context.node.int("axis", default: 1),
            rank: first.count
        )
        // Up to version 3 the axis had a default; from 4 on the file gives it.
        var result = first
        result[axis] = known.count == context.inputCount ? .fixed(0) : .unknown
        for dimensions in known {
            guard dimensions.count == first.count else {
                throw OperatorError(
                    "\(ShapeInferenceContext.text(dimensions)) and "
                        + "\(ShapeInferenceContext.text(first)) differ in their number of axes"
                )
            }
            for position in dimensions.indices where position != axis {
                guard !dimensions[position].isKnownDifferent(from: result[position]) else {
                    throw OperatorError(
                        "\(ShapeInferenceContext.text(dimensions)) and "
                            + "\(ShapeInferenceContext.text(first)) differ along axis \(position)"
                    )
                }
                if result[position].fixedSize == nil { result[position] = dimensions[position] }
            }
            result[axis] = result[axis] + dimensions[axis]
        }
        // Shape arithmetic: parts of a shape are put together.
        let elements = (0..<context.inputCount).compactMap { context.integers($0) }
        if first.count == 1, elements.count == context.inputCount, let type {
            let joined = elements.flatMap { $0 }
            if joined.count <= ShapeInference.contentElementLimit {
                context.setOutputIntegers(0, joined, elementType: type)
                return
            }
        }
        context.setOutput(elementType: type, dimensions: result)
    }

    // MARK: Expand and Tile

    private static let expand = OperatorDeclaration(
        "Expand",
        versions: [8, 13],
        inputs: 2...2,
        parameterInputs: [1],
        shape: { (context) throws(OperatorError) in
            try context.requireElementType(0, in: ElementType.all)
            guard let dimensions = context.dimensions(0), let target = context.integers(1) else {
                context.setOutput(elementType: context.elementType(0), dimensions: nil)
                return
            }
            context.setOutput(
                elementType: context.elementType(0),
                dimensions: try ShapeInferenceContext.broadcast(dimensions, target)
            )
        },
        kernel: { (context) throws(OperatorError) in
            let (input, output) = (try context.input(0), try context.output())
            guard let copy = StridedCopy(expanding: input.shape, to: output.shape) else {
                throw OperatorError("\(input.shape) cannot be expanded to \(output.shape)")
            }
            return kernel(copy, input.elementType)
        }
    )

    private static let tile = OperatorDeclaration(
        "Tile",
        versions: [6, 13],
        inputs: 2...2,
        parameterInputs: [1],
        shape: { (context) throws(OperatorError) in
            try context.requireElementType(0, in: ElementType.all)
            guard let dimensions = context.dimensions(0) else {
                context.setOutput(elementType: context.elementType(0), dimensions: nil)
                return
            }
            let repeats = context.integers(1)
            guard repeats == nil || repeats?.count == dimensions.count else {
                throw OperatorError(
                    "\(repeats?.count ?? 0) repeats are given for \(dimensions.count) axes"
                )
            }
            guard repeats?.allSatisfy({ ($0.fixedSize ?? 0) >= 0 }) ?? true else {
                throw OperatorError("a repeat is negative")
            }
            context.setOutput(
                elementType: context.elementType(0),
                dimensions: dimensions.enumerated().map { axis, size in
                    repeats.map { size * $0[axis] } ?? .unknown
                }
            )
        },
        kernel: { (context) throws(OperatorError) in
            let input = try context.input(0)
            let repeats = try context.integers(1) ?? []
            let width = input.elementType.width
            let shape = input.shape
            let isEmpty = try context.output().elementCount == 0
            return Kernel { (frame) throws(OperatorError) in
                if isEmpty { return }
                unsafe repeatRows(
                    frame.rawInput(0),
                    into: frame.rawOutput(0),
                    shape,
                    repeats,
                    axis: 0,
                    width: width
                )
            }
        }
    )

    /// Writes one axis of a tiled tensor: its rows once, then copies of the whole; gives the bytes
    /// read and written.
    @discardableResult
    @unsafe private static func repeatRows(
        _ source: UnsafeRawPointer,
        into target: UnsafeMutableRawPointer,
        _ shape: Shape,
        _ repeats: [Int],
        axis: Int,
        width: Int
    ) -> (read: Int, written: Int) {
        guard axis < shape.rank else {
            unsafe target.copyMemory(from: source, byteCount: width)
            return (width, width)
        }
        var (read, written) = (0, 0)
        for _ in 0..<shape[axis] {
            let inner = unsafe repeatRows(
                source + read,
                into: target + written,
                shape,
                repeats,
                axis: axis + 1,
                width: width
            )
            read += inner.read
            written += inner.written
        }
        // SAFETY: the output has `repeats` times as many bytes along this axis.
        for copy in 1..<max(repeats[axis], 1) {
            unsafe (target + copy * written).copyMemory(from: target, byteCount: written)
        }
        return (read, written * repeats[axis])
    }

    // MARK: Depth and space

    private static func blockSize(_ node: Node) throws(OperatorError) -> Int {
        let size = try node.int("blocksize")
        guard size >= 1, size <= 1 << 20 else {
            throw OperatorError("blocksize is \(size), expected 1 to \(1 << 20)")
        }
        return size
    }

    private static let depthToSpace = OperatorDeclaration(
        "DepthToSpace",
        versions: [1, 11, 13, 28],
        inputs: 1...1,
        shape: { (context) throws(OperatorError) in
            try context.requireElementType(0, in: ElementType.all)
            try context.requireRank(0, in: 4...4)
            let block = try blockSize(context.node)
            guard let d = context.dimensions(0) else { return }
            guard let channels = d[1].dividedExactly(by: .fixed(block * block)) else {
                throw OperatorError(
                    "\(d[1]) channels cannot be parted into \(block)x\(block) blocks"
                )
            }
            context.setOutput(
                elementType: context.elementType(0),
                dimensions: [d[0], channels, d[2] * .fixed(block), d[3] * .fixed(block)]
            )
        },
        kernel: { (context) throws(OperatorError) in
            let input = try context.input(0)
            let block = try blockSize(context.node)
            let s = input.shape
            let channels = s[1] / (block * block)
            let mode = try context.node.string("mode", default: "DCR")
            switch mode {
            case "DCR":
                return kernel(
                    transposition([s[0], block, block, channels, s[2], s[3]], [0, 3, 4, 1, 5, 2]),
                    input.elementType
                )
            case "CRD":
                return kernel(
                    transposition([s[0], channels, block, block, s[2], s[3]], [0, 1, 4, 2, 5, 3]),
                    input.elementType
                )
            default: throw OperatorError("mode is \"\(mode)\", expected DCR or CRD")
            }
        }
    )

    private static let spaceToDepth = OperatorDeclaration(
        "SpaceToDepth",
        versions: [1, 13, 28],
        inputs: 1...1,
        shape: { (context) throws(OperatorError) in
            try context.requireElementType(0, in: ElementType.all)
            try context.requireRank(0, in: 4...4)
            let block = try blockSize(context.node)
            guard let d = context.dimensions(0) else { return }
            guard let height = d[2].dividedExactly(by: .fixed(block)),
                let width = d[3].dividedExactly(by: .fixed(block))
            else {
                throw OperatorError(
                    "an image of \(d[2])x\(d[3]) cannot be parted into \(block)x\(block) blocks"
                )
            }
            context.setOutput(
                elementType: context.elementType(0),
                dimensions: [d[0], d[1] * .fixed(block * block), height, width]
            )
        },
        kernel: { (context) throws(OperatorError) in
            let input = try context.input(0)
            let block = try blockSize(context.node)
            let s = input.shape
            let mode = try context.node.string("mode", default: "DCR")
            guard mode == "DCR" || mode == "CRD" else {
                throw OperatorError("mode is \"\(mode)\", expected DCR or CRD")
            }
            let parted: Shape = [s[0], s[1], s[2] / block, block, s[3] / block, block]
            return kernel(
                transposition(parted, mode == "DCR" ? [0, 3, 5, 1, 2, 4] : [0, 1, 3, 5, 2, 4]),
                input.elementType
            )
        }
    )
}
