internal import TernTensor

/// Where an input's bytes come from when the message is written.
internal enum TensorContents: Sendable {
    /// The memory of an array, whatever its elements.
    case elements(any DenseElements)
    /// Elements of `BYTES` in the form of the wire.
    case byteElements(ByteElements)
    /// The memory of a tensor.
    case tensor(Tensor)
    /// Whatever a closure writes.
    case written(any ContentsWriter)
}

/// An array of elements that are nothing but their bytes.
internal protocol DenseElements: Sendable {
    /// How many bytes the elements take.
    var denseByteCount: Int { get }

    /// Copies the elements' bytes to the start of `target`, which has room for them.
    func copyBytes(into target: UnsafeMutableRawBufferPointer)
}

extension Array: DenseElements where Element: TensorElement {
    internal var denseByteCount: Int { count * MemoryLayout<Element>.stride }

    internal func copyBytes(into target: UnsafeMutableRawBufferPointer) {
        unsafe withUnsafeBytes { unsafe target.copyMemory(from: $0) }
    }
}

/// Elements of `BYTES`, each preceded by its length as a little-endian 32-bit number.
internal struct ByteElements: Sendable {
    internal private(set) var bytes: [UInt8] = []
    internal private(set) var count = 0

    internal init(byteCount: Int) { bytes.reserveCapacity(byteCount) }

    internal mutating func append(_ element: some Collection<UInt8>) {
        let byteCount = UInt32(truncatingIfNeeded: element.count)
        for shift in stride(from: 0, to: 32, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: byteCount >> UInt32(shift)))
        }
        bytes.append(contentsOf: element)
        count += 1
    }
}

/// Writes an input's bytes straight into a message.
internal protocol ContentsWriter: Sendable {
    /// Fills `target`, which is as long as the tensor, and returns how many bytes it filled.
    func write(into target: UnsafeMutableRawBufferPointer) -> Int
}

/// Lets a closure append elements to a message.
internal struct ElementWriter<Element: TensorElement>: ContentsWriter {
    internal let initializer: @Sendable (inout OutputSpan<Element>) -> Void

    internal func write(into target: UnsafeMutableRawBufferPointer) -> Int {
        // SAFETY: a payload starts at a multiple of 64 bytes and is as long as its elements; the
        // elements are trivial, so the memory may be looked at as theirs and left as it is.
        let elements = unsafe target.bindMemory(to: Element.self)
        var span = unsafe OutputSpan(buffer: elements, initializedCount: 0)
        initializer(&span)
        return unsafe span.finalize(for: elements) * MemoryLayout<Element>.stride
    }
}

extension TensorContents {
    /// How many bytes the contents take, or say that they will, as a tensor of `shape`.
    internal func byteCount(of elementType: ElementType, shape: Shape) -> Int? {
        switch self {
        case .elements(let elements): elements.denseByteCount
        case .byteElements(let elements): elements.bytes.count
        case .tensor(let tensor): tensor.bytes.byteCount
        case .written: shape.byteCount(of: elementType)
        }
    }

    /// Copies the contents into a message.
    ///
    /// - Parameter target: As long as the contents.
    /// - Returns: How many bytes were written: fewer than there is room for if a closure stopped
    ///   early.
    internal func write(into target: UnsafeMutableRawBufferPointer) -> Int {
        switch self {
        case .elements(let elements):
            unsafe elements.copyBytes(into: target)
            return elements.denseByteCount
        case .byteElements(let elements):
            unsafe elements.bytes.copyBytes(into: target)
            return elements.bytes.count
        case .tensor(let tensor):
            unsafe tensor.bytes.withUnsafeBytes { unsafe target.copyMemory(from: $0) }
            return tensor.bytes.byteCount
        case .written(let writer):
            return unsafe writer.write(into: target)
        }
    }
}
