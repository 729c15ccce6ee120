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

    /// Makes a tensor from its bytes.
    ///
    /// - Precondition: For types with a fixed size, there are exactly the bytes of `shape`.
    package init(elementType: ElementType, shape: Shape, copyingBytes bytes: [UInt8]) {
        // SAFETY: every byte of an array of bytes is initialized.
        unsafe self.init(elementType: elementType, shape: shape, copying: bytes.span.bytes)
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
        // Copied at once: where this is not specialised, a step for each element costs a hundred
        // times as much.
        return unsafe bytes.withUnsafeBytes { bytes in
            let count = bytes.count / MemoryLayout<T>.stride
            return unsafe Array(unsafeUninitializedCapacity: count) { target, initializedCount in
                unsafe UnsafeMutableRawBufferPointer(target).copyMemory(
                    from: UnsafeRawBufferPointer(
                        rebasing: bytes[..<(count * MemoryLayout<T>.stride)]
                    )
                )
                initializedCount = count
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

extension Tensor {
    /// Makes a `BYTES` tensor from byte strings in row-major order.
    ///
    /// - Precondition: There are as many strings as `shape` has elements, and each is shorter than
    ///   4 GiB.
    package init(shape: Shape, byteStrings: [[UInt8]]) {
        precondition(
            shape.checkedElementCount == byteStrings.count,
            "there must be as many byte strings as the shape has elements"
        )
        let byteCount = byteStrings.reduce(0) { $0 + 4 + $1.count }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount)
        for string in byteStrings {
            guard let length = UInt32(exactly: string.count) else {
                preconditionFailure("a byte string is too long for its length to be written")
            }
            for shift in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: length >> shift)) }
            bytes += string
        }
        self.init(elementType: .bytes, shape: shape, copyingBytes: bytes)
    }

    /// The byte strings of a `BYTES` tensor, copied, in row-major order; `nil` if the memory does
    /// not hold as many as the shape says.
    ///
    /// - Precondition: The tensor's type is `BYTES`.
    package var byteStrings: [[UInt8]]? {
        precondition(elementType == .bytes, "only a BYTES tensor holds byte strings")
        let bytes = unsafe self.bytes.withUnsafeBytes { unsafe [UInt8]($0) }
        guard let count = shape.checkedElementCount, count <= bytes.count / 4 else { return nil }
        var strings: [[UInt8]] = []
        strings.reserveCapacity(count)
        var position = 0
        for _ in 0..<count {
            guard bytes.count - position >= 4 else { return nil }
            let length = (0..<4).reduce(0) { $0 | Int(bytes[position + $1]) << (8 * $1) }
            position += 4
            guard bytes.count - position >= length else { return nil }
            strings.append(Array(bytes[position..<(position + length)]))
            position += length
        }
        return position == bytes.count ? strings : nil
    }
}
