import TernGraph
import TernKernels
import TernTensor

/// Pad: constant, by reflection, by repeating the edge, or around.
///
/// Attributes up to version 2, inputs from 11 on. Negative padding cuts.
enum PadOperator {
    static let all = [
        OperatorDeclaration(
            "Pad",
            versions: [1, 2, 11, 13, 18, 19, 21, 23, 24, 25],
            inputs: 1...4,
            parameterInputs: [1, 2, 3],
            shape: { (context) throws(OperatorError) in
                try context.requireElementType(0, in: ElementType.all)
                let type = context.elementType(0)
                guard let dimensions = context.dimensions(0) else {
                    context.setOutput(elementType: type, dimensions: nil)
                    return
                }
                let isOld = context.version < 11
                if !isOld {
                    guard context.fixedIntegers(1) != nil,
                        !context.hasInput(3) || context.fixedIntegers(3) != nil
                    else {
                        context.setOutput(
                            elementType: type,
                            dimensions: dimensions.map { _ in .unknown }
                        )
                        return
                    }
                }
                let pads = try pads(
                    given: isOld ? attribute(context.node) : context.fixedIntegers(1) ?? [],
                    axes: context.fixedIntegers(3),
                    rank: dimensions.count
                )
                var result: [Dimension] = []
                for (axis, dimension) in dimensions.enumerated() {
                    let size = dimension + .fixed(pads.leading[axis] + pads.trailing[axis])
                    guard (size.fixedSize ?? 0) >= 0 else {
                        throw OperatorError("axis \(axis) of \(dimension) is cut below 0")
                    }
                    result.append(size)
                }
                context.setOutput(elementType: type, dimensions: result)
            },
            kernel: { (context) throws(OperatorError) in try kernel(context) }
        )
    ]

    private static func attribute(_ node: Node) throws(OperatorError) -> [Int] {
        // Version 1 called it paddings.
        let pads = try node.ints("pads")
        let paddings = try node.ints("paddings")
        return pads ?? paddings ?? []
    }

    private static func pads(
        given: [Int],
        axes: [Int]?,
        rank: Int
    ) throws(OperatorError) -> (leading: [Int], trailing: [Int]) {
        let chosen = axes ?? Array(0..<rank)
        guard given.count == 2 * chosen.count else {
            throw OperatorError("pads has \(given.count) numbers, expected \(2 * chosen.count)")
        }
        guard given.allSatisfy({ $0.magnitude <= 1 << 40 }) else {
            throw OperatorError("pads is \(given), which is too much")
        }
        var leading = Array(repeating: 0, count: rank)
        var trailing = leading
        for (index, axis) in chosen.enumerated() {
            let position = try ShapeInferenceContext.normalizedAxis(axis, rank: rank)
            leading[position] = given[index]
            trailing[position] = given[index + chosen.count]
        }
        return (leading, trailing)
    }

    /// For each place along an axis of the output, the place in the input it comes from; `-1` for
    /// the constant.
    private static func sources(
        _ mode: String,
        size: Int,
        leading: Int,
        outputSize: Int
    ) throws(OperatorError) -> [Int] {
        func reflected(_ place: Int) -> Int {
            if size == 1 { return 0 }
            let period = 2 * (size - 1)
            let rest = ((place % period) + period) % period
            return rest < size ? rest : period - rest
        }
        guard ["constant", "reflect", "edge", "wrap"].contains(mode) else {
            throw OperatorError(
                "mode is \"\(mode)\", expected constant, reflect, edge or wrap"
            )
        }
        if size == 0, mode != "constant", outputSize > 0 {
            throw OperatorError("an axis of 0 elements cannot be padded by \(mode)")
        }
        return (0..<outputSize).map { index in
            let place = index - leading
            if place >= 0, place < size { return place }
            switch mode {
            case "reflect": return reflected(place)
            case "edge": return place < 0 ? 0 : size - 1
            case "wrap": return ((place % size) + size) % size
            default: return -1
            }
        }
    }

    private static func kernel(_ context: NodeContext) throws(OperatorError) -> Kernel {
        let (input, output) = (try context.input(0), try context.output())
        let isOld = context.version < 11
        let pads = try pads(
            given: isOld ? attribute(context.node) : try context.integers(1) ?? [],
            axes: try context.integers(3),
            rank: input.rank
        )
        let mode = try context.node.string("mode", default: "constant")
        var places: [[Int]] = []
        for axis in input.shape.indices {
            places.append(
                try sources(
                    mode,
                    size: input.shape[axis],
                    leading: pads.leading[axis],
                    outputSize: output.shape[axis]
                )
            )
        }
        let copy = PaddedCopy(
            sourceShape: input.shape,
            places: places,
            value: try fill(context, input.elementType)
        )
        return Kernel { (frame) throws(OperatorError) in
            unsafe copy.run(frame.rawInput(0), into: frame.rawOutput(0))
        }
    }

    /// The bytes of the constant.
    private static func fill(
        _ context: NodeContext,
        _ type: ElementType
    ) throws(OperatorError) -> [UInt8] {
        if context.hasInput(2), let constant = context.inputs[2]?.constant {
            guard constant.elementType == type, constant.shape.elementCount == 1 else {
                throw OperatorError(
                    "the constant is \(constant.elementType)\(constant.shape), expected one \(type)"
                )
            }
            return unsafe constant.bytes.withUnsafeBytes { unsafe Array($0) }
        }
        let number = context.version < 11 ? try context.node.float("value", default: 0) : 0
        return try CastOperators.bytes(of: number, as: type)
    }
}
