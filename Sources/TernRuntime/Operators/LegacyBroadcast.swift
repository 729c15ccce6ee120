import TernGraph
import TernKernels
import TernTensor

/// How the two inputs of an arithmetic operator meet: by numpy's rules from version 7 on.
///
/// Before, the attributes `broadcast` and `axis` said whether the second input is spread over the
/// first, and which axis of the first its first axis stands for.
enum LegacyBroadcast {
    /// The shape rule of an operator with two inputs of one type.
    static func rule(
        _ types: Set<ElementType>,
        output: ElementType? = nil
    ) -> OperatorSchema.ShapeRule {
        { (context) throws(OperatorError) in
            try context.requireElementType(0, in: types)
            try context.requireElementType(1, in: types)
            let common = try context.commonElementType(of: 0...1)
            context.setOutput(
                elementType: output ?? common,
                dimensions: try dimensions(context)
            )
        }
    }

    /// The axes of the output.
    static func dimensions(
        _ context: ShapeInferenceContext
    ) throws(OperatorError) -> [Dimension]? {
        guard context.version < 7 else { return try context.broadcastDimensions(of: 0...1) }
        guard let first = context.dimensions(0), let second = context.dimensions(1) else {
            return context.dimensions(0)
        }
        let padding = try trailingAxes(context.node, first.count, second.count)
        let spread = second + Array(repeating: Dimension.fixed(1), count: padding)
        return try ShapeInferenceContext.broadcast(first, spread)
    }

    /// Works out the contents of an output of few whole numbers, as far as they are known.
    static func calculate(
        _ context: inout ShapeInferenceContext,
        _ function: (Dimension, Dimension) -> Dimension
    ) {
        guard let type = context.elementType(0), type == .int64 || type == .int32,
            let first = context.integers(0), let second = context.integers(1),
            first.count == 1 || second.count == 1 || first.count == second.count,
            let rank = context.outputs[0].dimensions?.count, rank <= 1
        else { return }
        let count = first.isEmpty || second.isEmpty ? 0 : max(first.count, second.count)
        let elements = (0..<count).map { index in
            function(first[first.count == 1 ? 0 : index], second[second.count == 1 ? 0 : index])
        }
        context.setOutputIntegers(0, elements, elementType: type, scalar: rank == 0)
    }

    /// How the inputs meet in a kernel.
    static func broadcast(_ context: NodeContext) throws(OperatorError) -> Broadcast {
        let (first, second) = (try context.input(0).shape, try context.input(1).shape)
        var spread = second
        if context.version < 7 {
            for _ in 0..<(try trailingAxes(context.node, first.rank, second.rank)) {
                guard spread.rank < Shape.maximumRank else { break }
                spread.append(1)
            }
        }
        guard let broadcast = Broadcast(first, spread) else {
            throw OperatorError("\(second) cannot be broadcast with \(first)")
        }
        return broadcast
    }

    /// How many axes of the first input lie after the last of the second.
    private static func trailingAxes(
        _ node: Node,
        _ firstRank: Int,
        _ secondRank: Int
    ) throws(OperatorError) -> Int {
        guard try node.int("broadcast", default: 0) != 0, node.attributes["axis"] != nil else {
            return 0
        }
        let axis = try ShapeInferenceContext.normalizedAxis(
            try node.int("axis"),
            rank: max(firstRank, 1)
        )
        return max(0, firstRank - axis - secondRank)
    }
}
