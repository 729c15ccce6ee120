import TernTensor

extension Tensor {
    /// The elements as double-precision numbers, for comparing and printing; `nil` for types whose
    /// values a `Double` can't hold exactly (64-bit integers beyond 2^53, byte strings).
    var doubles: [Double]? {
        switch elementType {
        case .bool, .uint8: values(of: UInt8.self).map(Double.init)
        case .int8: values(of: Int8.self).map(Double.init)
        case .uint16: values(of: UInt16.self).map(Double.init)
        case .int16: values(of: Int16.self).map(Double.init)
        case .uint32: values(of: UInt32.self).map(Double.init)
        case .int32: values(of: Int32.self).map(Double.init)
        case .uint64: Self.exactly(values(of: UInt64.self))
        case .int64: Self.exactly(values(of: Int64.self))
        case .fp16: values(of: UInt16.self).map { Double(Float16(bitPattern: $0)) }
        case .bf16:
            values(of: UInt16.self).map { Double(Float(bitPattern: UInt32($0) << 16)) }
        case .fp32: values(of: Float.self).map(Double.init)
        case .fp64: values(of: Double.self)
        case .bytes: nil
        }
    }

    /// The elements of a tensor whose type has the layout of `Element`.
    func values<Element: BitwiseCopyable>(of: Element.Type) -> [Element] {
        let bytes = bytes
        let count = bytes.byteCount / MemoryLayout<Element>.stride
        return (0..<count).map { index in
            // SAFETY: the offset is within the span, and every bit pattern is valid for the
            // integer and floating-point types this is called with.
            unsafe bytes.unsafeLoadUnaligned(
                fromByteOffset: index * MemoryLayout<Element>.stride,
                as: Element.self
            )
        }
    }

    /// Whether both tensors hold the same bytes.
    func hasSameBytes(as other: Tensor) -> Bool {
        let (mine, theirs) = (bytes, other.bytes)
        guard mine.byteCount == theirs.byteCount else { return false }
        return unsafe mine.withUnsafeBytes { mine in
            unsafe theirs.withUnsafeBytes { theirs in unsafe mine.elementsEqual(theirs) }
        }
    }

    /// The elements of a `BYTES` tensor.
    var byteStrings: [[UInt8]] {
        let bytes = values(of: UInt8.self)
        var strings: [[UInt8]] = []
        var offset = 0
        while offset + 4 <= bytes.count {
            let length = (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
            let end = offset + 4 + length
            guard end <= bytes.count else { break }
            strings.append(Array(bytes[(offset + 4)..<end]))
            offset = end
        }
        return strings
    }

    private static func exactly<Integer: FixedWidthInteger>(_ values: [Integer]) -> [Double]? {
        var doubles: [Double] = []
        doubles.reserveCapacity(values.count)
        for value in values {
            guard let double = Double(exactly: value) else { return nil }
            doubles.append(double)
        }
        return doubles
    }
}
