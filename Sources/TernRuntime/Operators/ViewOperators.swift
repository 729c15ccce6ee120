import TernGraph
import TernTensor

/// Operators whose output is the same bytes as the input, seen with another shape.
///
/// They cost nothing: a plan gives the output the input's place.
enum ViewOperators {
    static let all = [reshape, flatten, squeeze, unsqueeze, identity, dropout]

    static let reshape = OperatorDeclaration(
        "Reshape",
        versions: [1, 5, 13, 14, 19, 21, 23, 24, 25],
        inputs: 1...2,
        aliasing: .view(ofInput: 0),
        parameterInputs: [1],
        shape: { (context: inout ShapeInferenceContext) throws(OperatorError) in
            let allowsZero = try context.node.int("allowzero", default: 0) != 0
            let target: [Dimension]?
            if context.version < 5 {
                target = try context.node.ints("shape")?.map { .fixed($0) }
            } else {
                target = context.integers(1)
            }
            guard let target else {
                // How many axes there are may be known even if the sizes are not.
                let rank = context.version < 5 ? nil : context.dimensions(1)?.first?.fixedSize
                context.setOutput(
                    elementType: context.elementType(0),
                    dimensions: rank.map { Array(repeating: .unknown, count: $0) }
                )
                return
            }
            context.setOutput(
                elementType: context.elementType(0),
                dimensions: try ShapeInferenceContext.reshape(
                    context.dimensions(0),
                    to: target,
                    allowsZero: allowsZero
                )
            )
        },
        kernel: copy
    )

    static let flatten = OperatorDeclaration(
        "Flatten",
        versions: [1, 9, 11, 13, 21, 23, 24, 25],
        inputs: 1...1,
        aliasing: .view(ofInput: 0),
        shape: { (context: inout ShapeInferenceContext) throws(OperatorError) in
            let axis = try context.node.int("axis", default: 1)
            guard let dimensions = context.dimensions(0) else {
                context.setOutput(
                    elementType: context.elementType(0),
                    dimensions: [.unknown, .unknown]
                )
                return
            }
            let position = try context.normalizedAxis(
                axis,
                rank: dimensions.count,
                allowsEnd: true
            )
            context.setOutput(
                elementType: context.elementType(0),
                dimensions: [
                    .product(of: dimensions[..<position]), .product(of: dimensions[position...]),
                ]
            )
        },
        kernel: copy
    )

    static let squeeze = OperatorDeclaration(
        "Squeeze",
        versions: [1, 11, 13, 21, 23, 24, 25],
        inputs: 1...2,
        aliasing: .view(ofInput: 0),
        parameterInputs: [1],
        shape: { (context: inout ShapeInferenceContext) throws(OperatorError) in
            let type = context.elementType(0)
            let isGiven =
                context.version < 13 ? try context.node.ints("axes") != nil : context.hasInput(1)
            let given =
                context.version < 13 ? try context.node.ints("axes") : context.fixedIntegers(1)
            guard let dimensions = context.dimensions(0), !isGiven || given != nil else {
                context.setOutput(elementType: type, dimensions: nil)
                return
            }
            let axes: [Int]
            if let given {
                axes = try context.normalizedAxes(given, rank: dimensions.count)
            } else if dimensions.contains(where: { $0.fixedSize == nil }) {
                context.setOutput(elementType: type, dimensions: nil)
                return
            } else {
                axes = dimensions.indices.filter { dimensions[$0] == .fixed(1) }
            }
            for axis in axes where dimensions[axis].isKnownDifferent(from: .fixed(1)) {
                throw OperatorError(
                    "axis \(axis) of \(context.describe(0)) is \(dimensions[axis]), expected 1"
                )
            }
            if dimensions.count == 1, !axes.isEmpty, let elements = context.integers(0) {
                // Shape arithmetic: one size becomes a scalar.
                context.setOutputIntegers(
                    0,
                    elements,
                    elementType: type ?? .int64,
                    scalar: true
                )
                return
            }
            context.setOutput(
                elementType: type,
                dimensions: dimensions.indices.filter { !axes.contains($0) }.map { dimensions[$0] }
            )
        },
        kernel: copy
    )

    static let unsqueeze = OperatorDeclaration(
        "Unsqueeze",
        versions: [1, 11, 13, 21, 23, 24, 25],
        inputs: 1...2,
        aliasing: .view(ofInput: 0),
        parameterInputs: [1],
        shape: { (context: inout ShapeInferenceContext) throws(OperatorError) in
            let given =
                context.version < 13 ? try context.node.ints("axes") : context.fixedIntegers(1)
            guard let dimensions = context.dimensions(0), let given else {
                context.setOutput(elementType: context.elementType(0), dimensions: nil)
                return
            }
            let rank = dimensions.count + given.count
            let axes = try context.normalizedAxes(given, rank: rank)
            if rank == 1, let elements = context.integers(0) {
                // Shape arithmetic: a size becomes a vector.
                context.setOutputIntegers(
                    0,
                    elements,
                    elementType: context.elementType(0) ?? .int64
                )
                return
            }
            var rest = dimensions.makeIterator()
            context.setOutput(
                elementType: context.elementType(0),
                dimensions: (0..<rank).map { axes.contains($0) ? .fixed(1) : rest.next()! }
            )
        },
        kernel: copy
    )

    static let identity = OperatorDeclaration(
        "Identity",
        versions: [1, 13, 14, 16, 19, 21, 23, 24, 25],
        inputs: 1...1,
        aliasing: .view(ofInput: 0),
        shape: { (context: inout ShapeInferenceContext) throws(OperatorError) in
            if let fact = context.fact(0) { context.setOutput(fact: fact) }
        },
        kernel: copy
    )

    /// Inference only: the data passes through, and the mask is all ones.
    ///
    /// Training that drops nothing is
    /// the same.
    static let dropout = OperatorDeclaration(
        "Dropout",
        versions: [1, 6, 7, 10, 12, 13, 22],
        inputs: 1...3,
        outputs: 1...2,
        aliasing: .view(ofInput: 0),
        parameterInputs: [1, 2],
        shape: { (context: inout ShapeInferenceContext) throws(OperatorError) in
            let dimensions = context.dimensions(0)
            context.setOutput(elementType: context.elementType(0), dimensions: dimensions)
            // The mask had the data's type up to version 9.
            let maskType = context.version < 10 ? context.elementType(0) : .bool
            context.setOutput(1, elementType: maskType, dimensions: dimensions)
            guard let training = context.constant(2)?.integerElements?.first, training != 0 else {
                return
            }
            guard !context.hasInput(1) || context.constant(1) != nil else { return }
            guard let ratio = context.constant(1), try CastOperators.doubles(ratio) == [0] else {
                throw OperatorError("training_mode is on, expected it off: this is inference")
            }
        },
        kernel: { (context) throws(OperatorError) in
            let hasMask = context.hasOutput(1)
            let maskType = hasMask ? try context.output(1).elementType : .bool
            return Kernel { (frame) throws(OperatorError) in
                copyBytes(frame)
                guard hasMask else { return }
                if maskType == .bool {
                    var mask = frame.mutableElements(ofOutput: 1, as: UInt8.self)
                    for index in mask.indices { mask[index] = 1 }
                } else if maskType == .fp32 {
                    var mask = frame.mutableElements(ofOutput: 1, as: Float.self)
                    for index in mask.indices { mask[index] = 1 }
                } else {
                    throw OperatorError("the mask cannot be \(maskType)")
                }
            }
        }
    )

    /// Where the output cannot share the input's place, the bytes are copied.
    static let copy: OperatorDeclaration.KernelMaker = { (_) throws(OperatorError) in
        Kernel { (frame) throws(OperatorError) in copyBytes(frame) }
    }

    static func copyBytes(_ frame: borrowing KernelFrame) {
        let count = min(frame.inputByteCount(0), frame.outputByteCount(0))
        // SAFETY: both have at least this many bytes; they may be the same ones.
        unsafe frame.rawOutput(0).copyMemory(from: frame.rawInput(0), byteCount: count)
    }
}
