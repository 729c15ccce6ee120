@_exported public import TernTensor

/// A Swift type that a tensor's elements can be read and written as, without conversion.
///
/// The types that conform are those in this file; a tensor of `BYTES` is read and written as
/// strings or byte arrays instead, and one of `BF16` as raw bytes.
public protocol TensorElement: BitwiseCopyable, Sendable {
    /// The type of the elements of a tensor of these.
    static var elementType: ElementType { get }
}

extension Bool: TensorElement {
    /// `BOOL`.
    public static var elementType: ElementType { .bool }
}
extension UInt8: TensorElement {
    /// `UINT8`.
    public static var elementType: ElementType { .uint8 }
}
extension UInt16: TensorElement {
    /// `UINT16`.
    public static var elementType: ElementType { .uint16 }
}
extension UInt32: TensorElement {
    /// `UINT32`.
    public static var elementType: ElementType { .uint32 }
}
extension UInt64: TensorElement {
    /// `UINT64`.
    public static var elementType: ElementType { .uint64 }
}
extension Int8: TensorElement {
    /// `INT8`.
    public static var elementType: ElementType { .int8 }
}
extension Int16: TensorElement {
    /// `INT16`.
    public static var elementType: ElementType { .int16 }
}
extension Int32: TensorElement {
    /// `INT32`.
    public static var elementType: ElementType { .int32 }
}
extension Int64: TensorElement {
    /// `INT64`.
    public static var elementType: ElementType { .int64 }
}
extension Float16: TensorElement {
    /// `FP16`.
    public static var elementType: ElementType { .fp16 }
}
extension Float: TensorElement {
    /// `FP32`.
    public static var elementType: ElementType { .fp32 }
}
extension Double: TensorElement {
    /// `FP64`.
    public static var elementType: ElementType { .fp64 }
}
