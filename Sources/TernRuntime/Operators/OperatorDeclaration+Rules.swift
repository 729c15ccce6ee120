import TernGraph
import TernTensor

// Shape rules that many operators share.
extension OperatorDeclaration {
    /// The output has the type and shape of the first input.
    static func sameAsInput(
        _ types: Set<ElementType> = ElementType.numbers
    ) -> OperatorSchema.ShapeRule {
        { (context) throws(OperatorError) in
            try context.requireElementType(0, in: types)
            context.setOutput(
                elementType: context.elementType(0),
                dimensions: context.dimensions(0)
            )
        }
    }

    /// The output has the broadcast shape of all inputs, and their common type or another.
    static func broadcast(
        _ types: Set<ElementType> = ElementType.numbers,
        output: ElementType? = nil
    ) -> OperatorSchema.ShapeRule {
        { (context) throws(OperatorError) in
            for index in 0..<context.inputCount {
                try context.requireElementType(index, in: types)
            }
            let common = try context.commonElementType(of: 0..<context.inputCount)
            context.setOutput(
                elementType: output ?? common,
                dimensions: try context.broadcastDimensions(of: 0..<context.inputCount)
            )
        }
    }
}

extension ElementType {
    /// Floating-point types.
    static let floats: Set<ElementType> = [.fp32, .fp64, .fp16, .bf16]
    /// Whole numbers.
    static let integers: Set<ElementType> = [
        .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64,
    ]
    /// Everything that can be calculated with.
    static let numbers = floats.union(integers)
    /// Everything whose elements have one size.
    static let fixedSize = numbers.union([.bool])
    /// Every type there is.
    static let all = fixedSize.union([.bytes])

    /// How many bytes an element has.
    ///
    /// - Precondition: The elements have one size, as those of every planned operand do.
    var width: Int {
        guard let byteCount else { preconditionFailure("elements of \(self) differ in size") }
        return byteCount
    }
}

extension Shape {
    /// Row-major distances between neighbours along each axis, in elements.
    var strides: [Int] {
        var strides = Array(repeating: 1, count: rank)
        for axis in indices.reversed().dropFirst() {
            strides[axis] = strides[axis + 1] * self[axis + 1]
        }
        return strides
    }
}
