import TernGraph
import TernKernels
import TernMicrokernels
import TernTensor

/// Functions of pairs of elements with broadcasting, and those of any number of inputs.
enum ArithmeticOperators {
    static let all =
        [
            binary("Add", [1, 6, 7, 13, 14], .add) { $0 + $1 },
            binary("Sub", [1, 6, 7, 13, 14], .subtract) { $0 - $1 },
            binary("Mul", [1, 6, 7, 13, 14], .multiply) { $0 * $1 },
            binary("Div", [1, 6, 7, 13, 14], .divide),
            modulo, power, prelu,
            binary("BitwiseAnd", [18], .bitAnd, types: ElementType.integers),
            binary("BitwiseOr", [18], .bitOr, types: ElementType.integers),
            binary("BitwiseXor", [18], .bitXor, types: ElementType.integers),
            bitShift, bitwiseNot,
        ] + [
            variadic("Sum", [1, 6, 8, 13], .add),
            variadic("Max", [1, 6, 8, 12, 13], .maximum),
            variadic("Min", [1, 6, 8, 12, 13], .minimum),
            variadic("Mean", [1, 6, 8, 13], .add, isMean: true),
        ]

    // MARK: Two inputs

    /// Declares an operator of two inputs.
    ///
    /// - Parameters:
    ///   - name: The operator.
    ///   - versions: Its versions.
    ///   - function: What it does.
    ///   - types: The types there are kernels for.
    ///   - sizes: What it does to sizes that may be known by name only, for shape arithmetic.
    /// - Returns: The declaration.
    static func binary(
        _ name: String,
        _ versions: [Int],
        _ function: BinaryFunction,
        types: Set<ElementType> = ElementType.numbers,
        sizes: (@Sendable (Dimension, Dimension) -> Dimension)? = nil
    ) -> OperatorDeclaration {
        let rule = LegacyBroadcast.rule(types)
        return OperatorDeclaration(
            name,
            versions: versions,
            inputs: 2...2,
            aliasing: .inPlace(overInputs: [0, 1]),
            shape: { (context) throws(OperatorError) in
                try rule(&context)
                if let sizes { LegacyBroadcast.calculate(&context, sizes) }
            },
            kernel: { (context) throws(OperatorError) in try kernel(context, function) }
        )
    }

    private static let modulo = OperatorDeclaration(
        "Mod",
        versions: [10, 13, 28],
        inputs: 2...2,
        aliasing: .inPlace(overInputs: [0, 1]),
        shape: OperatorDeclaration.broadcast(),
        kernel: { (context) throws(OperatorError) in
            let isRemainder = try context.node.int("fmod", default: 0) != 0
            return try kernel(context, isRemainder ? .remainder : .modulo)
        }
    )

    private static let bitShift = OperatorDeclaration(
        "BitShift",
        versions: [11, 28],
        inputs: 2...2,
        aliasing: .inPlace(overInputs: [0, 1]),
        shape: OperatorDeclaration.broadcast(ElementType.integers),
        kernel: { (context) throws(OperatorError) in
            let direction = try context.node.string("direction", default: "")
            switch direction {
            case "LEFT": return try kernel(context, .shiftLeft)
            case "RIGHT": return try kernel(context, .shiftRight)
            default:
                throw OperatorError("direction is \"\(direction)\", expected LEFT or RIGHT")
            }
        }
    )

    /// ~x is x ^ -1 for every width.
    private static let bitwiseNot = OperatorDeclaration(
        "BitwiseNot",
        versions: [18],
        inputs: 1...1,
        aliasing: .inPlace(overInputs: [0]),
        shape: OperatorDeclaration.sameAsInput(ElementType.integers),
        kernel: { (_) throws(OperatorError) in
            Kernel { (frame) throws(OperatorError) in
                let source = frame.elements(ofInput: 0, as: UInt8.self)
                var target = frame.mutableElements(ofOutput: 0, as: UInt8.self)
                for index in target.indices { target[index] = ~source[index] }
            }
        }
    )

    /// The exponent may have another type than the base, and the result has the base's.
    private static let power = OperatorDeclaration(
        "Pow",
        versions: [1, 7, 12, 13, 15],
        inputs: 2...2,
        shape: { (context) throws(OperatorError) in
            try context.requireElementType(0, in: ElementType.numbers)
            try context.requireElementType(1, in: ElementType.numbers)
            context.setOutput(
                elementType: context.elementType(0),
                dimensions: try LegacyBroadcast.dimensions(context)
            )
        },
        kernel: { (context) throws(OperatorError) in
            let (base, exponent) = (try context.input(0), try context.input(1))
            guard base.elementType != exponent.elementType else {
                return try kernel(context, .power)
            }
            let broadcast = try LegacyBroadcast.broadcast(context)
            let (type, exponentType) = (base.elementType, exponent.elementType)
            let count = exponent.elementCount
            return Kernel(scratchByteCount: max(count * type.width, 1)) {
                (frame) throws(OperatorError) in
                guard let converted = unsafe frame.scratch.baseAddress,
                    unsafe Elementwise.cast(
                        frame.rawInput(1),
                        of: exponentType,
                        into: converted,
                        of: type,
                        count: count,
                        context: frame.context
                    ),
                    unsafe Elementwise.apply(
                        .power,
                        frame.rawInput(0),
                        converted,
                        into: frame.rawOutput(0),
                        broadcast: broadcast,
                        elementType: type,
                        context: frame.context
                    )
                else { throw OperatorError("no power of \(type) to \(exponentType)") }
            }
        }
    )

    /// The slope is broadcast to the input, never the other way round.
    private static let prelu = OperatorDeclaration(
        "PRelu",
        versions: [1, 6, 7, 9, 16],
        inputs: 2...2,
        aliasing: .inPlace(overInputs: [0]),
        shape: OperatorDeclaration.sameAsInput(),
        kernel: { (context) throws(OperatorError) in
            let (input, slope) = (try context.input(0), try context.input(1))
            var slopeShape = slope.shape
            if context.version < 7, slope.rank == 1, slope.elementCount > 1, input.rank > 2 {
                // Before version 7 a vector of slopes stood for channels.
                slopeShape = Shape(
                    [slope.elementCount] + Array(repeating: 1, count: input.rank - 2)
                )
            }
            guard let broadcast = Broadcast(input.shape, slopeShape),
                broadcast.outputShape == input.shape
            else {
                throw OperatorError(
                    "the slope \(slope.shape) cannot be broadcast to the input \(input.shape)"
                )
            }
            return kernel(.prelu, broadcast, type: input.elementType)
        }
    )

    /// Applies a function to two inputs of the same type.
    static func kernel(
        _ context: NodeContext,
        _ function: BinaryFunction
    ) throws(OperatorError) -> Kernel {
        let type = try context.input(0).elementType
        guard try context.input(1).elementType == type else {
            throw OperatorError(
                "input 0 is \(type), but input 1 is \(try context.input(1).elementType)"
            )
        }
        return kernel(function, try LegacyBroadcast.broadcast(context), type: type)
    }

    private static func kernel(
        _ function: BinaryFunction,
        _ broadcast: Broadcast,
        type: ElementType
    ) -> Kernel {
        Kernel { (frame) throws(OperatorError) in
            guard
                unsafe Elementwise.apply(
                    function,
                    frame.rawInput(0),
                    frame.rawInput(1),
                    into: frame.rawOutput(0),
                    broadcast: broadcast,
                    elementType: type,
                    context: frame.context
                )
            else { throw OperatorError("the function is not there for \(type)") }
        }
    }

    // MARK: Any number of inputs

    private static func variadic(
        _ name: String,
        _ versions: [Int],
        _ function: BinaryFunction,
        isMean: Bool = false
    ) -> OperatorDeclaration {
        OperatorDeclaration(
            name,
            versions: versions,
            inputs: 1...4096,
            shape: OperatorDeclaration.broadcast(),
            kernel: { (context) throws(OperatorError) in
                try fold(context, function, isMean: isMean)
            }
        )
    }

    /// The first input is spread over the output, then the others are folded in from left to right.
    private static func fold(
        _ context: NodeContext,
        _ function: BinaryFunction,
        isMean: Bool
    ) throws(OperatorError) -> Kernel {
        let output = try context.output()
        let (type, shape) = (output.elementType, output.shape)
        if context.inputs.count == 2, !isMean { return try kernel(context, function) }
        guard let start = StridedCopy(expanding: try context.input(0).shape, to: shape) else {
            throw OperatorError("input 0 cannot be broadcast to \(shape)")
        }
        var broadcasts: [Broadcast] = []
        for index in context.inputs.indices.dropFirst() {
            guard let broadcast = Broadcast(shape, try context.input(index).shape) else {
                throw OperatorError("input \(index) cannot be broadcast to \(shape)")
            }
            broadcasts.append(broadcast)
        }
        let steps = broadcasts
        let mean = isMean ? UnaryOperation(.affine, a: 1 / Float(context.inputs.count)) : nil
        guard mean == nil || ElementType.floats.contains(type) else {
            throw OperatorError("there is no mean of \(type)")
        }
        return Kernel { (frame) throws(OperatorError) in
            let target = unsafe frame.rawOutput(0)
            unsafe start.run(
                frame.rawInput(0),
                into: target,
                elementByteCount: type.width,
                context: frame.context
            )
            for (index, broadcast) in steps.enumerated() {
                guard
                    unsafe Elementwise.apply(
                        function,
                        target,
                        frame.rawInput(index + 1),
                        into: target,
                        broadcast: broadcast,
                        elementType: type,
                        context: frame.context
                    )
                else { throw OperatorError("the function is not there for \(type)") }
            }
            if let mean {
                unsafe Elementwise.apply(
                    mean,
                    target,
                    into: target,
                    count: shape.elementCount,
                    elementType: type,
                    context: frame.context
                )
            }
        }
    }
}
