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
            try context.requireElementType(0, in: ElementType.numbers)
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
        kernel: HalfPrecision.widening { (context) throws(OperatorError) in
            try TopChoice(context, count: count(context)).kernel(
                of: context.input(0).elementType
            )
        }
    )

    /// Heapsort: in place, where the library's sort takes memory.
    ///
    /// - Parameters:
    ///   - indices: What is sorted.
    ///   - isBefore: A total order.
    @unsafe fileprivate static func sort(
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
            shape: OperatorDeclaration.sameAsInput(),
            kernel: HalfPrecision.widening { (context) throws(OperatorError) in
                try RunningTotal(context, isProduct: isProduct).kernel(
                    of: context.input(0).elementType
                )
            }
        )
    }
}

/// The k first of an axis in order: equal elements by position, NaN as the largest.
private struct TopChoice: PlainKernel {
    private let wanted: Int
    private let isLargest: Bool
    private let outer: Int
    private let length: Int
    private let inner: Int
    private let hasValues: Bool
    private let hasIndices: Bool

    init(_ context: NodeContext, count: Int) throws(OperatorError) {
        let input = try context.input(0)
        let axis = try ShapeInferenceContext.normalizedAxis(
            try context.node.int("axis", default: -1),
            rank: input.rank
        )
        isLargest = try context.node.int("largest", default: 1) != 0
        wanted = count
        (outer, length, inner) = (
            input.outerCount(axis), input.shape[axis], input.innerCount(axis)
        )
        (hasValues, hasIndices) = (context.hasOutput(0), context.hasOutput(1))
    }

    /// Whether a comes before b going upwards.
    private static func isLess<Element: ArithmeticElement>(_ a: Element, _ b: Element) -> Bool {
        // A NaN is not equal to itself.
        a < b || (b != b && a == a)
    }

    func kernel<Element: ArithmeticElement>(
        _ type: Element.Type
    ) throws(OperatorError) -> Kernel {
        let choice = self
        var layout = ScratchLayout()
        let offset = try layout.reserve(length, of: Int.self)
        return Kernel(scratchByteCount: layout.byteCount) { (frame) throws(OperatorError) in
            let source = frame.elements(ofInput: 0, as: type)
            guard let scratch = unsafe frame.scratch.baseAddress else { return }
            let (length, inner, wanted) = (choice.length, choice.inner, choice.wanted)
            // SAFETY: the scratch memory has an index for each element of the axis.
            let order = unsafe UnsafeMutableBufferPointer(
                start: (scratch + offset).assumingMemoryBound(to: Int.self),
                count: length
            )
            for block in 0..<choice.outer {
                for column in 0..<inner {
                    let start = block * length * inner + column
                    for index in 0..<length { unsafe order[index] = index }
                    unsafe OrderingOperators.sort(order) { left, right in
                        let a = source[start + left * inner]
                        let b = source[start + right * inner]
                        if Self.isLess(a, b) { return !choice.isLargest }
                        if Self.isLess(b, a) { return choice.isLargest }
                        return left < right
                    }
                    for rank in 0..<wanted {
                        let index = unsafe order[rank]
                        let place = (block * wanted + rank) * inner + column
                        if choice.hasValues {
                            var values = frame.mutableElements(ofOutput: 0, as: type)
                            values[place] = source[start + index * inner]
                        }
                        if choice.hasIndices {
                            var indices = frame.mutableElements(ofOutput: 1, as: Int64.self)
                            indices[place] = Int64(index)
                        }
                    }
                }
            }
        }
    }
}

/// Sums or products of all elements up to each one.
private struct RunningTotal: PlainKernel {
    private let isProduct: Bool
    private let isExclusive: Bool
    private let isReverse: Bool
    private let outer: Int
    private let length: Int
    private let inner: Int

    init(_ context: NodeContext, isProduct: Bool) throws(OperatorError) {
        let input = try context.input(0)
        guard let given = try context.integers(1)?.first else {
            throw OperatorError("input 1 is empty, expected an axis")
        }
        let axis = try ShapeInferenceContext.normalizedAxis(given, rank: input.rank)
        self.isProduct = isProduct
        isExclusive = try context.node.int("exclusive", default: 0) != 0
        isReverse = try context.node.int("reverse", default: 0) != 0
        (outer, length, inner) = (
            input.outerCount(axis), input.shape[axis], input.innerCount(axis)
        )
    }

    func kernel<Element: ArithmeticElement>(
        _ type: Element.Type
    ) throws(OperatorError) -> Kernel {
        let sums = self
        return Kernel { (frame) throws(OperatorError) in
            let source = frame.elements(ofInput: 0, as: type)
            var target = frame.mutableElements(ofOutput: 0, as: type)
            for block in 0..<sums.outer {
                for column in 0..<sums.inner {
                    var total = sums.isProduct ? Element.one : Element.zero
                    for step in 0..<sums.length {
                        let index = sums.isReverse ? sums.length - 1 - step : step
                        let place = (block * sums.length + index) * sums.inner + column
                        let next =
                            sums.isProduct
                            ? Element.product(total, source[place])
                            : Element.sum(total, source[place])
                        target[place] = sums.isExclusive ? total : next
                        total = next
                    }
                }
            }
        }
    }
}
