package import TernTensor

/// What is known of a value: its type, its shape, and perhaps what is in it.
package struct ValueFact: Sendable {
    /// Elements that are known before the model runs.
    package enum Content: Sendable {
        /// All of them.
        case tensor(Tensor)
        /// A scalar or vector of whole numbers, each known, known by name, or unknown. A fixed
        /// number may be negative here.
        case integers([Dimension])
    }

    /// The type of the elements; `nil` if it is not known.
    package var elementType: ElementType?
    /// The axes; `nil` if not even their number is known.
    package var dimensions: [Dimension]?
    /// What is in it; `nil` if nothing is known.
    package var content: Content?

    /// States what is known.
    package init(
        elementType: ElementType? = nil,
        dimensions: [Dimension]? = nil,
        content: Content? = nil
    ) {
        self.elementType = elementType
        self.dimensions = dimensions
        self.content = content
    }

    /// States a constant.
    package init(_ tensor: Tensor) {
        elementType = tensor.elementType
        dimensions = tensor.shape.map { .fixed($0) }
        content = .tensor(tensor)
    }

    /// The shape if every axis is known, and the rank is not above ``Shape/maximumRank``.
    package var shape: Shape? {
        guard let dimensions else { return nil }
        let sizes = dimensions.compactMap(\.fixedSize)
        return sizes.count == dimensions.count ? Shape(validating: sizes) : nil
    }

    /// The elements of a scalar or vector of whole numbers, as far as they are known.
    package var integers: [Dimension]? {
        switch content {
        case .integers(let elements): elements
        case .tensor(let tensor):
            tensor.shape.rank <= 1 ? tensor.integerElements?.map { .fixed($0) } : nil
        case nil: nil
        }
    }

    /// The whole value, if every element is known.
    package var constant: Tensor? {
        switch content {
        case .tensor(let tensor): return tensor
        case .integers(let elements):
            let sizes = elements.compactMap(\.fixedSize)
            guard let shape, sizes.count == elements.count, shape.elementCount == sizes.count else {
                return nil
            }
            return switch elementType {
            case .int64:
                Tensor(elementType: .int64, shape: shape, values: sizes.map { Int64($0) })
            case .int32 where sizes.allSatisfy { Int32(exactly: $0) != nil }:
                Tensor(elementType: .int32, shape: shape, values: sizes.map { Int32($0) })
            case .bool where sizes.allSatisfy { $0 == 0 || $0 == 1 }:
                Tensor(elementType: .bool, shape: shape, values: sizes.map { UInt8($0) })
            default: nil
            }
        case nil: return nil
        }
    }
}

extension ValueFact: CustomStringConvertible {
    /// Such as `FP32[batch, 10]`.
    package var description: String {
        let type = elementType.map(\.name) ?? "?"
        let axes = dimensions.map { "[" + $0.map(\.description).joined(separator: ", ") + "]" }
        return type + (axes ?? "[...]")
    }
}
