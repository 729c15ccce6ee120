public import TernTensor

/// A tensor that goes with a call, under the name the model gives it.
///
/// Arrays are kept, not copied: their elements are copied once, straight into the message, when the
/// call is made. Whether the number of elements fits the shape is checked then, too, and reported
/// as `invalidArgument`.
public struct InferInput: Sendable {
    /// The name of the model's input.
    public let name: String
    /// The type of the elements.
    public let elementType: ElementType
    /// The size of each axis.
    public let shape: Shape

    internal let contents: TensorContents

    internal init(
        name: String,
        elementType: ElementType,
        shape: Shape,
        contents: TensorContents
    ) {
        self.name = name
        self.elementType = elementType
        self.shape = shape
        self.contents = contents
    }

    /// Gives the elements of an array, row-major.
    public init<Element: TensorElement>(_ name: String, shape: Shape, _ elements: [Element]) {
        self.init(
            name: name,
            elementType: Element.elementType,
            shape: shape,
            contents: .elements(elements)
        )
    }

    /// Gives a single number, as a tensor of rank 0.
    public init<Element: TensorElement>(_ name: String, scalar: Element) {
        self.init(name, shape: [], [scalar])
    }

    /// Gives strings, as a tensor of `BYTES`: one element per string, in UTF-8.
    public init(_ name: String, shape: Shape, _ strings: [String]) {
        var elements = ByteElements(byteCount: strings.reduce(0) { $0 + 4 + $1.utf8.count })
        for string in strings { elements.append(string.utf8) }
        self.init(
            name: name,
            elementType: .bytes,
            shape: shape,
            contents: .byteElements(elements)
        )
    }

    /// Gives byte strings, as a tensor of `BYTES`.
    public init(_ name: String, shape: Shape, _ byteStrings: [[UInt8]]) {
        var elements = ByteElements(byteCount: byteStrings.reduce(0) { $0 + 4 + $1.count })
        for bytes in byteStrings { elements.append(bytes) }
        self.init(
            name: name,
            elementType: .bytes,
            shape: shape,
            contents: .byteElements(elements)
        )
    }

    /// Gives the raw bytes of a dense, row-major, little-endian tensor of a type with a fixed size.
    public init(_ name: String, elementType: ElementType, shape: Shape, bytes: [UInt8]) {
        self.init(
            name: name,
            elementType: elementType,
            shape: shape,
            contents: .elements(bytes)
        )
    }

    /// Gives a tensor, whose memory is shared.
    public init(_ name: String, _ tensor: Tensor) {
        self.init(
            name: name,
            elementType: tensor.elementType,
            shape: tensor.shape,
            contents: .tensor(tensor)
        )
    }

    /// Gives the elements of a span, which are copied now, and once more into the message.
    ///
    /// To copy them only once use ``init(_:shape:of:initializingWith:)``.
    public init<Element: TensorElement>(
        _ name: String,
        shape: Shape,
        copying elements: Span<Element>
    ) {
        let copy = [Element](capacity: elements.count) { target in
            for index in elements.indices { target.append(elements[index]) }
        }
        self.init(name, shape: shape, copy)
    }

    /// Gives elements that `initializer` writes straight into the message when the call is made.
    ///
    /// - Parameters:
    ///   - name: The name of the model's input.
    ///   - shape: The size of each axis; says how many elements there is room for.
    ///   - type: The type of the elements.
    ///   - initializer: Appends exactly as many elements as the shape has, row-major. Runs on the
    ///     calling task before the call's first suspension, once for each call the input is used
    ///     in.
    public init<Element: TensorElement>(
        _ name: String,
        shape: Shape,
        of type: Element.Type,
        initializingWith initializer: @escaping @Sendable (inout OutputSpan<Element>) -> Void
    ) {
        self.init(
            name: name,
            elementType: Element.elementType,
            shape: shape,
            contents: .written(ElementWriter(initializer: initializer))
        )
    }
}
