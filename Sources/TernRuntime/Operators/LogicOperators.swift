import TernGraph
import TernKernels
import TernMicrokernels
import TernTensor

/// Comparisons, logic on truth values, and choosing by them.
enum LogicOperators {
    static let all =
        [
            comparison("Less", [1, 7, 9, 13], .less),
            comparison("LessOrEqual", [12, 16], .lessOrEqual),
            comparison("Greater", [1, 7, 9, 13], .greater),
            comparison("GreaterOrEqual", [12, 16], .greaterOrEqual),
        ] + [
            ArithmeticOperators.binary("And", [1, 7], .bitAnd, types: [.bool]),
            ArithmeticOperators.binary("Or", [1, 7], .bitOr, types: [.bool]),
            ArithmeticOperators.binary("Xor", [1, 7], .bitXor, types: [.bool]),
            not, isNaN, isInf,
        ]

    /// Operators that also take strings.
    static let chooseAndEqual = [
        comparison("Equal", [1, 7, 11, 13, 19], .equal, types: ElementType.all), select,
    ]

    private static func comparison(
        _ name: String,
        _ versions: [Int],
        _ function: ComparisonFunction,
        types: Set<ElementType> = ElementType.numbers
    ) -> OperatorDeclaration {
        OperatorDeclaration(
            name,
            versions: versions,
            inputs: 2...2,
            shape: LegacyBroadcast.rule(types, output: .bool),
            kernel: { (context) throws(OperatorError) in
                let type = try context.input(0).elementType
                let broadcast = try LegacyBroadcast.broadcast(context)
                return Kernel { (frame) throws(OperatorError) in
                    guard
                        unsafe Elementwise.compare(
                            function,
                            frame.rawInput(0),
                            frame.rawInput(1),
                            into: frame.output(0, as: UInt8.self),
                            broadcast: broadcast,
                            elementType: type,
                            context: frame.context
                        )
                    else { throw OperatorError("\(type) cannot be compared") }
                }
            }
        )
    }

    private static let not = OperatorDeclaration(
        "Not",
        versions: [1],
        inputs: 1...1,
        aliasing: .inPlace(overInputs: [0]),
        shape: OperatorDeclaration.sameAsInput([.bool]),
        kernel: { (context) throws(OperatorError) in
            let count = try context.input(0).elementCount
            return Kernel { (frame) throws(OperatorError) in
                unsafe Elementwise.not(
                    frame.input(0, as: UInt8.self),
                    into: frame.output(0, as: UInt8.self),
                    count: count
                )
            }
        }
    )

    private static let isNaN = OperatorDeclaration(
        "IsNaN",
        versions: [9, 13, 20],
        inputs: 1...1,
        shape: booleanOfFloats,
        kernel: { (context) throws(OperatorError) in
            let (type, count) = (
                try context.input(0).elementType, try context.input(0).elementCount
            )
            return Kernel { (frame) throws(OperatorError) in
                guard
                    unsafe Elementwise.isNaN(
                        frame.rawInput(0),
                        into: frame.output(0, as: UInt8.self),
                        count: count,
                        elementType: type
                    )
                else { throw OperatorError("\(type) has no NaN") }
            }
        }
    )

    private static let isInf = OperatorDeclaration(
        "IsInf",
        versions: [10, 20],
        inputs: 1...1,
        shape: booleanOfFloats,
        kernel: { (context) throws(OperatorError) in
            let (type, count) = (
                try context.input(0).elementType, try context.input(0).elementCount
            )
            let positive = try context.node.int("detect_positive", default: 1) != 0
            let negative = try context.node.int("detect_negative", default: 1) != 0
            return Kernel { (frame) throws(OperatorError) in
                guard
                    unsafe Elementwise.isInfinite(
                        frame.rawInput(0),
                        into: frame.output(0, as: UInt8.self),
                        count: count,
                        elementType: type,
                        positive: positive,
                        negative: negative
                    )
                else { throw OperatorError("\(type) has no infinity") }
            }
        }
    )

    private static let booleanOfFloats: OperatorSchema.ShapeRule = {
        (context) throws(OperatorError) in
        try context.requireElementType(0, in: ElementType.floats)
        context.setOutput(elementType: .bool, dimensions: context.dimensions(0))
    }

    private static let select = OperatorDeclaration(
        "Where",
        versions: [9, 16],
        inputs: 3...3,
        shape: { (context) throws(OperatorError) in
            try context.requireElementType(0, in: [.bool])
            try context.requireElementType(1, in: ElementType.all)
            context.setOutput(
                elementType: try context.commonElementType(of: 1...2),
                dimensions: try context.broadcastDimensions(of: 0...2)
            )
        },
        kernel: { (context) throws(OperatorError) in
            let type = try context.input(1).elementType
            guard
                let broadcast = Broadcast(
                    try context.input(0).shape,
                    try context.input(1).shape,
                    try context.input(2).shape
                )
            else { throw OperatorError("the inputs cannot be broadcast with each other") }
            return Kernel { (frame) throws(OperatorError) in
                guard
                    unsafe Elementwise.select(
                        frame.input(0, as: UInt8.self),
                        frame.rawInput(1),
                        frame.rawInput(2),
                        into: frame.rawOutput(0),
                        broadcast: broadcast,
                        elementType: type,
                        context: frame.context
                    )
                else { throw OperatorError("\(type) cannot be chosen from") }
            }
        }
    )
}
