extension Tensor {
    /// Makes a tensor from values in row-major order.
    ///
    /// - Precondition: There are as many values as `shape` has elements, and `T` is as wide as an
    ///   element of `elementType`.
    package init<T: BitwiseCopyable>(elementType: ElementType, shape: Shape, values: [T]) {
        precondition(
            elementType.byteCount == MemoryLayout<T>.stride,
            "the values' type is not as wide as the tensor's elements"
        )
        precondition(
            shape.checkedElementCount == values.count,
            "there must be as many values as the shape has elements"
        )
        let storage = AlignedBuffer(byteCount: values.count * MemoryLayout<T>.stride)
        unsafe storage.withMutableBytes { target in
            // SAFETY: both sides are as long as was just checked, and T is a plain value.
            unsafe values.withUnsafeBytes { unsafe target.copyMemory(from: $0) }
        }
        self.init(elementType: elementType, shape: shape, storage: storage)
    }

    /// The elements, copied, in row-major order.
    ///
    /// - Precondition: `T` is as wide as an element of ``elementType``.
    package func elements<T: BitwiseCopyable>(as type: T.Type) -> [T] {
        precondition(
            elementType.byteCount == MemoryLayout<T>.stride,
            "the asked type is not as wide as the tensor's elements"
        )
        // SAFETY: the width was checked; T is a plain value of which every bit pattern is one, as
        // for all number types.
        return unsafe bytes.withUnsafeBytes { bytes in
            (0..<(bytes.count / MemoryLayout<T>.stride)).map {
                unsafe bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.stride, as: T.self)
            }
        }
    }

    /// The elements as whole numbers, if they are whole numbers that fit an `Int`, or truth values.
    package var integerElements: [Int]? {
        switch elementType {
        case .int64: elements(as: Int64.self).map { Int($0) }
        case .int32: elements(as: Int32.self).map { Int($0) }
        case .int16: elements(as: Int16.self).map { Int($0) }
        case .int8: elements(as: Int8.self).map { Int($0) }
        case .uint32: elements(as: UInt32.self).map { Int($0) }
        case .uint16: elements(as: UInt16.self).map { Int($0) }
        case .uint8, .bool: elements(as: UInt8.self).map { Int($0) }
        case .uint64, .fp16, .fp32, .fp64, .bf16, .bytes: nil
        }
    }
}
