import TernGraph
import TernTensor

/// Operators of ai.onnx.ml that put one thing for another: labels, categories.
enum LabelOperators {
    static let all = [labelEncoder, categoryMapper, oneHotEncoder]

    // MARK: LabelEncoder

    private static let labelEncoder = OperatorDeclaration(
        "LabelEncoder",
        domain: MLInput.domain,
        versions: [2, 4],
        inputs: 1...1,
        shape: { (context) throws(OperatorError) in
            let (keyType, valueType) = try LabelMap.types(context.node)
            try context.requireElementType(0, in: [keyType])
            context.setOutput(elementType: valueType, dimensions: context.dimensions(0))
        },
        kernel: { (context) throws(OperatorError) in
            let (keyType, valueType) = try LabelMap.types(context.node)
            guard keyType != .bytes, valueType != .bytes else { throw .waitsForData }
            return try LabelTable(context.node).kernel()
        },
        evaluation: { (context) throws(OperatorError) in
            let (keyType, valueType) = try LabelMap.types(context.node)
            guard keyType == .bytes || valueType == .bytes else {
                return try context.environment.runKernel(of: context.node, inputs: context.inputs)
            }
            let map = try context.environment.preparedFromAttributes(
                of: context.node,
                variant: "labels"
            ) { () throws(OperatorError) in try LabelMap(labelEncoder: context.node) }
            return [try map(context.requiredInput(0))]
        }
    )

    // MARK: CategoryMapper

    private static let categoryMapper = OperatorDeclaration(
        "CategoryMapper",
        domain: MLInput.domain,
        versions: [1],
        inputs: 1...1,
        shape: { (context) throws(OperatorError) in
            try context.requireElementType(0, in: [.int64, .bytes])
            let type: ElementType? =
                switch context.elementType(0) {
                case .bytes: .int64
                case .int64: .bytes
                default: nil
                }
            context.setOutput(elementType: type, dimensions: context.dimensions(0))
        },
        kernel: { (_) throws(OperatorError) in throw .waitsForData },
        evaluation: { (context) throws(OperatorError) in
            let input = try context.requiredInput(0)
            let map = try context.environment.preparedFromAttributes(
                of: context.node,
                variant: "categories"
            ) { () throws(OperatorError) in
                try LabelMap(categoryMapper: context.node, of: input.elementType)
            }
            return [try map(input)]
        }
    )

    // MARK: OneHotEncoder

    private static let oneHotEncoder = OperatorDeclaration(
        "OneHotEncoder",
        domain: MLInput.domain,
        versions: [1],
        inputs: 1...1,
        shape: { (context) throws(OperatorError) in
            let categories = try Categories(context.node)
            try context.requireElementType(
                0,
                in: categories.strings.isEmpty ? MLInput.types : [.bytes]
            )
            context.setOutput(
                elementType: .fp32,
                dimensions: context.dimensions(0).map { $0 + [.fixed(categories.count)] }
            )
        },
        kernel: { (context) throws(OperatorError) in
            let categories = try Categories(context.node)
            guard categories.strings.isEmpty else { throw .waitsForData }
            switch try context.input(0).elementType {
            case .int64: return oneHot(categories, Int64.self) { $0 }
            case .int32: return oneHot(categories, Int32.self) { Int64($0) }
            case .fp32: return oneHot(categories, Float.self) { Int64(exactly: $0) }
            case .fp64: return oneHot(categories, Double.self) { Int64(exactly: $0) }
            case let type: throw OperatorError("\(type) cannot be a category")
            }
        },
        evaluation: { (context) throws(OperatorError) in
            let categories = try Categories(context.node)
            let input = try context.requiredInput(0)
            guard let strings = input.byteStrings, !categories.strings.isEmpty else {
                return try context.environment.runKernel(of: context.node, inputs: context.inputs)
            }
            var values = Array(repeating: Float(0), count: strings.count * categories.count)
            for (index, string) in strings.enumerated() {
                let position = categories.strings[string]
                guard let position = try categories.checked(position) else { continue }
                values[index * categories.count + position] = 1
            }
            guard let shape = Shape(validating: Array(input.shape) + [categories.count]) else {
                throw OperatorError("\(input.shape) has too many axes")
            }
            return [Tensor(elementType: .fp32, shape: shape, values: values)]
        }
    )

    /// What there is a column for.
    private struct Categories: Sendable {
        var numbers: [Int64: Int] = [:]
        var strings: [[UInt8]: Int] = [:]
        let count: Int
        private let allowsOthers: Bool

        init(_ node: Node) throws(OperatorError) {
            allowsOthers = try node.int("zeros", default: 1) != 0
            let numbers = try node.ints("cats_int64s") ?? []
            let strings = try node.strings("cats_strings") ?? []
            guard numbers.isEmpty != strings.isEmpty else {
                throw OperatorError("expected either cats_int64s or cats_strings")
            }
            count = max(numbers.count, strings.count)
            for (index, number) in numbers.enumerated() { self.numbers[Int64(number)] = index }
            for (index, string) in strings.enumerated() { self.strings[string] = index }
        }

        /// The column, or none if others are allowed.
        func checked(_ position: Int?) throws(OperatorError) -> Int? {
            guard position != nil || allowsOthers else {
                throw OperatorError("an element is of none of the \(count) categories")
            }
            return position
        }
    }

    private static func oneHot<Element: BitwiseCopyable & Sendable>(
        _ categories: Categories,
        _ type: Element.Type,
        _ number: @escaping @Sendable (Element) -> Int64?
    ) -> Kernel {
        Kernel { (frame) throws(OperatorError) in
            let source = frame.elements(ofInput: 0, as: Element.self)
            var target = frame.mutableElements(ofOutput: 0, as: Float.self)
            for index in target.indices { target[index] = 0 }
            for index in source.indices {
                let position = number(source[index]).flatMap { categories.numbers[$0] }
                guard let position = try categories.checked(position) else { continue }
                target[index * categories.count + position] = 1
            }
        }
    }
}
