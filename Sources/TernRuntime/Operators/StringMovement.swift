import TernGraph
import TernTensor

extension OperatorDeclaration {
    /// The same operator for strings as well.
    ///
    /// Strings have no fixed size, so that they are not planned for. Instead each is replaced by its
    /// rank among all strings that the node gets, the operator moves or compares the numbers, and they
    /// are turned back. The empty string is always number 0, which is what zeros that an operator fills
    /// in then stand for.
    func movingStrings() -> OperatorDeclaration {
        let rule = schema.inferShapes
        return OperatorDeclaration(self) { (context) throws(OperatorError) in
            let strings = try context.inputs.map { (tensor) throws(OperatorError) in
                try tensor.flatMap { (tensor) throws(OperatorError) in
                    try StringRanks.strings(of: tensor)
                }
            }
            guard strings.contains(where: { $0 != nil }) else {
                return try context.environment.runKernel(of: context.node, inputs: context.inputs)
            }
            var inference = ShapeInferenceContext(
                node: context.node,
                inputs: context.inputs.map { $0.map(ValueFact.init) }
            )
            try rule(&inference)
            let ranks = StringRanks(strings.flatMap { $0 ?? [] })
            let numbers = zip(context.inputs, strings).map { tensor, strings in
                guard let tensor, let strings else { return tensor }
                return ranks.numbers(strings, shape: tensor.shape)
            }
            let outputs = try context.environment.runKernel(of: context.node, inputs: numbers)
            return zip(outputs, inference.outputs).map { output, fact in
                fact.elementType == .bytes ? output.map(ranks.strings) : output
            }
        }
    }
}

/// Strings in order, and the number of each.
struct StringRanks {
    private let sorted: [[UInt8]]
    private let ranks: [[UInt8]: Int64]

    /// Numbers the strings, and the empty one.
    init(_ strings: [[UInt8]]) {
        sorted = Set(strings + [[]]).sorted { $0.lexicographicallyPrecedes($1) }
        ranks = Dictionary(
            uniqueKeysWithValues: sorted.enumerated().map { ($0.element, Int64($0.offset)) }
        )
    }

    /// The strings of a tensor; `nil` if it is one of numbers.
    static func strings(of tensor: Tensor) throws(OperatorError) -> [[UInt8]]? {
        guard tensor.elementType == .bytes else { return nil }
        guard let strings = tensor.byteStrings else {
            throw OperatorError("a tensor of strings does not hold as many as its shape says")
        }
        return strings
    }

    /// The strings' numbers.
    func numbers(_ strings: [[UInt8]], shape: Shape) -> Tensor {
        Tensor(elementType: .int64, shape: shape, values: strings.map { ranks[$0] ?? 0 })
    }

    /// The numbers' strings.
    func strings(_ numbers: Tensor) -> Tensor {
        Tensor(
            shape: numbers.shape,
            byteStrings: numbers.elements(as: Int64.self).map { sorted[Int($0)] }
        )
    }
}
