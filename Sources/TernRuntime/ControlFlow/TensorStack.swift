import TernGraph
import TernTensor

/// Slices of one type and shape that become one tensor, with a new axis for their number.
struct TensorStack {
    private let declared: Value
    private let byteCountLimit: Int
    private var slices: [Tensor] = []
    private var byteCount = 0

    /// Starts with nothing.
    ///
    /// - Parameters:
    ///   - declared: What is said of a slice, for a stack that stays empty.
    ///   - byteCountLimit: How many bytes the slices may have together.
    init(declared: Value, byteCountLimit: Int) {
        self.declared = declared
        self.byteCountLimit = byteCountLimit
    }

    /// How many axes a slice has.
    var sliceRank: Int { slices.first?.shape.rank ?? declared.dimensions?.count ?? 0 }

    /// Adds a slice.
    mutating func append(_ slice: Tensor) throws(OperatorError) {
        if let first = slices.first,
            first.shape != slice.shape || first.elementType != slice.elementType
        {
            throw OperatorError(
                "a slice is \(slice.elementType)\(slice.shape), those before were "
                    + "\(first.elementType)\(first.shape)"
            )
        }
        guard slice.elementType != .bytes else {
            throw OperatorError("slices of strings are not supported here")
        }
        byteCount += slice.storage.byteCount
        guard byteCount <= byteCountLimit else {
            throw OperatorError(
                "the slices have more than \(byteCountLimit) bytes, which is the limit"
            )
        }
        slices.append(slice)
    }

    /// The slices one after the other along a new axis.
    ///
    /// - Parameters:
    ///   - axis: Where the new axis goes.
    ///   - isReversed: Whether the last slice comes first.
    /// - Returns: The tensor.
    /// - Throws: ``OperatorError`` if nothing tells the type, or there are too many axes.
    func tensor(axis: Int = 0, isReversed: Bool = false) throws(OperatorError) -> Tensor {
        guard let type = slices.first?.elementType ?? declared.elementType else {
            throw OperatorError("the type of a stack without slices cannot be told")
        }
        let inner =
            slices.first.map { Array($0.shape) }
            ?? (declared.dimensions ?? []).map { $0.fixedSize ?? 0 }
        guard axis >= 0, axis <= inner.count else {
            throw OperatorError(
                "slices of \(inner.count) axes cannot be stacked along axis \(axis)"
            )
        }
        var sizes = inner
        sizes.insert(slices.count, at: axis)
        guard let shape = Shape(validating: sizes), let byteCount = shape.byteCount(of: type) else {
            throw OperatorError("a stack of \(sizes.count) axes is not possible")
        }
        let outer = inner.prefix(axis).reduce(1, *)
        let block = outer > 0 ? byteCount / max(outer * slices.count, 1) : 0
        let storage = AlignedBuffer(byteCount: byteCount)
        for (position, slice) in (isReversed ? slices.reversed() : slices).enumerated() {
            for index in 0..<outer {
                // SAFETY: `outer` blocks of each slice fill the tensor.
                unsafe (storage.baseAddress + (index * slices.count + position) * block)
                    .copyMemory(
                        from: slice.storage.baseAddress + index * block,
                        byteCount: block
                    )
            }
        }
        return Tensor(elementType: type, shape: shape, storage: storage)
    }
}
