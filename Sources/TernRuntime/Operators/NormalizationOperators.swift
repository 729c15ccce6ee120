import TernGraph
import TernKernels
import TernTensor

/// Normalisations by mean and variance, or by what stands for them.
enum NormalizationOperators {
    static let all = [
        batch, instance, group, layer, rootMeanSquare, localResponse,
    ]

    /// Requires an input, if its axes are known, to be a vector of the given length.
    private static func requireVector(
        _ context: ShapeInferenceContext,
        _ index: Int,
        _ count: Dimension?,
        of what: String,
        _ types: Set<ElementType> = HalfPrecision.floats
    ) throws(OperatorError) {
        try context.requireElementType(index, in: types)
        guard let dimensions = context.dimensions(index) else { return }
        guard dimensions.count == 1 else {
            throw OperatorError(
                "\(context.describe(index)) is \(ShapeInferenceContext.text(dimensions)), expected a "
                    + "vector"
            )
        }
        if let count, dimensions[0].isKnownDifferent(from: count) {
            throw OperatorError(
                "\(context.describe(index)) has \(dimensions[0]) numbers for \(count) \(what)"
            )
        }
    }

    /// The input as [batch, channels, spatial].
    private static func geometry(_ shape: Shape) -> (batch: Int, channels: Int, spatial: Int) {
        (
            shape.first ?? 1, shape.rank > 1 ? shape[1] : 1,
            shape.dropFirst(2).reduce(1, *)
        )
    }

    // MARK: Batch

    /// Whether mean and variance are to be taken from the batch.
    private static func isTraining(_ node: Node) throws(OperatorError) -> Bool {
        if node.operatorVersion >= 14 { return try node.int("training_mode", default: 0) != 0 }
        return node.outputs.dropFirst().contains { $0 != nil }
    }

    private static let batch = OperatorDeclaration(
        "BatchNormalization",
        versions: [1, 6, 7, 9, 14, 15],
        inputs: 5...5,
        outputs: 1...5,
        aliasing: .inPlace(overInputs: [0]),
        shape: { (context) throws(OperatorError) in
            let isTraining = try isTraining(context.node)
            guard !isTraining || context.version >= 14 else {
                throw OperatorError("training is asked for, expected inference")
            }
            guard try context.node.int("spatial", default: 1) == 1 else {
                throw OperatorError("spatial is 0, expected 1: one mean per channel")
            }
            try OperatorDeclaration.sameAsInput(ElementType.floats)(&context)
            try context.requireRank(0, in: 1...Shape.maximumRank)
            let channels = context.dimensions(0).map { $0.count > 1 ? $0[1] : .fixed(1) }
            let isDouble = context.elementType(0) == .fp64
            for index in 1...4 {
                try requireVector(
                    context,
                    index,
                    channels,
                    of: "channels",
                    isDouble ? [.fp64] : HalfPrecision.floats
                )
            }
            for index in 1...2 {
                context.setOutput(
                    index,
                    elementType: context.elementType(3),
                    dimensions: channels.map { [$0] }
                )
            }
        },
        kernel: HalfPrecision.widening { (context) throws(OperatorError) in
            let isTraining = try isTraining(context.node)
            if try context.input(0).elementType == .fp64 {
                return try PlainBatchNormalization<Double>(context, isTraining).kernel()
            }
            if isTraining { return try PlainBatchNormalization<Float>(context, true).kernel() }
            let (batch, channels, spatial) = geometry(try context.input(0).shape)
            let epsilon = try context.node.float("epsilon", default: 1e-5)
            return Kernel { (frame) throws(OperatorError) in
                unsafe Normalization.batch(
                    frame.input(0, as: Float.self),
                    into: frame.output(0, as: Float.self),
                    batchCount: batch,
                    channelCount: channels,
                    spatialCount: spatial,
                    scale: frame.input(1, as: Float.self),
                    bias: frame.input(2, as: Float.self),
                    mean: frame.input(3, as: Float.self),
                    variance: frame.input(4, as: Float.self),
                    epsilon: epsilon,
                    context: frame.context
                )
            }
        }
    )

    // MARK: Instance and group

    private static let instance = OperatorDeclaration(
        "InstanceNormalization",
        versions: [1, 6, 22],
        inputs: 3...3,
        aliasing: .inPlace(overInputs: [0]),
        shape: { (context) throws(OperatorError) in
            try OperatorDeclaration.sameAsInput(HalfPrecision.floats)(&context)
            try context.requireRank(0, in: 2...Shape.maximumRank)
            for index in 1...2 {
                try requireVector(context, index, context.dimensions(0)?[1], of: "channels")
            }
        },
        kernel: HalfPrecision.widening { (context) throws(OperatorError) in
            let channels = try context.input(0).shape[1]
            return try grouped(context, groupCount: channels, vectorsArePerGroup: false)
        }
    )

    private static let group = OperatorDeclaration(
        "GroupNormalization",
        versions: [18, 21],
        inputs: 3...3,
        aliasing: .inPlace(overInputs: [0]),
        shape: { (context) throws(OperatorError) in
            try OperatorDeclaration.sameAsInput(HalfPrecision.floats)(&context)
            try context.requireRank(0, in: 2...Shape.maximumRank)
            let groups = try context.node.int("num_groups")
            guard groups >= 1 else {
                throw OperatorError("num_groups is \(groups), expected 1 or more")
            }
            let channels = context.dimensions(0)?[1]
            if let count = channels?.fixedSize, !count.isMultiple(of: groups) {
                throw OperatorError("\(count) channels cannot be parted into \(groups) groups")
            }
            // Version 18 had one scale per group.
            let count = context.version < 21 ? .fixed(groups) : channels
            for index in 1...2 { try requireVector(context, index, count, of: "channels") }
        },
        kernel: HalfPrecision.widening { (context) throws(OperatorError) in
            try grouped(
                context,
                groupCount: context.node.int("num_groups"),
                vectorsArePerGroup: context.version < 21
            )
        }
    )

    private static func grouped(
        _ context: NodeContext,
        groupCount: Int,
        vectorsArePerGroup: Bool
    ) throws(OperatorError) -> Kernel {
        let (batch, channels, spatial) = geometry(try context.input(0).shape)
        let epsilon = try context.node.float("epsilon", default: 1e-5)
        guard batch > 0, channels > 0, spatial > 0 else {
            return Kernel { (_) throws(OperatorError) in }
        }
        let perGroup = channels / max(groupCount, 1)
        let scratch = vectorsArePerGroup ? 2 * channels * MemoryLayout<Float>.stride : 0
        return Kernel(scratchByteCount: scratch) { (frame) throws(OperatorError) in
            var scale = unsafe frame.input(1, as: Float.self)
            var bias = unsafe frame.input(2, as: Float.self)
            if vectorsArePerGroup, let base = unsafe frame.scratch.baseAddress {
                let spread = unsafe base.assumingMemoryBound(to: Float.self)
                for channel in 0..<channels {
                    // SAFETY: the scratch memory has two floats per channel, the vectors one per
                    // group.
                    unsafe spread[channel] = scale[channel / perGroup]
                    unsafe spread[channels + channel] = bias[channel / perGroup]
                }
                unsafe scale = UnsafePointer(spread)
                unsafe bias = UnsafePointer(spread + channels)
            }
            unsafe Normalization.group(
                frame.input(0, as: Float.self),
                into: frame.output(0, as: Float.self),
                batchCount: batch,
                channelCount: channels,
                spatialCount: spatial,
                groupCount: groupCount,
                scale: scale,
                bias: bias,
                epsilon: epsilon,
                context: frame.context
            )
        }
    }

    // MARK: Rows

    private static func axis(_ node: Node, rank: Int) throws(OperatorError) -> Int {
        try ShapeInferenceContext.normalizedAxis(try node.int("axis", default: -1), rank: rank)
    }

    /// Checks that scale and bias can be spread over the axes that are normalised.
    private static func requireRowVectors(
        _ context: ShapeInferenceContext,
        _ axis: Int,
        _ indices: ClosedRange<Int>
    ) throws(OperatorError) {
        guard let dimensions = context.dimensions(0) else { return }
        let row = Array(dimensions[axis...])
        for index in indices where context.hasInput(index) {
            try context.requireElementType(index, in: HalfPrecision.floats)
            guard let given = context.dimensions(index) else { continue }
            guard try ShapeInferenceContext.broadcast(row, given).count == row.count else {
                throw OperatorError(
                    "\(context.describe(index)) is \(ShapeInferenceContext.text(given)), expected "
                        + ShapeInferenceContext.text(row)
                )
            }
        }
    }

    private static let layer = OperatorDeclaration(
        "LayerNormalization",
        versions: [17],
        inputs: 2...3,
        outputs: 1...3,
        aliasing: .inPlace(overInputs: [0]),
        shape: { (context) throws(OperatorError) in
            try OperatorDeclaration.sameAsInput(HalfPrecision.floats)(&context)
            guard let dimensions = context.dimensions(0) else { return }
            let axis = try axis(context.node, rank: dimensions.count)
            try requireRowVectors(context, axis, 1...2)
            let means = dimensions.enumerated().map { $0 < axis ? $1 : .fixed(1) }
            context.setOutput(1, elementType: .fp32, dimensions: means)
            context.setOutput(2, elementType: .fp32, dimensions: means)
        },
        kernel: HalfPrecision.widening { (context) throws(OperatorError) in
            let rows = try RowGeometry(
                context,
                axis: axis(context.node, rank: context.input(0).rank)
            )
            let epsilon = try context.node.float("epsilon", default: 1e-5)
            let (hasMeans, hasDeviations) = (context.hasOutput(1), context.hasOutput(2))
            let (scale, bias) = (try rows.vector(context, 1), try rows.vector(context, 2))
            return Kernel(scratchByteCount: scale.byteCount + bias.byteCount) {
                (frame) throws(OperatorError) in
                unsafe Normalization.layer(
                    frame.input(0, as: Float.self),
                    into: frame.output(0, as: Float.self),
                    rowCount: rows.rowCount,
                    count: rows.count,
                    scale: scale.address(frame, scratchOffset: 0),
                    bias: bias.address(frame, scratchOffset: scale.byteCount),
                    epsilon: epsilon,
                    means: hasMeans ? frame.output(1, as: Float.self) : nil,
                    inverseDeviations: hasDeviations ? frame.output(2, as: Float.self) : nil,
                    context: frame.context
                )
            }
        }
    )

    private static let rootMeanSquare = OperatorDeclaration(
        "RMSNormalization",
        versions: [23],
        inputs: 2...2,
        aliasing: .inPlace(overInputs: [0]),
        shape: { (context) throws(OperatorError) in
            try OperatorDeclaration.sameAsInput(HalfPrecision.floats)(&context)
            guard let rank = context.dimensions(0)?.count else { return }
            try requireRowVectors(context, axis(context.node, rank: rank), 1...1)
        },
        kernel: HalfPrecision.widening { (context) throws(OperatorError) in
            let rows = try RowGeometry(
                context,
                axis: axis(context.node, rank: context.input(0).rank)
            )
            let epsilon = try context.node.float("epsilon", default: 1e-5)
            let scale = try rows.vector(context, 1)
            return Kernel(scratchByteCount: scale.byteCount) { (frame) throws(OperatorError) in
                unsafe Normalization.rootMeanSquare(
                    frame.input(0, as: Float.self),
                    into: frame.output(0, as: Float.self),
                    rowCount: rows.rowCount,
                    count: rows.count,
                    scale: scale.address(frame, scratchOffset: 0),
                    epsilon: epsilon,
                    context: frame.context
                )
            }
        }
    )

    // MARK: Channels

    private static let localResponse = OperatorDeclaration(
        "LRN",
        versions: [1, 13],
        inputs: 1...1,
        shape: { (context) throws(OperatorError) in
            try OperatorDeclaration.sameAsInput(HalfPrecision.floats)(&context)
            try context.requireRank(0, in: 2...Shape.maximumRank)
            let size = try context.node.int("size")
            guard size >= 1 else { throw OperatorError("size is \(size), expected 1 or more") }
        },
        kernel: HalfPrecision.widening { (context) throws(OperatorError) in
            let (batch, channels, spatial) = geometry(try context.input(0).shape)
            let size = try context.node.int("size")
            let alpha = try context.node.float("alpha", default: 1e-4)
            let beta = try context.node.float("beta", default: 0.75)
            let bias = try context.node.float("bias", default: 1)
            return Kernel { (frame) throws(OperatorError) in
                unsafe Normalization.localResponse(
                    frame.input(0, as: Float.self),
                    into: frame.output(0, as: Float.self),
                    batchCount: batch,
                    channelCount: channels,
                    spatialCount: spatial,
                    size: size,
                    alpha: alpha,
                    beta: beta,
                    bias: bias,
                    context: frame.context
                )
            }
        }
    )
}

/// An input seen as rows, each of which is normalised by itself.
private struct RowGeometry: Sendable {
    let rowCount: Int
    let count: Int
    private let rowShape: Shape

    init(_ context: NodeContext, axis: Int) throws(OperatorError) {
        let shape = try context.input(0).shape
        rowShape = Shape(shape.dropFirst(axis))
        rowCount = shape.prefix(axis).reduce(1, *)
        count = rowShape.elementCount
    }

    /// A scale or bias: read in place if it is as long as a row, else spread over one first.
    struct Vector: Sendable {
        let index: Int?
        let spread: StridedCopy?
        let byteCount: Int

        @unsafe func address(
            _ frame: borrowing KernelFrame,
            scratchOffset: Int
        ) -> UnsafePointer<Float>? {
            guard let index else { return nil }
            guard let spread, let scratch = unsafe frame.scratch.baseAddress else {
                return unsafe frame.input(index, as: Float.self)
            }
            // SAFETY: the kernel asked for this much scratch memory behind the offset.
            let target = unsafe scratch + scratchOffset
            unsafe spread.run(
                frame.rawInput(index),
                into: target,
                elementByteCount: MemoryLayout<Float>.stride,
                context: frame.context
            )
            return unsafe UnsafePointer(target.assumingMemoryBound(to: Float.self))
        }
    }

    func vector(_ context: NodeContext, _ index: Int) throws(OperatorError) -> Vector {
        guard context.hasInput(index) else { return Vector(index: nil, spread: nil, byteCount: 0) }
        let shape = try context.input(index).shape
        if shape.elementCount == count { return Vector(index: index, spread: nil, byteCount: 0) }
        guard let spread = StridedCopy(expanding: shape, to: rowShape) else {
            throw OperatorError("input \(index) is \(shape), expected \(rowShape)")
        }
        let byteCount = (count * MemoryLayout<Float>.stride + 63) & ~63
        return Vector(index: index, spread: spread, byteCount: byteCount)
    }
}
