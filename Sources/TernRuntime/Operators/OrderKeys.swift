import TernTensor

/// Numbers that are ordered as a tensor's elements are, whatever their type, for operators that only
/// compare.
///
/// -0 is 0, and every NaN is one number beyond +∞.
enum OrderKeys {
    /// A key for each element, in row-major order; `nil` if a tensor of strings does not hold as many as
    /// its shape says.
    static func keys(of tensor: Tensor) -> [UInt64]? {
        switch tensor.elementType {
        case .bool, .uint8: tensor.elements(as: UInt8.self).map { UInt64($0) }
        case .uint16: tensor.elements(as: UInt16.self).map { UInt64($0) }
        case .uint32: tensor.elements(as: UInt32.self).map { UInt64($0) }
        case .uint64: tensor.elements(as: UInt64.self)
        case .int8: tensor.elements(as: Int8.self).map { key(Int64($0)) }
        case .int16: tensor.elements(as: Int16.self).map { key(Int64($0)) }
        case .int32: tensor.elements(as: Int32.self).map { key(Int64($0)) }
        case .int64: tensor.elements(as: Int64.self).map { key($0) }
        case .fp16:
            tensor.elements(as: UInt16.self).map {
                key(bits: UInt64($0), width: 16, infinity: 0x7C00)
            }
        case .bf16:
            tensor.elements(as: UInt16.self).map {
                key(bits: UInt64($0), width: 16, infinity: 0x7F80)
            }
        case .fp32:
            tensor.elements(as: UInt32.self).map {
                key(bits: UInt64($0), width: 32, infinity: 0x7F80_0000)
            }
        case .fp64:
            tensor.elements(as: UInt64.self).map {
                key(bits: $0, width: 64, infinity: 0x7FF0_0000_0000_0000)
            }
        case .bytes:
            tensor.byteStrings.flatMap { strings in
                let ranks = StringRanks(strings)
                return ranks.numbers(strings, shape: tensor.shape).elements(as: UInt64.self)
            }
        }
    }

    private static func key(_ value: Int64) -> UInt64 { UInt64(bitPattern: value) ^ 1 << 63 }

    /// The key of a floating-point number: magnitudes are ordered as their bits are.
    private static func key(bits: UInt64, width: UInt64, infinity: UInt64) -> UInt64 {
        let sign = UInt64(1) << (width - 1)
        let magnitude = bits & (sign - 1)
        if magnitude > infinity { return .max }
        return bits & sign == 0 ? sign + magnitude : sign - magnitude
    }
}
