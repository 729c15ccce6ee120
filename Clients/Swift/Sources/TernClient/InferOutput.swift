public import TernTensor
internal import TernTransport

/// One tensor of a reply.
public struct InferOutput: Sendable {
    /// The name that the model gives it.
    public let name: String
    /// The type of the elements.
    public let elementType: ElementType
    /// The size of each axis.
    public let shape: Shape

    internal let frame: ReplyFrame
    internal let byteRange: Range<Int>

    internal init(
        name: String,
        elementType: ElementType,
        shape: Shape,
        frame: ReplyFrame,
        byteRange: Range<Int>
    ) {
        self.name = name
        self.elementType = elementType
        self.shape = shape
        self.frame = frame
        self.byteRange = byteRange
    }

    /// The bytes of the elements as they arrived: dense, row-major, little-endian.
    ///
    /// `BYTES` elements are each preceded by their length as a 32-bit number.
    public var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            let span = frame.bytes.extracting(byteRange)
            // SAFETY: `self` holds `frame`, whose memory the span refers to.
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The elements, copied.
    ///
    /// - Parameter type: The Swift type of the elements; must be the tensor's own, since nothing is
    ///   converted.
    /// - Returns: As many elements as the shape has, row-major.
    /// - Throws: ``TernError/Code/invalidArgument`` if the tensor has elements of another type.
    public func array<Element: TensorElement>(
        of type: Element.Type = Element.self
    ) throws(TernError) -> [Element] {
        guard elementType == Element.elementType else {
            throw mismatch(wanted: Element.elementType.name)
        }
        let source = bytes
        let count = source.byteCount / MemoryLayout<Element>.stride
        if Element.self == Bool.self, let booleans = Self.booleans(in: source) as? [Element] {
            return booleans
        }
        return unsafe [Element](unsafeUninitializedCapacity: count) { target, initializedCount in
            // SAFETY: the target has room for `count` elements, and every bit pattern is a valid
            // value of the element types other than `Bool`, which does not come here.
            unsafe source.withUnsafeBytes {
                unsafe UnsafeMutableRawBufferPointer(target).copyMemory(from: $0)
            }
            initializedCount = count
        }
    }

    /// The elements of a tensor of `BYTES`.
    ///
    /// - Returns: As many elements as the shape has, row-major.
    /// - Throws: ``TernError/Code/invalidArgument`` if the tensor has elements of another type.
    public func byteStrings() throws(TernError) -> [[UInt8]] {
        var elements: [[UInt8]] = []
        try forEachByteString { element in
            elements.append(unsafe element.withUnsafeBytes { unsafe [UInt8]($0) })
        }
        return elements
    }

    /// The elements of a tensor of `BYTES`, as text.
    ///
    /// - Returns: As many strings as the shape has elements, row-major.
    /// - Throws: ``TernError/Code/invalidArgument`` if the tensor has elements of another type,
    ///   ``TernError/Code/dataLoss`` if one isn't UTF-8.
    public func strings() throws(TernError) -> [String] {
        var elements: [String] = []
        var invalid: Int?
        try forEachByteString { element in
            let text = unsafe element.withUnsafeBytes {
                unsafe String(validating: $0, as: UTF8.self)
            }
            if text == nil && invalid == nil { invalid = elements.count }
            elements.append(text ?? "")
        }
        if let invalid {
            throw TernError(
                .dataLoss,
                "element \(invalid) of output \"\(name)\" isn't UTF-8; read it as a byte string"
            )
        }
        return elements
    }

    /// A tensor with a copy of the bytes, which doesn't hold the reply's memory.
    public var tensor: Tensor { Tensor(elementType: elementType, shape: shape, copying: bytes) }

    private func mismatch(wanted: String) -> TernError {
        TernError(
            .invalidArgument,
            "output \"\(name)\" has elements of type \(elementType), not \(wanted)"
        )
    }

    private static func booleans(in bytes: RawSpan) -> [Bool] {
        unsafe bytes.withUnsafeBytes { unsafe $0.map { $0 != 0 } }
    }

    private func forEachByteString(_ body: (RawSpan) -> Void) throws(TernError) {
        guard elementType == .bytes else { throw mismatch(wanted: ElementType.bytes.name) }
        var rest = bytes
        while rest.byteCount >= 4 {
            // SAFETY: at least four bytes are left, and every bit pattern is a valid UInt32.
            let announced = unsafe rest.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt32.self)
            let byteCount = Int(UInt32(littleEndian: announced))
            guard byteCount <= rest.byteCount - 4 else { return }
            body(rest.extracting(4..<4 + byteCount))
            rest = rest.extracting(droppingFirst: 4 + byteCount)
        }
    }
}
