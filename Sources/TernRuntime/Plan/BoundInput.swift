import TernTensor

/// What a caller gave for one input.
@safe struct BoundInput {
    let elementType: ElementType
    private(set) var shape = Shape()
    private(set) var isBound = false
    /// Keeps the bytes alive, where the caller handed over their owner.
    var owner: AlignedBuffer?

    @unsafe private(set) var bytes = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    /// A copy of the last input that lay across element boundaries; grows to the largest seen.
    private var aligned: AlignedBuffer?

    init(elementType: ElementType) { self.elementType = elementType }

    mutating func unbind() {
        isBound = false
        owner = nil
    }

    /// Remembers where the bytes are, or copies them if elements could not be read in place.
    @unsafe mutating func bind(_ bytes: UnsafeRawBufferPointer, shape: Shape) {
        self.shape = shape
        isBound = true
        let alignment = elementType.byteCount ?? 1
        let address = unsafe bytes.baseAddress.map { Int(bitPattern: $0) } ?? 0
        if unsafe address % alignment == 0 || bytes.isEmpty {
            unsafe self.bytes = bytes
            return
        }
        let buffer: AlignedBuffer
        if let aligned, aligned.byteCount >= bytes.count {
            buffer = aligned
        } else {
            buffer = AlignedBuffer(byteCount: bytes.count)
            aligned = buffer
        }
        // SAFETY: the buffer has at least as many bytes, and belongs to this input alone.
        unsafe buffer.baseAddress.copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
        unsafe self.bytes = UnsafeRawBufferPointer(start: buffer.baseAddress, count: bytes.count)
    }
}
