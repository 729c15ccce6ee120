import TernTensor

extension Tensor {
    /// The elements as double-precision numbers, for comparing and printing; `nil` for types whose
    /// values a `Double` can't hold exactly (64-bit integers beyond 2^53, byte strings).
    var doubles: [Double]? {
        switch elementType {
        case .bool, .uint8: elements(as: UInt8.self).map(Double.init)
        case .int8: elements(as: Int8.self).map(Double.init)
        case .uint16: elements(as: UInt16.self).map(Double.init)
        case .int16: elements(as: Int16.self).map(Double.init)
        case .uint32: elements(as: UInt32.self).map(Double.init)
        case .int32: elements(as: Int32.self).map(Double.init)
        case .uint64: Self.exactly(elements(as: UInt64.self))
        case .int64: Self.exactly(elements(as: Int64.self))
        case .fp16: elements(as: UInt16.self).map { Double(Float16(bitPattern: $0)) }
        case .bf16:
            elements(as: UInt16.self).map { Double(Float(bitPattern: UInt32($0) << 16)) }
        case .fp32: elements(as: Float.self).map(Double.init)
        case .fp64: elements(as: Double.self)
        case .bytes: nil
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
