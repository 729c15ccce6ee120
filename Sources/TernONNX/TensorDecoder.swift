import FoundationEssentials
import TernTensor

/// Turns a TensorProto into a tensor.
///
/// The number of elements follows from the sizes, and memory is taken only once the file has been
/// seen to hold exactly as many.
struct TensorDecoder {
    /// Where data outside the message is found; `nil` refuses it.
    let externalData: ExternalData?

    /// Reads a tensor.
    func tensor(from message: ONNXTensorProto) throws(ONNXError) -> Tensor {
        let type = try ElementType(onnx: message.dataType)
        guard !message.hasSegment else {
            throw .unsupported(["a tensor that is stored in segments"])
        }
        let shape = try Self.shape(message.dims)
        guard let count = shape.checkedElementCount else {
            throw .invalid(["the number of elements of \(shape) does not fit 63 bits"])
        }
        guard count > 0 || shape.isBounded else {
            throw .invalid(["the sizes of \(shape) are too large"])
        }
        if message.dataLocation == .external {
            return try externalTensor(message, type, shape)
        }
        if message.hasRawData, !(message.rawData.isEmpty && Self.hasTypedData(message)) {
            guard !Self.hasTypedData(message) else {
                throw .invalid(["the tensor has both raw_data and a typed field"])
            }
            return try Self.rawTensor(message.rawData, type, shape)
        }
        return try Self.typedTensor(message, type, shape, count)
    }

    private static func shape(_ sizes: [Int64]) throws(ONNXError) -> Shape {
        guard sizes.count <= Shape.maximumRank else {
            throw .unsupported([
                "a tensor with \(sizes.count) axes; at most \(Shape.maximumRank) are possible"
            ])
        }
        guard let shape = Shape(validating: sizes.map { Int($0) }) else {
            throw .invalid(["the sizes \(sizes) must not be negative"])
        }
        return shape
    }

    private static func hasTypedData(_ message: ONNXTensorProto) -> Bool {
        !message.floatData.isEmpty || !message.int32Data.isEmpty || !message.int64Data.isEmpty
            || !message.doubleData.isEmpty || !message.uint64Data.isEmpty
            || !message.stringData.isEmpty
    }

    /// Little-endian elements, one after the other.
    private static func rawTensor(
        _ data: Data,
        _ type: ElementType,
        _ shape: Shape
    ) throws(ONNXError) -> Tensor {
        guard type != .bytes else {
            throw .invalid(["a tensor of strings cannot have raw_data"])
        }
        guard let byteCount = shape.byteCount(of: type), data.count == byteCount else {
            throw .invalid([
                "\(type)\(shape) takes \(shape.byteCount(of: type).map(String.init) ?? "too many") "
                    + "bytes, raw_data has \(data.count)"
            ])
        }
        if type == .bool { return boolTensor(data.map { $0 }, shape) }
        let storage = AlignedBuffer(byteCount: byteCount)
        unsafe storage.withMutableBytes { target in
            unsafe data.withUnsafeBytes { unsafe target.copyMemory(from: $0) }
        }
        return Tensor(elementType: type, shape: shape, storage: storage)
    }

    /// Truth values in which every byte is 0 or 1.
    private static func boolTensor(_ bytes: [UInt8], _ shape: Shape) -> Tensor {
        Tensor(elementType: .bool, shape: shape, values: bytes.map { $0 == 0 ? UInt8(0) : 1 })
    }

    /// Elements in the field that the type has of its own.
    private static func typedTensor(
        _ message: ONNXTensorProto,
        _ type: ElementType,
        _ shape: Shape,
        _ count: Int
    ) throws(ONNXError) -> Tensor {
        func check(_ found: Int, _ field: String) throws(ONNXError) {
            guard found == count else {
                throw .invalid(["\(type)\(shape) has \(count) elements, \(field) has \(found)"])
            }
        }
        func narrowed<T: FixedWidthInteger & BitwiseCopyable>(
            _: T.Type
        ) throws(ONNXError) -> Tensor {
            try check(message.int32Data.count, "int32_data")
            var values: [T] = []
            values.reserveCapacity(count)
            for (index, value) in message.int32Data.enumerated() {
                guard let narrow = T(exactly: value) else {
                    throw .invalid(["element \(index) is \(value), which is not of type \(type)"])
                }
                values.append(narrow)
            }
            return Tensor(elementType: type, shape: shape, values: values)
        }
        switch type {
        case .fp32:
            try check(message.floatData.count, "float_data")
            return Tensor(elementType: type, shape: shape, values: message.floatData)
        case .fp64:
            try check(message.doubleData.count, "double_data")
            return Tensor(elementType: type, shape: shape, values: message.doubleData)
        case .int64:
            try check(message.int64Data.count, "int64_data")
            return Tensor(elementType: type, shape: shape, values: message.int64Data)
        case .uint64:
            try check(message.uint64Data.count, "uint64_data")
            return Tensor(elementType: type, shape: shape, values: message.uint64Data)
        case .uint32:
            try check(message.uint64Data.count, "uint64_data")
            var values: [UInt32] = []
            values.reserveCapacity(count)
            for (index, value) in message.uint64Data.enumerated() {
                guard let narrow = UInt32(exactly: value) else {
                    throw .invalid(["element \(index) is \(value), which is not of type \(type)"])
                }
                values.append(narrow)
            }
            return Tensor(elementType: type, shape: shape, values: values)
        case .int32: return try narrowed(Int32.self)
        case .int16: return try narrowed(Int16.self)
        case .int8: return try narrowed(Int8.self)
        // Half-precision numbers are stored as their bits.
        case .uint16, .fp16, .bf16: return try narrowed(UInt16.self)
        case .uint8: return try narrowed(UInt8.self)
        case .bool:
            try check(message.int32Data.count, "int32_data")
            return boolTensor(message.int32Data.map { $0 == 0 ? 0 : 1 }, shape)
        case .bytes:
            try check(message.stringData.count, "string_data")
            return Tensor(shape: shape, byteStrings: message.stringData.map { [UInt8]($0) })
        }
    }

    /// Elements in another file.
    private func externalTensor(
        _ message: ONNXTensorProto,
        _ type: ElementType,
        _ shape: Shape
    ) throws(ONNXError) -> Tensor {
        guard let externalData else {
            throw .unsupported(["data in another file, as the model's folder is not known"])
        }
        guard !message.hasRawData, !Self.hasTypedData(message) else {
            throw .invalid(["the tensor has data in the model and in another file"])
        }
        guard let byteCount = shape.byteCount(of: type) else {
            throw .invalid(["data in another file must be of a type of fixed size that fits memory"]
            )
        }
        let bytes = try externalData.bytes(
            described: message.externalData.map { ($0.key, $0.value) },
            byteCount: byteCount
        )
        if type == .bool { return Self.boolTensor(bytes, shape) }
        return Tensor(elementType: type, shape: shape, copyingBytes: bytes)
    }
}
