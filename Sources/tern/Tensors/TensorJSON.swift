import Foundation
import TernTensor

extension Tensor {
    /// Reads a tensor from inline JSON: nested arrays, or a single value for a scalar.
    ///
    /// - Parameters:
    ///   - json: Such as `[[1, 2], [3, 4]]`; strings for `BYTES`, `true` and `false` for `BOOL`.
    ///   - elementType: The type that the model asks for.
    /// - Throws: ``Failure`` that says where the JSON isn't what was expected.
    init(json: String, elementType: ElementType) throws {
        let value: Any
        do {
            value = try JSONSerialization.jsonObject(
                with: Data(json.utf8),
                options: .fragmentsAllowed
            )
        } catch {
            throw Failure(.usage, "this isn't JSON: \(json)")
        }
        var sizes: [Int] = []
        var level = value
        while let array = level as? [Any] {
            sizes.append(array.count)
            guard let first = array.first else { break }
            level = first
        }
        guard let shape = Shape(validating: sizes) else {
            throw Failure(
                .usage,
                "the JSON is nested \(sizes.count) deep; a tensor has at most 8 axes"
            )
        }
        var leaves: [Any] = []
        try Self.collect(value, sizes: sizes[...], into: &leaves)
        try self.init(leaves: leaves, elementType: elementType, shape: shape)
    }

    private static func collect(
        _ value: Any,
        sizes: ArraySlice<Int>,
        into leaves: inout [Any]
    ) throws {
        guard let size = sizes.first else {
            guard !(value is [Any]) else {
                throw Failure(.usage, "the JSON has an array where others have a value")
            }
            leaves.append(value)
            return
        }
        guard let array = value as? [Any], array.count == size else {
            throw Failure(.usage, "the JSON is ragged: every array of one level must be as long")
        }
        for element in array { try collect(element, sizes: sizes.dropFirst(), into: &leaves) }
    }

    private init(leaves: [Any], elementType: ElementType, shape: Shape) throws {
        func tensor<T: BitwiseCopyable>(_ convert: (NSNumber) -> T?) throws -> Tensor {
            let values = try leaves.map { leaf -> T in
                guard let number = leaf as? NSNumber, let value = convert(number) else {
                    throw Failure(.usage, "'\(leaf)' is not a value of type \(elementType)")
                }
                return value
            }
            return Tensor(elementType: elementType, shape: shape, values: values)
        }
        func whole<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type) throws -> Tensor {
            try tensor { number -> T? in
                // Beyond 2^53 a JSON number is read as an integer, if it is one at all.
                if let value = T(exactly: number.int64Value), number.doubleValue == Double(value) {
                    return value
                }
                guard let value = T(exactly: number.uint64Value) else { return nil }
                return number.doubleValue == Double(value) ? value : nil
            }
        }
        self =
            switch elementType {
            case .bool:
                try tensor { number -> UInt8? in
                    number.doubleValue == 0 ? 0 : number.doubleValue == 1 ? 1 : nil
                }
            case .uint8: try whole(UInt8.self)
            case .uint16: try whole(UInt16.self)
            case .uint32: try whole(UInt32.self)
            case .uint64: try whole(UInt64.self)
            case .int8: try whole(Int8.self)
            case .int16: try whole(Int16.self)
            case .int32: try whole(Int32.self)
            case .int64: try whole(Int64.self)
            case .fp16: try tensor { Float16($0.doubleValue) }
            case .bf16:
                try tensor { number -> UInt16? in
                    let bits = Float(number.doubleValue).bitPattern
                    // Rounds to nearest, ties to even, as hardware conversions do.
                    return UInt16(truncatingIfNeeded: (bits + 0x7FFF + (bits >> 16 & 1)) >> 16)
                }
            case .fp32: try tensor { Float($0.doubleValue) }
            case .fp64: try tensor { $0.doubleValue }
            case .bytes: try Tensor(strings: leaves, shape: shape)
            }
    }

    private init(strings leaves: [Any], shape: Shape) throws {
        var bytes: [UInt8] = []
        for leaf in leaves {
            guard let string = leaf as? String else {
                throw Failure(.usage, "'\(leaf)' is not a string, which BYTES asks for")
            }
            let count = UInt32(string.utf8.count)
            bytes += (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * UInt32($0))) }
            bytes += string.utf8
        }
        let storage = AlignedBuffer(byteCount: bytes.count)
        unsafe storage.withMutableBytes { target in
            unsafe bytes.withUnsafeBytes { unsafe target.copyMemory(from: $0) }
        }
        self.init(elementType: .bytes, shape: shape, storage: storage)
    }
}
