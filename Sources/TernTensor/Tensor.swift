/// A dense, row-major tensor that owns, or shares, its memory.
///
/// Copies share the memory; nothing in this package changes a tensor after it was made.
/// `BYTES` tensors hold their elements as the wire protocol does: each preceded by its length as a
/// little-endian 32-bit number.
public struct Tensor: Sendable {
    /// The type of the elements.
    public let elementType: ElementType
    /// The size of each axis.
    public let shape: Shape
    /// The memory.
    public let storage: AlignedBuffer

    /// Wraps `storage`.
    ///
    /// - Precondition: For types with a fixed size, `storage` has exactly the bytes of `shape`.
    public init(elementType: ElementType, shape: Shape, storage: AlignedBuffer) {
        if elementType != .bytes {
            precondition(
                shape.byteCount(of: elementType) == storage.byteCount,
                "a tensor's memory must be exactly as long as its shape says"
            )
        }
        self.elementType = elementType
        self.shape = shape
        self.storage = storage
    }

    /// Copies `bytes` into a new tensor; the same precondition holds.
    public init(elementType: ElementType, shape: Shape, copying bytes: RawSpan) {
        let storage = AlignedBuffer(byteCount: bytes.byteCount)
        unsafe storage.withMutableBytes { target in
            unsafe bytes.withUnsafeBytes { unsafe target.copyMemory(from: $0) }
        }
        self.init(elementType: elementType, shape: shape, storage: storage)
    }

    /// The bytes, for reading.
    public var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            let span = storage.bytes
            // SAFETY: `self` holds `storage`, so the memory outlives the borrow.
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }
}
