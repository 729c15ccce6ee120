/// The type of a tensor's elements, spelled as the Open Inference Protocol spells it.
///
/// The raw values are the codes of the wire protocol, version 1, and never change.
public enum ElementType: UInt8, Sendable, Hashable, CaseIterable {
    /// One byte, 0 or 1.
    case bool = 1
    /// Unsigned, 8 bits.
    case uint8 = 2
    /// Unsigned, 16 bits.
    case uint16 = 3
    /// Unsigned, 32 bits.
    case uint32 = 4
    /// Unsigned, 64 bits.
    case uint64 = 5
    /// Signed, 8 bits.
    case int8 = 6
    /// Signed, 16 bits.
    case int16 = 7
    /// Signed, 32 bits.
    case int32 = 8
    /// Signed, 64 bits.
    case int64 = 9
    /// IEEE 754 binary16.
    case fp16 = 10
    /// IEEE 754 binary32.
    case fp32 = 11
    /// IEEE 754 binary64.
    case fp64 = 12
    /// Byte strings of any length, each preceded by its length as a little-endian 32-bit number.
    case bytes = 13
    /// The upper half of an IEEE 754 binary32.
    case bf16 = 14

    /// The name used in metadata, such as `FP32`.
    public var name: String {
        switch self {
        case .bool: "BOOL"
        case .uint8: "UINT8"
        case .uint16: "UINT16"
        case .uint32: "UINT32"
        case .uint64: "UINT64"
        case .int8: "INT8"
        case .int16: "INT16"
        case .int32: "INT32"
        case .int64: "INT64"
        case .fp16: "FP16"
        case .fp32: "FP32"
        case .fp64: "FP64"
        case .bytes: "BYTES"
        case .bf16: "BF16"
        }
    }

    /// Finds the type with the given name; `nil` if there is none.
    public init?(name: String) {
        guard let match = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = match
    }

    /// How many bytes one element takes; `nil` for ``bytes``, whose elements differ.
    @inlinable
    public var byteCount: Int? {
        switch self {
        case .bool, .uint8, .int8: 1
        case .uint16, .int16, .fp16, .bf16: 2
        case .uint32, .int32, .fp32: 4
        case .uint64, .int64, .fp64: 8
        case .bytes: nil
        }
    }
}

extension ElementType: CustomStringConvertible {
    /// The same as ``name``.
    public var description: String { name }
}
