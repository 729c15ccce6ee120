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
        let source = unsafe frame.input(0, as: Float.self)
        let cosines = unsafe frame.input(1, as: Float.self)
        let sines = unsafe frame.input(2, as: Float.self)
        let target = unsafe frame.output(0, as: Float.self)
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
                    // SAFETY: the operands are as long as the sizes say, which were checked.
                    unsafe turn(
                        source + start,
                        cosines + row * half,
                        sines + row * half,
                        into: target + start
                    )
                }
            }
        }
    }

    /// Turns one head at one position.
    @unsafe private func turn(
        _ source: UnsafePointer<Float>,
        _ cosines: UnsafePointer<Float>,
        _ sines: UnsafePointer<Float>,
        into target: UnsafeMutablePointer<Float>
    ) {
        let half = turned / 2
        if isInterleaved {
            for pair in 0..<half {
                let (x, y) = unsafe (source[2 * pair], source[2 * pair + 1])
                let (cosine, sine) = unsafe (cosines[pair], sines[pair])
                unsafe target[2 * pair] = cosine * x - sine * y
                unsafe target[2 * pair + 1] = sine * x + cosine * y
            }
        } else {
            var pair = 0
            while pair + 8 <= half {
                let x = unsafe Self.eight(source + pair)
                let y = unsafe Self.eight(source + half + pair)
                let (cosine, sine) = unsafe (Self.eight(cosines + pair), Self.eight(sines + pair))
                unsafe Self.store(cosine * x - sine * y, at: target + pair)
                unsafe Self.store(sine * x + cosine * y, at: target + half + pair)
                pair += 8
            }
            for pair in pair..<half {
                let (x, y) = unsafe (source[pair], source[half + pair])
                let (cosine, sine) = unsafe (cosines[pair], sines[pair])
                unsafe target[pair] = cosine * x - sine * y
                unsafe target[half + pair] = sine * x + cosine * y
            }
        }
        for rest in turned..<max(size, turned) { unsafe target[rest] = source[rest] }
    }

    @inline(__always)
    @unsafe private static func eight(_ address: UnsafePointer<Float>) -> SIMD8<Float> {
        unsafe UnsafeRawPointer(address).loadUnaligned(as: SIMD8<Float>.self)
    }

    @inline(__always)
    @unsafe private static func store(
        _ numbers: SIMD8<Float>,
        at address: UnsafeMutablePointer<Float>
    ) {
        unsafe UnsafeMutableRawPointer(address).storeBytes(of: numbers, as: SIMD8<Float>.self)
    }
}
