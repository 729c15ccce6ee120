import TernGraph
import TernTensor

/// Turns pairs of elements of each head by an angle that depends on the position.
enum RotaryEmbedding {
    static let declaration = OperatorDeclaration(
        "RotaryEmbedding",
        versions: [23],
        inputs: 3...4,
        shape: { (context) throws(OperatorError) in
            try OperatorDeclaration.sameAsInput(HalfPrecision.floats)(&context)
            _ = try context.commonElementType(of: 0...2)
            try context.requireElementType(3, in: [.int64])
            try context.requireRank(0, in: 3...4)
            try context.requireRank(3, in: 2...2)
            let rank = context.hasInput(3) ? 2 : 3
            try context.requireRank(1, in: rank...rank)
            try context.requireRank(2, in: rank...rank)
        },
        kernel: HalfPrecision.widening { (context) throws(OperatorError) in
            let geometry = try RotaryGeometry(context)
            return Kernel { (frame) throws(OperatorError) in try geometry.run(frame) }
        }
    )
}

/// The sizes of a rotation.
private struct RotaryGeometry: Sendable {
    private let batch: Int
    private let heads: Int
    private let sequence: Int
    private let size: Int
    /// How many elements of a head are turned; the others stay.
    private let turned: Int
    private let isInterleaved: Bool
    private let isFlat: Bool
    private let hasPositions: Bool
    private let cacheRows: Int

    init(_ context: NodeContext) throws(OperatorError) {
        let input = try context.input(0)
        isFlat = input.rank == 3
        batch = input.shape[0]
        heads = isFlat ? try context.node.int("num_heads", default: 0) : input.shape[1]
        sequence = input.shape[input.rank - 2]
        let hidden = input.shape[input.rank - 1]
        guard heads >= 1 || !isFlat else {
            throw OperatorError("num_heads is \(heads), expected 1 or more")
        }
        guard !isFlat || hidden.isMultiple(of: heads) else {
            throw OperatorError("\(hidden) elements cannot be parted into \(heads) heads")
        }
        size = isFlat ? hidden / heads : hidden
        let given = try context.node.int("rotary_embedding_dim", default: 0)
        turned = given == 0 ? size : given
        guard turned >= 0, turned <= size, turned.isMultiple(of: 2) else {
            throw OperatorError("\(turned) of \(size) elements of a head cannot be turned in pairs")
        }
        isInterleaved = try context.node.int("interleaved", default: 0) != 0
        hasPositions = context.hasInput(3)
        let (cosines, sines) = (try context.input(1).shape, try context.input(2).shape)
        cacheRows = hasPositions ? cosines[0] : batch * sequence
        let expected: Shape =
            hasPositions ? [cacheRows, turned / 2] : [batch, sequence, turned / 2]
        guard cosines == expected, sines == expected else {
            throw OperatorError(
                "the cosines are \(cosines) and the sines \(sines), expected \(expected)"
            )
        }
        if hasPositions, try context.input(3).shape != [batch, sequence] {
            throw OperatorError(
                "the positions are \(try context.input(3).shape), expected [\(batch), \(sequence)]"
            )
        }
    }

    func run(_ frame: borrowing KernelFrame) throws(OperatorError) {
        let source = frame.elements(ofInput: 0, as: Float.self)
        let cosines = frame.elements(ofInput: 1, as: Float.self)
        let sines = frame.elements(ofInput: 2, as: Float.self)
        var target = frame.mutableElements(ofOutput: 0, as: Float.self)
        let half = turned / 2
        for entry in 0..<batch {
            for position in 0..<sequence {
                var row = entry * sequence + position
                if hasPositions {
                    row = try GatherOperators.position(
                        frame.integer(ofInput: 3, at: row, elementType: .int64),
                        size: cacheRows,
                        axis: 0
                    )
                }
                for head in 0..<heads {
                    let start =
                        isFlat
                        ? ((entry * sequence + position) * heads + head) * size
                        : ((entry * heads + head) * sequence + position) * size
                    for pair in 0..<half {
                        let first = start + (isInterleaved ? 2 * pair : pair)
                        let second = first + (isInterleaved ? 1 : half)
                        let (x, y) = (source[first], source[second])
                        let (cosine, sine) = (
                            cosines[row * half + pair], sines[row * half + pair]
                        )
                        target[first] = cosine * x - sine * y
                        target[second] = sine * x + cosine * y
                    }
                    for rest in turned..<max(size, turned) {
                        target[start + rest] = source[start + rest]
                    }
                }
            }
        }
    }
}
