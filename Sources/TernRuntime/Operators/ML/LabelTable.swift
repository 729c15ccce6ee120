import TernGraph
import TernTensor

/// What LabelEncoder maps to what: numbers to numbers, looked up by a kernel.
///
/// Where strings are involved, ``LabelMap`` does it.
struct LabelTable: Sendable {
    let keyType: ElementType
    let valueType: ElementType
    private let keys: Tensor
    private let values: Tensor
    private let fallback: Tensor

    init(_ node: Node) throws(OperatorError) {
        for name in ["keys_strings", "values_strings"] where node.attributes[name] != nil {
            throw OperatorError("\(name) is given, expected numbers")
        }
        keys = try Self.list(node, "keys")
        values = try Self.list(node, "values")
        keyType = keys.elementType
        valueType = values.elementType
        guard keys.shape.elementCount == values.shape.elementCount else {
            throw OperatorError(
                "there are \(keys.shape.elementCount) keys for \(values.shape.elementCount) values"
            )
        }
        if let given = try node.tensor("default_tensor") {
            guard given.elementType == valueType, given.shape.elementCount == 1 else {
                throw OperatorError(
                    "the default is \(given.elementType)\(given.shape), expected one \(valueType)"
                )
            }
            fallback = given
        } else {
            switch valueType {
            case .fp32:
                let number = try node.float("default_float", default: -0.0)
                fallback = Tensor(elementType: .fp32, shape: [], values: [number])
            case .fp64:
                let number = Double(try node.float("default_float", default: -0.0))
                fallback = Tensor(elementType: .fp64, shape: [], values: [number])
            case .int64:
                let number = Int64(try node.int("default_int64", default: -1))
                fallback = Tensor(elementType: .int64, shape: [], values: [number])
            case .int32:
                fallback = Tensor(elementType: .int32, shape: [], values: [Int32(-1)])
            case .int16:
                fallback = Tensor(elementType: .int16, shape: [], values: [Int16(-1)])
            default: throw OperatorError("labels of \(valueType) are not there")
            }
        }
    }

    private static func list(_ node: Node, _ name: String) throws(OperatorError) -> Tensor {
        if let tensor = try node.tensor("\(name)_tensor") {
            guard ElementType.numbers.contains(tensor.elementType) else {
                throw OperatorError("\(name)_tensor is \(tensor.elementType), expected numbers")
            }
            return tensor
        }
        if let numbers = try node.ints("\(name)_int64s") {
            return Tensor(
                elementType: .int64,
                shape: [numbers.count],
                values: numbers.map { Int64($0) }
            )
        }
        if let numbers = try node.floats("\(name)_floats") {
            return Tensor(elementType: .fp32, shape: [numbers.count], values: numbers)
        }
        throw OperatorError(
            "the attribute \(name)_int64s, \(name)_floats or \(name)_tensor is missing"
        )
    }

    /// Looks every element up, as the bits of its key.
    func kernel() throws(OperatorError) -> Kernel {
        switch keyType {
        case .fp32:
            return lookup(UInt32.self) {
                // NaN matches NaN, and -0 matches 0.
                let number = Float(bitPattern: $0)
                return number.isNaN ? Float.nan.bitPattern : number == 0 ? 0 : $0
            }
        case .fp64:
            return lookup(UInt64.self) {
                let number = Double(bitPattern: $0)
                return number.isNaN ? Double.nan.bitPattern : number == 0 ? 0 : $0
            }
        case .int64, .uint64: return lookup(UInt64.self) { $0 }
        case .int32, .uint32: return lookup(UInt32.self) { $0 }
        case .int16, .uint16: return lookup(UInt16.self) { $0 }
        case .int8, .uint8: return lookup(UInt8.self) { $0 }
        default: throw OperatorError("keys of \(keyType) are not there")
        }
    }

    private func lookup<Key: FixedWidthInteger & BitwiseCopyable & Sendable>(
        _ type: Key.Type,
        _ canonical: @escaping @Sendable (Key) -> Key
    ) -> Kernel {
        var positions: [Key: Int] = [:]
        for (index, key) in keys.elements(as: Key.self).enumerated() {
            // The last of equal keys counts.
            positions[canonical(key)] = index
        }
        let table = positions
        let width = valueType.width
        let count = values.shape.elementCount
        let bytes =
            unsafe values.bytes.withUnsafeBytes { unsafe Array($0) }
            + fallback.bytes.withUnsafeBytes { unsafe Array($0) }
        return Kernel { (frame) throws(OperatorError) in
            let source = frame.elements(ofInput: 0, as: Key.self)
            var target = frame.mutableElements(ofOutput: 0, as: UInt8.self)
            for index in source.indices {
                let position = table[canonical(source[index])] ?? count
                for byte in 0..<width {
                    target[index * width + byte] = bytes[position * width + byte]
                }
            }
        }
    }
}
