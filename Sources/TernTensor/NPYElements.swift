/// Turns the bytes after a `.npy` header into a tensor's elements.
struct NPYElements {
    private enum Kind {
        case number(ElementType)
        case byteStrings
        case text
    }

    private let shape: Shape
    private let isFortranOrder: Bool
    private let isBigEndian: Bool
    private let kind: Kind
    /// The bytes of one element in the file.
    private let width: Int

    /// The letter, width and type of every number type that NumPy and Tern both have.
    private static let numbers: [(code: String, type: ElementType)] = [
        ("b1", .bool), ("u1", .uint8), ("u2", .uint16), ("u4", .uint32), ("u8", .uint64),
        ("i1", .int8), ("i2", .int16), ("i4", .int32), ("i8", .int64), ("f2", .fp16),
        ("f4", .fp32), ("f8", .fp64), ("V2", .bf16),
    ]

    /// How NumPy writes a number type.
    static func descriptor(of type: ElementType) -> String {
        guard let entry = numbers.first(where: { $0.type == type }) else {
            preconditionFailure("byte strings have no descriptor of their own")
        }
        let hasByteOrder = type.byteCount != 1
        return (hasByteOrder ? "<" : "|") + entry.code
    }

    init(_ header: NPYHeader) throws(NPYError) {
        shape = header.shape
        isFortranOrder = header.isFortranOrder
        guard let order = header.descriptor.first, "<>|=".contains(order) else {
            throw NPYError("the type '\(header.descriptor)' does not start with <, >, = or |")
        }
        isBigEndian = order == ">"
        let code = header.descriptor.dropFirst()
        if let entry = Self.numbers.first(where: { $0.code == code }) {
            kind = .number(entry.type)
            width = entry.type.byteCount ?? 0
            return
        }
        guard let letter = code.first, letter == "S" || letter == "U",
            let count = Int(code.dropFirst()), (0...(1 << 24)).contains(count)
        else { throw NPYError("elements of type '\(header.descriptor)' are not supported") }
        kind = letter == "S" ? .byteStrings : .text
        width = letter == "S" ? count : 4 * count
    }

    /// Reads the elements.
    func tensor(from payload: ArraySlice<UInt8>) throws(NPYError) -> Tensor {
        guard let count = shape.checkedElementCount else {
            throw NPYError("the number of elements of \(shape) does not fit 63 bits")
        }
        let (byteCount, overflow) = count.multipliedReportingOverflow(by: width)
        guard !overflow, payload.count == byteCount else {
            throw NPYError(
                "\(shape) of \(width)-byte elements takes \(overflow ? "too many" : "\(byteCount)") "
                    + "bytes, \(payload.count) are there"
            )
        }
        // A zero-width string takes no bytes, so the file's length says nothing about the count.
        guard width > 0 || count <= 1 << 24 else {
            throw NPYError("\(count) empty strings are too many")
        }
        let elements = inRowMajorOrder(payload, count: count)
        switch kind {
        case .number(.bool):
            let values = elements.map { $0 == 0 ? UInt8(0) : 1 }
            return Tensor(elementType: .bool, shape: shape, values: values)
        case .number(let type):
            let ordered = isBigEndian ? Self.reversed(elements, width: width) : elements
            return Tensor(elementType: type, shape: shape, copyingBytes: ordered)
        case .byteStrings:
            let strings = (0..<count).map { index in
                Self.trimmed(elements[(index * width)..<((index + 1) * width)])
            }
            return Tensor(shape: shape, byteStrings: strings)
        case .text:
            let ordered = isBigEndian ? Self.reversed(elements, width: 4) : elements
            var strings: [[UInt8]] = []
            strings.reserveCapacity(count)
            for index in 0..<count {
                strings.append(try Self.utf8(ordered[(index * width)..<((index + 1) * width)]))
            }
            return Tensor(shape: shape, byteStrings: strings)
        }
    }

    /// The elements with the last axis changing fastest.
    private func inRowMajorOrder(_ payload: ArraySlice<UInt8>, count: Int) -> [UInt8] {
        guard isFortranOrder, shape.rank > 1, width > 0, count > 0 else { return Array(payload) }
        var strides = Array(repeating: 0, count: shape.rank)
        var stride = width
        for axis in shape.indices {
            strides[axis] = stride
            stride *= shape[axis]
        }
        var result: [UInt8] = []
        result.reserveCapacity(payload.count)
        var position = Array(repeating: 0, count: shape.rank)
        for _ in 0..<count {
            let offset = zip(position, strides).reduce(payload.startIndex) { $0 + $1.0 * $1.1 }
            result += payload[offset..<(offset + width)]
            for axis in position.indices.reversed() {
                position[axis] += 1
                if position[axis] < shape[axis] { break }
                position[axis] = 0
            }
        }
        return result
    }

    private static func reversed(_ bytes: [UInt8], width: Int) -> [UInt8] {
        var result = bytes
        for start in stride(from: 0, to: bytes.count, by: max(1, width)) {
            result[start..<(start + width)].reverse()
        }
        return result
    }

    /// A byte string without the zeros that pad it.
    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        guard let last = bytes.lastIndex(where: { $0 != 0 }) else { return [] }
        return Array(bytes[bytes.startIndex...last])
    }

    /// Little-endian code points, padded with zeros, as UTF-8.
    private static func utf8(_ bytes: ArraySlice<UInt8>) throws(NPYError) -> [UInt8] {
        var text = String.UnicodeScalarView()
        for start in stride(from: bytes.startIndex, to: bytes.endIndex, by: 4) {
            let code = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << (8 * $1) }
            guard let scalar = Unicode.Scalar(code) else {
                throw NPYError("the text holds \(code), which is not a character")
            }
            text.append(scalar)
        }
        while text.last == "\0" { text.removeLast() }
        return Array(String(text).utf8)
    }
}
