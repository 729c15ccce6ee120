import TernGraph
import TernKernels
import TernTensor

/// Operators that make tensors of sizes or constants.
enum GeneratorOperators {
    static let all = [constant, constantOfShape, shape, size, range, eyeLike, oneHot]

    /// A kernel for an operator whose result is always known beforehand.
    private static let neverRuns: OperatorDeclaration.KernelMaker = { (_) throws(OperatorError) in
        throw OperatorError("the result should have been known before the model runs")
    }

    // MARK: Constant

    private static let constant = OperatorDeclaration(
        "Constant",
        versions: [1, 9, 11, 12, 13, 19, 21, 23, 24, 25],
        inputs: 0...0,
        shape: { (context) throws(OperatorError) in
            context.setOutput(fact: ValueFact(try constantTensor(context.node)))
        },
        kernel: neverRuns
    )

    private static func constantTensor(_ node: Node) throws(OperatorError) -> Tensor {
        guard node.attributes.count == 1, let (name, attribute) = node.attributes.first else {
            throw OperatorError("a constant has \(node.attributes.count) values, expected 1")
        }
        switch (name, attribute) {
        case ("value", .tensor(let tensor)): return tensor
        case ("value_float", .float(let value)):
            return Tensor(elementType: .fp32, shape: [], values: [value])
        case ("value_floats", .floats(let values)):
            return Tensor(elementType: .fp32, shape: [values.count], values: values)
        case ("value_int", .int(let value)):
            return Tensor(elementType: .int64, shape: [], values: [Int64(value)])
        case ("value_ints", .ints(let values)):
            return Tensor(
                elementType: .int64,
                shape: [values.count],
                values: values.map { Int64($0) }
            )
        case ("value_floats", let list) where list.isEmptyList:
            return Tensor(elementType: .fp32, shape: [0], values: [Float]())
        case ("value_ints", let list) where list.isEmptyList:
            return Tensor(elementType: .int64, shape: [0], values: [Int64]())
        default: throw OperatorError("a constant given as \(name), \(attribute.kind), is not there")
        }
    }

    // MARK: ConstantOfShape

    private static func fill(_ node: Node) throws(OperatorError) -> Tensor {
        guard let value = try node.tensor("value") else {
            return Tensor(elementType: .fp32, shape: [1], values: [Float(0)])
        }
        guard value.shape.elementCount == 1, value.elementType != .bytes else {
            throw OperatorError("value is \(value.elementType)\(value.shape), expected one number")
        }
        return value
    }

    private static let constantOfShape = OperatorDeclaration(
        "ConstantOfShape",
        versions: [9, 20, 21, 23, 24, 25],
        inputs: 1...1,
        parameterInputs: [0],
        shape: { (context) throws(OperatorError) in
            let type = try fill(context.node).elementType
            guard let sizes = context.integers(0) else {
                let rank = context.dimensions(0)?.first?.fixedSize
                context.setOutput(
                    elementType: type,
                    dimensions: rank.map { Array(repeating: .unknown, count: $0) }
                )
                return
            }
            context.setOutput(elementType: type, dimensions: sizes)
        },
        kernel: { (context) throws(OperatorError) in
            let value = unsafe try fill(context.node).bytes.withUnsafeBytes { unsafe Array($0) }
            return Kernel { (frame) throws(OperatorError) in
                var target = frame.mutableElements(ofOutput: 0, as: UInt8.self)
                for index in target.indices { target[index] = value[index % value.count] }
            }
        }
    )

    // MARK: Shape and Size

    private static let shape = OperatorDeclaration(
        "Shape",
        versions: [1, 13, 15, 19, 21, 23, 24, 25],
        inputs: 1...1,
        shape: { (context) throws(OperatorError) in
            guard let dimensions = context.dimensions(0) else {
                context.setOutput(elementType: .int64, dimensions: [.unknown])
                return
            }
            let rank = dimensions.count
            func bound(_ value: Int) -> Int { min(max(value < 0 ? value + rank : value, 0), rank) }
            let start = bound(try context.node.int("start", default: 0))
            let end = bound(try context.node.int("end", default: rank))
            context.setOutputIntegers(0, start < end ? Array(dimensions[start..<end]) : [])
        },
        kernel: neverRuns
    )

    private static let size = OperatorDeclaration(
        "Size",
        versions: [1, 13, 19, 21, 23, 24, 25],
        inputs: 1...1,
        shape: { (context) throws(OperatorError) in
            guard let dimensions = context.dimensions(0) else {
                context.setOutput(elementType: .int64, dimensions: [])
                return
            }
            context.setOutputIntegers(0, [.product(of: dimensions)], scalar: true)
        },
        kernel: neverRuns
    )

    // MARK: Range

    private static let range = OperatorDeclaration(
        "Range",
        versions: [11, 27],
        inputs: 3...3,
        parameterInputs: [0, 1, 2],
        shape: { (context) throws(OperatorError) in
            for index in 0...2 {
                try context.requireElementType(
                    index,
                    in: ElementType.floats.union([.int16, .int32, .int64])
                )
            }
            let type = try context.commonElementType(of: 0...2)
            guard let start = context.constant(0), let limit = context.constant(1),
                let delta = context.constant(2)
            else {
                context.setOutput(elementType: type, dimensions: [.unknown])
                return
            }
            context.setOutput(
                elementType: type,
                dimensions: [.fixed(try rangeCount(start, limit, delta))]
            )
        },
        kernel: HalfPrecision.widening { (context) throws(OperatorError) in
            let output = try context.output()
            guard let start = context.inputs[0]?.constant, let delta = context.inputs[2]?.constant
            else { throw OperatorError("a range needs its start and step") }
            switch output.elementType {
            case .fp32: return try fillRange(start.elements(as: Float.self), delta)
            case .fp64: return try fillRange(start.elements(as: Double.self), delta)
            case .int16: return try fillWholeRange(start.elements(as: Int16.self), delta)
            case .int32: return try fillWholeRange(start.elements(as: Int32.self), delta)
            case .int64: return try fillWholeRange(start.elements(as: Int64.self), delta)
            default: throw OperatorError("there is no range of \(output.elementType)")
            }
        }
    )

    private static func rangeCount(
        _ start: Tensor,
        _ limit: Tensor,
        _ delta: Tensor
    ) throws(OperatorError) -> Int {
        for tensor in [start, limit, delta] where tensor.shape.elementCount != 1 {
            throw OperatorError("a bound of the range is \(tensor.shape), expected a scalar")
        }
        if let first = start.integerElements?[0], let last = limit.integerElements?[0],
            let step = delta.integerElements?[0]
        {
            guard step != 0 else { throw OperatorError("the step is 0, expected another number") }
            let (distance, overflow) = last.subtractingReportingOverflow(first)
            guard !overflow else { throw OperatorError("the range is too long") }
            if distance == 0 || (distance < 0) != (step < 0) { return 0 }
            let (whole, rest) = distance.magnitude.quotientAndRemainder(dividingBy: step.magnitude)
            return Int(whole) + (rest == 0 ? 0 : 1)
        }
        var numbers: [Double] = []
        for tensor in [start, limit, delta] { numbers += try CastOperators.doubles(tensor) }
        let count = ((numbers[1] - numbers[0]) / numbers[2]).rounded(.up)
        guard count.isFinite, count < Double(1 << 48) else {
            throw OperatorError(
                "a range from \(numbers[0]) to \(numbers[1]) by \(numbers[2]) has no length"
            )
        }
        return max(0, Int(count))
    }

    private static func fillRange<Element: BinaryFloatingPoint & BitwiseCopyable & Sendable>(
        _ start: [Element],
        _ delta: Tensor
    ) throws(OperatorError) -> Kernel {
        let (first, step) = (start[0], delta.elements(as: Element.self)[0])
        return Kernel { (frame) throws(OperatorError) in
            var target = frame.mutableElements(ofOutput: 0, as: Element.self)
            for index in target.indices { target[index] = first + Element(index) * step }
        }
    }

    private static func fillWholeRange<Element: FixedWidthInteger & BitwiseCopyable & Sendable>(
        _ start: [Element],
        _ delta: Tensor
    ) throws(OperatorError) -> Kernel {
        let (first, step) = (start[0], delta.elements(as: Element.self)[0])
        return Kernel { (frame) throws(OperatorError) in
            var target = frame.mutableElements(ofOutput: 0, as: Element.self)
            var value = first
            for index in target.indices {
                target[index] = value
                // The number after the last may not fit the type.
                value &+= step
            }
        }
    }

    // MARK: EyeLike

    private static let eyeLike = OperatorDeclaration(
        "EyeLike",
        versions: [9, 22],
        inputs: 1...1,
        shape: { (context) throws(OperatorError) in
            try context.requireRank(0, in: 2...2)
            let type =
                try context.node.attributes["dtype"] == nil
                ? context.elementType(0) : CastOperators.elementType(context.node.int("dtype"))
            context.setOutput(elementType: type, dimensions: context.dimensions(0))
        },
        kernel: { (context) throws(OperatorError) in
            let output = try context.output()
            let diagonal = try context.node.int("k", default: 0)
            let one = try CastOperators.bytes(of: 1, as: output.elementType)
            let columns = output.shape[1]
            return Kernel { (frame) throws(OperatorError) in
                var target = frame.mutableElements(ofOutput: 0, as: UInt8.self)
                for index in target.indices {
                    let (element, byte) = index.quotientAndRemainder(dividingBy: one.count)
                    let (row, column) = element.quotientAndRemainder(dividingBy: columns)
                    target[index] = column - row == diagonal ? one[byte] : 0
                }
            }
        }
    )

    // MARK: OneHot

    private static let oneHot = OperatorDeclaration(
        "OneHot",
        versions: [9, 11, 28],
        inputs: 3...3,
        parameterInputs: [1],
        shape: { (context) throws(OperatorError) in
            try context.requireElementType(0, in: ElementType.numbers)
            try context.requireElementType(2, in: ElementType.fixedSize)
            guard var dimensions = context.dimensions(0) else {
                context.setOutput(elementType: context.elementType(2), dimensions: nil)
                return
            }
            let axis = try context.normalizedAxis(
                try context.node.int("axis", default: -1),
                rank: dimensions.count + 1
            )
            let depth = try context.constant(1).map { (tensor) throws(OperatorError) in
                try CastOperators.wholeNumber(tensor)
            }
            if let depth, depth < 0 {
                throw OperatorError("depth is \(depth), expected 0 or more")
            }
            dimensions.insert(depth.map { .fixed($0) } ?? .unknown, at: axis)
            context.setOutput(elementType: context.elementType(2), dimensions: dimensions)
        },
        kernel: { (context) throws(OperatorError) in
            let (indices, output) = (try context.input(0), try context.output())
            guard try context.input(2).elementCount == 2 else {
                throw OperatorError(
                    "values is \(try context.input(2).shape), expected the off and on value"
                )
            }
            let axis = try ShapeInferenceContext.normalizedAxis(
                try context.node.int("axis", default: -1),
                rank: output.rank
            )
            let (depth, inner) = (output.shape[axis], output.innerCount(axis))
            let (type, width) = (indices.elementType, output.elementType.width)
            let count = indices.elementCount
            // Whatever the type of the indices, they are compared as 64-bit whole numbers.
            return Kernel(scratchByteCount: max(count, 1) * MemoryLayout<Int64>.stride) {
                (frame) throws(OperatorError) in
                guard let scratch = unsafe frame.scratch.baseAddress,
                    unsafe Elementwise.cast(
                        frame.rawInput(0),
                        of: type,
                        into: scratch,
                        of: .int64,
                        count: count,
                        context: frame.context
                    )
                else { throw OperatorError("indices of \(type) cannot be read") }
                let chosen = unsafe scratch.assumingMemoryBound(to: Int64.self)
                let values = frame.elements(ofInput: 2, as: UInt8.self)
                var target = frame.mutableElements(ofOutput: 0, as: UInt8.self)
                guard depth > 0, inner > 0 else { return }
                for position in 0..<(target.count / width) {
                    let place = position / inner % depth
                    let element = position / (inner * depth) * inner + position % inner
                    // SAFETY: the output has `depth` elements for each of the `count` indices.
                    let index = unsafe Int(chosen[element])
                    let isOn = (index < 0 ? index &+ depth : index) == place
                    for byte in 0..<width {
                        target[position * width + byte] = values[(isOn ? width : 0) + byte]
                    }
                }
            }
        }
    )
}
