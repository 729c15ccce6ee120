import TernTensor

extension ElementType {
    /// The type that ONNX numbers so.
    ///
    /// - Parameter number: A value of TensorProto.DataType.
    /// - Throws: ``ONNXError/unsupported(_:)`` for types of ONNX that Tern does not have, and
    ///   ``ONNXError/invalid(_:)`` for numbers that are none of ONNX's.
    init(onnx number: Int32) throws(ONNXError) {
        switch ONNXTensorProto.DataType(rawValue: Int(number)) {
        case .float: self = .fp32
        case .uint8: self = .uint8
        case .int8: self = .int8
        case .uint16: self = .uint16
        case .int16: self = .int16
        case .int32: self = .int32
        case .int64: self = .int64
        case .string: self = .bytes
        case .bool: self = .bool
        case .float16: self = .fp16
        case .double: self = .fp64
        case .uint32: self = .uint32
        case .uint64: self = .uint64
        case .bfloat16: self = .bf16
        case .complex64: throw .unsupported(["elements of type COMPLEX64"])
        case .complex128: throw .unsupported(["elements of type COMPLEX128"])
        case .float8E4M3Fn, .float8E4M3Fnuz, .float8E5M2, .float8E5M2Fnuz, .float8E8M0:
            throw .unsupported(["elements of 8-bit floating-point types (type \(number))"])
        case .uint4, .int4, .float4E2M1:
            throw .unsupported(["elements of 4-bit types (type \(number))"])
        case .undefined, nil:
            throw .invalid(["\(number) is not an element type of ONNX"])
        }
    }

    /// ONNX's number for the type.
    var onnxDataType: ONNXTensorProto.DataType {
        switch self {
        case .bool: .bool
        case .uint8: .uint8
        case .uint16: .uint16
        case .uint32: .uint32
        case .uint64: .uint64
        case .int8: .int8
        case .int16: .int16
        case .int32: .int32
        case .int64: .int64
        case .fp16: .float16
        case .fp32: .float
        case .fp64: .double
        case .bytes: .string
        case .bf16: .bfloat16
        }
    }
}
