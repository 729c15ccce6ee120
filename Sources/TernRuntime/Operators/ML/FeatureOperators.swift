import TernGraph
import TernKernels
import TernTensor

/// Operators of ai.onnx.ml that prepare features or pick among them.
enum FeatureOperators {
    static let all = [
        scaler, normalizer, binarizer, imputer, extractor, vectorizer, zipMap,
    ]

    private static let floatOfInput: OperatorSchema.ShapeRule = { (context) throws(OperatorError) in
        try context.requireElementType(0, in: MLInput.types)
        context.setOutput(elementType: .fp32, dimensions: context.dimensions(0))
    }

    // MARK: Scaler

    private static let scaler = OperatorDeclaration(
        "Scaler",
        domain: MLInput.domain,
        versions: [1],
        inputs: 1...1,
        shape: floatOfInput,
        kernel: { (context) throws(OperatorError) in
            let input = try MLInput(context)
            let offsets = try perFeature(context.node, "offset", 0, input.featureCount)
            let scales = try perFeature(context.node, "scale", 1, input.featureCount)
            return Kernel(scratchByteCount: input.scratchByteCount) {
                (frame) throws(OperatorError) in
                let features = unsafe try input.floats(frame)
                let output = unsafe frame.output(0, as: Float.self)
                for row in 0..<input.rowCount {
                    let start = row * input.featureCount
                    for feature in 0..<input.featureCount {
                        // SAFETY: both have this many rows of this many features.
                        unsafe output[start + feature] =
                            (features[start + feature] - offsets[feature]) * scales[feature]
                    }
                }
            }
        }
    )

    /// An attribute with one number per feature, or one for all, or none.
    private static func perFeature(
        _ node: Node,
        _ name: String,
        _ fallback: Float,
        _ count: Int
    ) throws(OperatorError) -> [Float] {
        let values = try node.floats(name) ?? []
        switch values.count {
        case 0: return Array(repeating: fallback, count: count)
        case count: return values
        case 1: return Array(repeating: values[0], count: count)
        default:
            throw OperatorError("\(name) has \(values.count) numbers, expected 1 or \(count)")
        }
    }

    // MARK: Normalizer

    private enum Norm { case max, l1, l2 }

    private static let normalizer = OperatorDeclaration(
        "Normalizer",
        domain: MLInput.domain,
        versions: [1],
        inputs: 1...1,
        shape: floatOfInput,
        kernel: { (context) throws(OperatorError) in
            let input = try MLInput(context)
            let name = try context.node.string("norm", default: "MAX")
            guard let norm = ["MAX": Norm.max, "L1": .l1, "L2": .l2][name] else {
                throw OperatorError("norm is \"\(name)\", expected MAX, L1 or L2")
            }
            return Kernel(scratchByteCount: input.scratchByteCount) {
                (frame) throws(OperatorError) in
                let features = unsafe try input.floats(frame)
                let output = unsafe frame.output(0, as: Float.self)
                let count = input.featureCount
                for row in 0..<input.rowCount {
                    // SAFETY: both have this many rows of `count` features.
                    let source = unsafe UnsafeBufferPointer(
                        start: features + row * count,
                        count: count
                    )
                    let divisor: Float =
                        switch norm {
                        case .max: unsafe source.reduce(-.infinity) { Swift.max($0, $1) }
                        case .l1: unsafe source.reduce(0) { $0 + abs($1) }
                        case .l2: unsafe source.reduce(0) { $0 + $1 * $1 }.squareRoot()
                        }
                    for index in 0..<count {
                        unsafe output[row * count + index] =
                            divisor == 0 ? source[index] : source[index] / divisor
                    }
                }
            }
        }
    )

    // MARK: Binarizer and Imputer

    private static let binarizer = OperatorDeclaration(
        "Binarizer",
        domain: MLInput.domain,
        versions: [1],
        inputs: 1...1,
        shape: { (context) throws(OperatorError) in
            try OperatorDeclaration.sameAsInput(MLInput.types)(&context)
        },
        kernel: { (context) throws(OperatorError) in
            let threshold = try context.node.float("threshold", default: 0)
            func binarize<Element: BitwiseCopyable & ExpressibleByIntegerLiteral & Sendable>(
                _ type: Element.Type,
                _ isAbove: @escaping @Sendable (Element) -> Bool
            ) -> Kernel {
                Kernel { (frame) throws(OperatorError) in
                    let source = frame.elements(ofInput: 0, as: Element.self)
                    var target = frame.mutableElements(ofOutput: 0, as: Element.self)
                    for index in target.indices { target[index] = isAbove(source[index]) ? 1 : 0 }
                }
            }
            switch try context.input(0).elementType {
            case .fp32: return binarize(Float.self) { $0 > threshold }
            case .fp64: return binarize(Double.self) { $0 > Double(threshold) }
            case .int32: return binarize(Int32.self) { Double($0) > Double(threshold) }
            case .int64: return binarize(Int64.self) { Double($0) > Double(threshold) }
            case let type: throw OperatorError("\(type) cannot be compared with a threshold")
            }
        }
    )

    private static let imputer = OperatorDeclaration(
        "Imputer",
        domain: MLInput.domain,
        versions: [1],
        inputs: 1...1,
        aliasing: .inPlace(overInputs: [0]),
        shape: { (context) throws(OperatorError) in
            try OperatorDeclaration.sameAsInput([.fp32, .int64])(&context)
        },
        kernel: { (context) throws(OperatorError) in
            let input = try context.input(0)
            let features = max(input.shape.last ?? 1, 1)
            if input.elementType == .fp32 {
                let replaced = try context.node.float("replaced_value_float", default: 0)
                let values = try perFeature(context.node, "imputed_value_floats", 0, features)
                return Kernel { (frame) throws(OperatorError) in
                    let source = frame.elements(ofInput: 0, as: Float.self)
                    var target = frame.mutableElements(ofOutput: 0, as: Float.self)
                    for index in target.indices {
                        let value = source[index]
                        let isMissing =
                            value == replaced || (replaced.isNaN && value.isNaN)
                        target[index] = isMissing ? values[index % features] : value
                    }
                }
            }
            let replaced = Int64(try context.node.int("replaced_value_int64", default: 0))
            let given = (try context.node.ints("imputed_value_int64s") ?? []).map { Int64($0) }
            guard given.count == 1 || given.count == features else {
                throw OperatorError(
                    "imputed_value_int64s has \(given.count) numbers, expected 1 or \(features)"
                )
            }
            return Kernel { (frame) throws(OperatorError) in
                let source = frame.elements(ofInput: 0, as: Int64.self)
                var target = frame.mutableElements(ofOutput: 0, as: Int64.self)
                for index in target.indices {
                    let value = source[index]
                    let imputed = given.count == 1 ? given[0] : given[index % features]
                    target[index] = value == replaced ? imputed : value
                }
            }
        }
    )

    // MARK: Picking and joining

    private static let extractor = OperatorDeclaration(
        "ArrayFeatureExtractor",
        domain: MLInput.domain,
        versions: [1],
        inputs: 2...2,
        shape: { (context) throws(OperatorError) in
            try context.requireElementType(0, in: MLInput.types)
            try context.requireElementType(1, in: [.int64])
            guard let dimensions = context.dimensions(0), let indices = context.dimensions(1) else {
                context.setOutput(elementType: context.elementType(0), dimensions: nil)
                return
            }
            guard !dimensions.isEmpty else {
                throw OperatorError("\(context.describe(0)) is a scalar, expected an array")
            }
            // A vector is taken as one row.
            let rows = dimensions.count == 1 ? [.fixed(1)] : Array(dimensions.dropLast())
            context.setOutput(
                elementType: context.elementType(0),
                dimensions: rows + [.product(of: indices)]
            )
        },
        kernel: { (context) throws(OperatorError) in
            let (input, indices) = (try context.input(0), try context.input(1))
            let features = input.shape[input.rank - 1]
            let rows = input.shape.dropLast().reduce(1, *)
            let (count, width) = (indices.elementCount, input.elementType.width)
            return Kernel { (frame) throws(OperatorError) in
                let source = unsafe frame.rawInput(0)
                let target = unsafe frame.rawOutput(0)
                for index in 0..<count {
                    let chosen = frame.integer(ofInput: 1, at: index, elementType: .int64)
                    guard chosen >= 0, chosen < features else {
                        throw OperatorError(
                            "index \(chosen) is outside the last axis, which has \(features) "
                                + "elements"
                        )
                    }
                    for row in 0..<rows {
                        // SAFETY: the index was checked, and the output has `count` elements per
                        // row.
                        unsafe (target + (row * count + index) * width).copyMemory(
                            from: source + (row * features + chosen) * width,
                            byteCount: width
                        )
                    }
                }
            }
        }
    )

    private static let vectorizer = OperatorDeclaration(
        "FeatureVectorizer",
        domain: MLInput.domain,
        versions: [1],
        inputs: 1...4096,
        shape: { (context) throws(OperatorError) in
            let sizes = try context.node.ints("inputdimensions")
            var rows = Dimension.unknown
            var total = Dimension.fixed(0)
            for index in 0..<context.inputCount {
                try context.requireElementType(index, in: MLInput.types)
                try context.requireRank(index, in: 1...2)
                guard let dimensions = context.dimensions(index) else {
                    total = .unknown
                    continue
                }
                let count = dimensions[dimensions.count - 1]
                if let sizes, index < sizes.count,
                    count.isKnownDifferent(from: .fixed(sizes[index]))
                {
                    throw OperatorError(
                        "\(context.describe(index)) has \(count) features, inputdimensions says "
                            + "\(sizes[index])"
                    )
                }
                let own = dimensions.count == 2 ? dimensions[0] : .fixed(1)
                guard !own.isKnownDifferent(from: rows) else {
                    throw OperatorError("\(context.describe(index)) has \(own) rows, not \(rows)")
                }
                if rows.fixedSize == nil { rows = own }
                total = total + count
            }
            context.setOutput(elementType: .fp32, dimensions: [rows, total])
        },
        kernel: { (context) throws(OperatorError) in
            let output = try context.output()
            let (rows, columns) = (output.shape[0], output.shape[1])
            var parts: [(index: Int, count: Int, type: ElementType)] = []
            for index in context.inputs.indices {
                let input = try context.input(index)
                parts.append((index, input.shape.last ?? 1, input.elementType))
            }
            let pieces = parts
            return Kernel { (frame) throws(OperatorError) in
                let target = unsafe frame.output(0, as: Float.self)
                var offset = 0
                for piece in pieces {
                    for row in 0..<rows {
                        // SAFETY: the pieces add up to the columns, and each input has `rows` rows.
                        guard
                            unsafe Elementwise.cast(
                                frame.rawInput(piece.index) + row * piece.count * piece.type.width,
                                of: piece.type,
                                into: UnsafeMutableRawPointer(target + row * columns + offset),
                                of: .fp32,
                                count: piece.count,
                                context: frame.context
                            )
                        else { throw OperatorError("features of \(piece.type) cannot be read") }
                    }
                    offset += piece.count
                }
            }
        }
    )

    /// A map from label to score per row, which here is the scores as they came: [rows, classes].
    private static let zipMap = OperatorDeclaration(
        "ZipMap",
        domain: MLInput.domain,
        versions: [1],
        inputs: 1...1,
        aliasing: .view(ofInput: 0),
        shape: { (context) throws(OperatorError) in
            try OperatorDeclaration.sameAsInput([.fp32])(&context)
        },
        kernel: ViewOperators.copy
    )
}
