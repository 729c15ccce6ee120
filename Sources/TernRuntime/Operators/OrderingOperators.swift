import TernGraph
import TernKernels
import TernTensor

/// Operators whose result depends on an order along an axis.
enum OrderingOperators {
    static let all = [
        topK, nonZero, cumulative("CumSum", [11, 14], isProduct: false),
        cumulative("CumProd", [26], isProduct: true),
    ]

    // MARK: TopK

    private static func count(_ context: NodeContext) throws(OperatorError) -> Int {
        context.version < 10 ? try context.node.int("k") : try context.integers(1)?.first ?? 0
    }

    private static let topK = OperatorDeclaration(
        "TopK",
        versions: [1, 10, 11, 24],
        inputs: 1...2,
        outputs: 1...2,
        parameterInputs: [1],
        shape: { (context) throws(OperatorError) in
            try context.requireElementType(0, in: [.fp32, .fp64, .int32, .int64, .int8, .uint8])
            let type = context.elementType(0)
            guard var dimensions = context.dimensions(0) else {
                context.setOutput(0, elementType: type, dimensions: nil)
                context.setOutput(1, elementType: .int64, dimensions: nil)
                return
            }
            let axis = try context.normalizedAxis(
                try context.node.int("axis", default: -1),
                rank: dimensions.count
            )
            let wanted =
                context.version < 10
                ? Dimension.fixed(try context.node.int("k")) : context.integers(1)?.first
            if let k = wanted?.fixedSize {
                guard k >= 0, k <= dimensions[axis].fixedSize ?? .max else {
                    throw OperatorError(
                        "\(k) elements are wanted of axis \(axis), which has \(dimensions[axis])"
                    )
                }
            }
            dimensions[axis] = wanted ?? .unknown
            context.setOutput(0, elementType: type, dimensions: dimensions)
            context.setOutput(1, elementType: .int64, dimensions: dimensions)
        },
        kernel: { (context) throws(OperatorError) in
            switch try context.input(0).elementType {
            case .fp32: return try topKernel(context, Float.self) { $0.isNaN ? .infinity : $0 }
            case .fp64: return try topKernel(context, Double.self) { $0.isNaN ? .infinity : $0 }
            case .int32: return try topKernel(context, Int32.self) { $0 }
            case .int64: return try topKernel(context, Int64.self) { $0 }
            case .int8: return try topKernel(context, Int8.self) { $0 }
            case .uint8: return try topKernel(context, UInt8.self) { $0 }
            case let type: throw OperatorError("\(type) has no order here")
            }
        }
    )

    /// The k first of an axis in order: equal elements by position, NaN as the largest.
    private static func topKernel<Element: Comparable & BitwiseCopyable & Sendable>(
        _ context: NodeContext,
        _ type: Element.Type,
        _ key: @escaping @Sendable (Element) -> Element
    ) throws(OperatorError) -> Kernel {
        let input = try context.input(0)
        let axis = try ShapeInferenceContext.normalizedAxis(
            try context.node.int("axis", default: -1),
            rank: input.rank
        )
        let isLargest = try context.node.int("largest", default: 1) != 0
        let wanted = try count(context)
        let (outer, length, inner) = (
            input.outerCount(axis), input.shape[axis], input.innerCount(axis)
        )
        let (hasValues, hasIndices) = (context.hasOutput(0), context.hasOutput(1))
        return Kernel(scratchByteCount: max(length, 1) * MemoryLayout<Int>.stride) {
            (frame) throws(OperatorError) in
            let source = frame.elements(ofInput: 0, as: Element.self)
            let order = unsafe UnsafeMutableBufferPointer(
                start: frame.scratch.baseAddress?.assumingMemoryBound(to: Int.self),
                count: length
            )
            for block in 0..<outer {
                for column in 0..<inner {
                    let start = block * length * inner + column
                    // SAFETY: the scratch memory has an index for each element of the axis.
                    for index in 0..<length { unsafe order[index] = index }
                    unsafe sort(order) { left, right in
                        let a = key(source[start + left * inner])
                        let b = key(source[start + right * inner])
                        if a == b { return left < right }
                        return isLargest ? a > b : a < b
                    }
                    for rank in 0..<wanted {
                        let index = unsafe order[rank]
                        let place = (block * wanted + rank) * inner + column
                        if hasValues {
                            var values = frame.mutableElements(ofOutput: 0, as: Element.self)
                            values[place] = source[start + index * inner]
                        }
                        if hasIndices {
                            var indices = frame.mutableElements(ofOutput: 1, as: Int64.self)
                            indices[place] = Int64(index)
                        }
                    }
                }
            }
        }
    }

    /// Heapsort: in place, where the library's sort takes memory.
    ///
    /// - Parameters:
    ///   - indices: What is sorted.
    ///   - isBefore: A total order.
    @unsafe private static func sort(
        _ indices: UnsafeMutableBufferPointer<Int>,
        by isBefore: (Int, Int) -> Bool
    ) {
        func sink(_ start: Int, _ end: Int) {
            var root = start
            while 2 * root + 1 < end {
                var child = 2 * root + 1
                // SAFETY: children are below `end`, which is at most the count.
                if child + 1 < end, unsafe isBefore(indices[child], indices[child + 1]) {
                    child += 1
                }
                guard unsafe isBefore(indices[root], indices[child]) else { return }
                unsafe indices.swapAt(root, child)
                root = child
            }
        }
        var end = indices.count
        for start in (0..<(end / 2)).reversed() { sink(start, end) }
        while end > 1 {
            end -= 1
            unsafe indices.swapAt(0, end)
            sink(0, end)
        }
    }

    // MARK: NonZero

    /// How many there are depends on the data: the node is made ready when the data is there.
    private static let nonZero = OperatorDeclaration(
        "NonZero",
        versions: [9, 13],
        inputs: 1...1,
        parameterInputs: [0],
        shape: { (context) throws(OperatorError) in
            try context.requireElementType(0, in: ElementType.fixedSize)
            guard let data = context.constant(0) else {
                context.setOutput(
                    elementType: .int64,
                    dimensions: [
                        context.dimensions(0).map { .fixed($0.count) } ?? .unknown, .unknown,
                    ]
                )
                return
            }
            context.setOutput(
                elementType: .int64,
                dimensions: [.fixed(data.shape.rank), .fixed(nonZeroPositions(data).count)]
            )
        },
        kernel: { (context) throws(OperatorError) in
            guard let data = context.inputs[0]?.constant else {
                throw OperatorError("input 0 must be known")
            }
            let positions = nonZeroPositions(data)
            let (shape, strides) = (data.shape, data.shape.strides)
            return Kernel { (frame) throws(OperatorError) in
                var target = frame.mutableElements(ofOutput: 0, as: Int64.self)
                for (index, position) in positions.enumerated() {
                    for axis in shape.indices {
                        target[axis * positions.count + index] = Int64(
                            position / strides[axis] % shape[axis]
                        )
                    }
                }
            }
        }
    )

    /// The positions of all elements that are not zero; a floating-point -0 is zero.
    private static func nonZeroPositions(_ tensor: Tensor) -> [Int] {
        let width = tensor.elementType.width
        let isFloat = ElementType.floats.contains(tensor.elementType)
        return unsafe tensor.bytes.withUnsafeBytes { bytes in
            (0..<tensor.shape.elementCount).filter { element in
                (0..<width).contains { byte in
                    // SAFETY: the tensor has this many elements of this width.
                    let value = unsafe bytes[element * width + byte]
                    let isSign = isFloat && byte == width - 1
                    return (isSign ? value & 0x7F : value) != 0
                }
            }
        }
    }

    // MARK: Running sums

    private static func cumulative(
        _ name: String,
        _ versions: [Int],
        isProduct: Bool
    ) -> OperatorDeclaration {
        OperatorDeclaration(
            name,
            versions: versions,
            inputs: 2...2,
            parameterInputs: [1],
            shape: { (context) throws(OperatorError) in
                try OperatorDeclaration.sameAsInput([.fp32, .fp64, .int32, .int64])(&context)
            },
            kernel: { (context) throws(OperatorError) in
                switch try context.input(0).elementType {
                case .fp32:
                    return try running(context, Float(isProduct ? 1 : 0)) {
                        isProduct ? $0 * $1 : $0 + $1
                    }
                case .fp64:
                    return try running(context, Double(isProduct ? 1 : 0)) {
                        isProduct ? $0 * $1 : $0 + $1
                    }
                case .int32:
                    return try running(context, Int32(isProduct ? 1 : 0)) {
                        isProduct ? $0 &* $1 : $0 &+ $1
                    }
                case .int64:
                    return try running(context, Int64(isProduct ? 1 : 0)) {
                        isProduct ? $0 &* $1 : $0 &+ $1
                    }
                case let type: throw OperatorError("\(type) cannot be summed up")
                }
            }
        )
    }

    private static func running<Element: BitwiseCopyable & Sendable>(
        _ context: NodeContext,
        _ start: Element,
        _ combine: @escaping @Sendable (Element, Element) -> Element
    ) throws(OperatorError) -> Kernel {
        let input = try context.input(0)
        guard let given = try context.integers(1)?.first else {
            throw OperatorError("input 1 is empty, expected an axis")
        }
        let axis = try ShapeInferenceContext.normalizedAxis(given, rank: input.rank)
        let isExclusive = try context.node.int("exclusive", default: 0) != 0
        let isReverse = try context.node.int("reverse", default: 0) != 0
        let (outer, length, inner) = (
            input.outerCount(axis), input.shape[axis], input.innerCount(axis)
        )
        return Kernel { (frame) throws(OperatorError) in
            let source = frame.elements(ofInput: 0, as: Element.self)
            var target = frame.mutableElements(ofOutput: 0, as: Element.self)
            for block in 0..<outer {
                for column in 0..<inner {
                    var total = start
                    for step in 0..<length {
                        let index = isReverse ? length - 1 - step : step
                        let place = (block * length + index) * inner + column
                        let next = combine(total, source[place])
                        target[place] = isExclusive ? total : next
                        total = next
                    }
                }
            }
        }
    }
}
