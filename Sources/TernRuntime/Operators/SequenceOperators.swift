import TernGraph
import TernTensor

/// Operators on batches of sequences that differ in length.
enum SequenceOperators {
    static let all = [reverseSequence, tensorScatter]

    // MARK: ReverseSequence

    private static func axes(
        _ node: Node,
        rank: Int
    ) throws(OperatorError) -> (batch: Int, time: Int) {
        let batch = try ShapeInferenceContext.normalizedAxis(
            try node.int("batch_axis", default: 1),
            rank: rank
        )
        let time = try ShapeInferenceContext.normalizedAxis(
            try node.int("time_axis", default: 0),
            rank: rank
        )
        guard batch != time else {
            throw OperatorError("batch_axis and time_axis are both \(batch)")
        }
        return (batch, time)
    }

    private static let reverseSequence = OperatorDeclaration(
        "ReverseSequence",
        versions: [10, 28],
        inputs: 2...2,
        shape: { (context) throws(OperatorError) in
            try OperatorDeclaration.sameAsInput(ElementType.all)(&context)
            try context.requireElementType(1, in: [.int64])
            try context.requireRank(0, in: 2...Shape.maximumRank)
            try context.requireRank(1, in: 1...1)
            guard let dimensions = context.dimensions(0) else { return }
            let axes = try axes(context.node, rank: dimensions.count)
            if let lengths = context.dimensions(1),
                lengths[0].isKnownDifferent(from: dimensions[axes.batch])
            {
                throw OperatorError(
                    "\(lengths[0]) lengths are given for \(dimensions[axes.batch]) sequences"
                )
            }
        },
        kernel: { (context) throws(OperatorError) in
            let input = try context.input(0)
            let axes = try axes(context.node, rank: input.rank)
            let (first, second) = (min(axes.batch, axes.time), max(axes.batch, axes.time))
            let outer = input.outerCount(first)
            let (size, middle) = (
                input.shape[first], input.shape[(first + 1)..<second].reduce(1, *)
            )
            let otherSize = input.shape[second]
            let byteCount = input.innerCount(second) * input.elementType.width
            let isTimeFirst = axes.time == first
            let timeSize = input.shape[axes.time]
            return Kernel { (frame) throws(OperatorError) in
                let lengths = frame.elements(ofInput: 1, as: Int64.self)
                for index in lengths.indices {
                    guard lengths[index] >= 0, lengths[index] <= timeSize else {
                        throw OperatorError(
                            "sequence \(index) has the length \(lengths[index]), at most \(timeSize) "
                                + "are possible"
                        )
                    }
                }
                let source = unsafe frame.rawInput(0)
                let target = unsafe frame.rawOutput(0)
                for place in 0..<(outer * size * middle * otherSize) {
                    let other = place % otherSize
                    let one = place / (otherSize * middle) % size
                    let (time, batch) = isTimeFirst ? (one, other) : (other, one)
                    let length = Int(lengths[batch])
                    let from = time < length ? length - 1 - time : time
                    let step = isTimeFirst ? middle * otherSize : 1
                    // SAFETY: the place it comes from differs along the time axis only, below the
                    // length, which is at most the axis' size.
                    unsafe (target + place * byteCount).copyMemory(
                        from: source + (place + (from - time) * step) * byteCount,
                        byteCount: byteCount
                    )
                }
            }
        }
    )

    // MARK: TensorScatter

    private static let tensorScatter = OperatorDeclaration(
        "TensorScatter",
        versions: [24],
        inputs: 2...3,
        aliasing: .inPlace(overInputs: [0]),
        shape: { (context) throws(OperatorError) in
            try OperatorDeclaration.sameAsInput(ElementType.all)(&context)
            _ = try context.commonElementType(of: 0...1)
            try context.requireElementType(2, in: [.int64])
            try context.requireRank(0, in: 2...Shape.maximumRank)
            try context.requireRank(2, in: 1...1)
            guard let cache = context.dimensions(0) else { return }
            let axis = try cacheAxis(context.node, rank: cache.count)
            guard let update = context.dimensions(1) else { return }
            guard update.count == cache.count,
                !cache.indices.contains(where: {
                    $0 != axis && update[$0].isKnownDifferent(from: cache[$0])
                })
            else {
                throw OperatorError(
                    "an update of \(ShapeInferenceContext.text(update)) does not fit a cache of "
                        + ShapeInferenceContext.text(cache)
                )
            }
            if let indices = context.dimensions(2), indices[0].isKnownDifferent(from: cache[0]) {
                throw OperatorError(
                    "\(indices[0]) indices are given for \(cache[0]) batch entries"
                )
            }
        },
        kernel: { (context) throws(OperatorError) in
            let (cache, update) = (try context.input(0), try context.input(1))
            let axis = try cacheAxis(context.node, rank: cache.rank)
            let mode = try context.node.string("mode", default: "linear")
            guard mode == "linear" || mode == "circular" else {
                throw OperatorError("mode is \"\(mode)\", expected linear or circular")
            }
            let (room, count) = (cache.shape[axis], update.shape[axis])
            guard count <= room else {
                throw OperatorError("an update of \(count) does not fit a cache of \(room)")
            }
            let isCircular = mode == "circular"
            let perBatch = cache.shape[1..<axis].reduce(1, *)
            let outer = cache.outerCount(axis)
            let byteCount = cache.innerCount(axis) * cache.elementType.width
            let hasIndices = context.hasInput(2)
            return Kernel { (frame) throws(OperatorError) in
                ViewOperators.copyBytes(frame)
                let source = unsafe frame.rawInput(1)
                let target = unsafe frame.rawOutput(0)
                for block in 0..<outer {
                    let start =
                        hasIndices
                        ? frame.integer(ofInput: 2, at: block / perBatch, elementType: .int64) : 0
                    guard start >= 0, isCircular || start <= room - count else {
                        throw OperatorError(
                            "\(count) elements at \(start) do not fit a cache of \(room)"
                        )
                    }
                    for step in 0..<count {
                        let place = (start % room + step) % room
                        // SAFETY: the place is below the axis' size.
                        unsafe (target + (block * room + place) * byteCount).copyMemory(
                            from: source + (block * count + step) * byteCount,
                            byteCount: byteCount
                        )
                    }
                }
            }
        }
    )

    /// The axis that is written along; the first is the batch.
    private static func cacheAxis(_ node: Node, rank: Int) throws(OperatorError) -> Int {
        let axis = try ShapeInferenceContext.normalizedAxis(
            try node.int("axis", default: -2),
            rank: rank
        )
        guard axis > 0 else { throw OperatorError("axis is the batch, expected another") }
        return axis
    }
}
