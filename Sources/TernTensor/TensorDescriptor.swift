/// The size of one axis as a model declares it.
public enum Dimension: Sendable, Hashable {
    /// Always this size.
    case fixed(Int)
    /// Any size; the same name means the same size throughout one call.
    case symbolic(String)
    /// Any size.
    case unknown

    /// The size if it is fixed.
    public var fixedSize: Int? { if case .fixed(let size) = self { size } else { nil } }
}

extension Dimension: CustomStringConvertible {
    /// The size, the name, or `?`.
    public var description: String {
        switch self {
        case .fixed(let size): String(size)
        case .symbolic(let name): name
        case .unknown: "?"
        }
    }
}

/// What a model says about one of its inputs or outputs.
public struct TensorDescriptor: Sendable, Hashable {
    /// The name callers use.
    public var name: String
    /// The type of the elements.
    public var elementType: ElementType
    /// The axes, outermost first; `nil` if the model doesn't say how many there are.
    public var dimensions: [Dimension]?

    /// Describes a tensor.
    public init(name: String, elementType: ElementType, dimensions: [Dimension]?) {
        self.name = name
        self.elementType = elementType
        self.dimensions = dimensions
    }
}

extension TensorDescriptor: CustomStringConvertible {
    /// Such as `pixels: FP32[batch, 1, 8, 8]`.
    public var description: String {
        let axes = dimensions.map { "[" + $0.map(\.description).joined(separator: ", ") + "]" }
        return "\(name): \(elementType)\(axes ?? "[...]")"
    }
}
