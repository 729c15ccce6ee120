import TernGraph
import TernTensor

/// A map of labels of any kind to labels of any kind, for those that no kernel can look up: strings.
struct LabelMap: Sendable {
    private let positions: [[UInt8]: Int]
    private let values: Tensor
    private let fallback: Tensor

    /// The types of the keys and the values of a LabelEncoder.
    static func types(
        _ node: Node
    ) throws(OperatorError) -> (keys: ElementType, values: ElementType) {
        func type(_ name: String) throws(OperatorError) -> ElementType {
            if let tensor = try node.tensor("\(name)_tensor") { return tensor.elementType }
            if node.attributes["\(name)_strings"] != nil { return .bytes }
            if node.attributes["\(name)_int64s"] != nil { return .int64 }
            if node.attributes["\(name)_floats"] != nil { return .fp32 }
            throw OperatorError("the attribute \(name)_… is missing")
        }
        return (try type("keys"), try type("values"))
    }

    /// Reads the attributes of a LabelEncoder.
    init(labelEncoder node: Node) throws(OperatorError) {
        func list(_ name: String) throws(OperatorError) -> Tensor {
            if let tensor = try node.tensor("\(name)_tensor") { return tensor }
            if let strings = try node.strings("\(name)_strings") {
                return Tensor(shape: [strings.count], byteStrings: strings)
            }
            if let numbers = try node.ints("\(name)_int64s") {
                return Tensor(
                    elementType: .int64,
                    shape: [numbers.count],
                    values: numbers.map { Int64($0) }
                )
            }
            let numbers = try node.floats("\(name)_floats") ?? []
            return Tensor(elementType: .fp32, shape: [numbers.count], values: numbers)
        }
        let values = try list("values")
        let fallback: Tensor
        if let given = try node.tensor("default_tensor") {
            fallback = given
        } else {
            switch values.elementType {
            case .bytes:
                let text = try node.string("default_string", default: "_Unused")
                fallback = Tensor(shape: [], byteStrings: [Array(text.utf8)])
            case .int64:
                let number = Int64(try node.int("default_int64", default: -1))
                fallback = Tensor(elementType: .int64, shape: [], values: [number])
            case .fp32:
                let number = try node.float("default_float", default: -0.0)
                fallback = Tensor(elementType: .fp32, shape: [], values: [number])
            case let type: throw OperatorError("labels of \(type) need a default_tensor")
            }
        }
        try self.init(keys: list("keys"), values: values, fallback: fallback)
    }

    /// Reads the attributes of a CategoryMapper.
    init(categoryMapper node: Node, of type: ElementType) throws(OperatorError) {
        let numbers = (try node.ints("cats_int64s") ?? []).map { Int64($0) }
        let strings = try node.strings("cats_strings") ?? []
        let integers = Tensor(elementType: .int64, shape: [numbers.count], values: numbers)
        let texts = Tensor(shape: [strings.count], byteStrings: strings)
        if type == .bytes {
            let number = Int64(try node.int("default_int64", default: -1))
            try self.init(
                keys: texts,
                values: integers,
                fallback: Tensor(elementType: .int64, shape: [], values: [number])
            )
        } else {
            let text = try node.string("default_string", default: "_Unused")
            try self.init(
                keys: integers,
                values: texts,
                fallback: Tensor(shape: [], byteStrings: [Array(text.utf8)])
            )
        }
    }

    private init(keys: Tensor, values: Tensor, fallback: Tensor) throws(OperatorError) {
        guard keys.shape.elementCount == values.shape.elementCount else {
            throw OperatorError(
                "there are \(keys.shape.elementCount) keys for \(values.shape.elementCount) values"
            )
        }
        guard fallback.elementType == values.elementType, fallback.shape.elementCount == 1 else {
            throw OperatorError(
                "the default is \(fallback.elementType)\(fallback.shape), expected one "
                    + "\(values.elementType)"
            )
        }
        var positions: [[UInt8]: Int] = [:]
        // The last of equal keys counts.
        for (index, key) in try Self.elements(keys).enumerated() { positions[key] = index }
        self.positions = positions
        self.values = values
        self.fallback = fallback
    }

    /// The elements, each as bytes that are equal for equal elements.
    private static func elements(_ tensor: Tensor) throws(OperatorError) -> [[UInt8]] {
        switch tensor.elementType {
        case .bytes:
            guard let strings = tensor.byteStrings else {
                throw OperatorError("a tensor of strings does not hold as many as its shape says")
            }
            return strings
        case .fp32:
            // NaN matches NaN, and -0 matches 0.
            return tensor.elements(as: Float.self).map { number in
                bytes(of: number.isNaN ? Float.nan.bitPattern : (number + 0).bitPattern)
            }
        case .fp64:
            return tensor.elements(as: Double.self).map { number in
                bytes(of: number.isNaN ? Double.nan.bitPattern : (number + 0).bitPattern)
            }
        case let type:
            let width = type.width
            let all = unsafe tensor.bytes.withUnsafeBytes { unsafe Array($0) }
            return stride(from: 0, to: all.count, by: width).map { Array(all[$0..<$0 + width]) }
        }
    }

    private static func bytes<Bits: FixedWidthInteger>(of bits: Bits) -> [UInt8] {
        unsafe withUnsafeBytes(of: bits) { unsafe Array($0) }
    }

    /// Looks every element up.
    func callAsFunction(_ tensor: Tensor) throws(OperatorError) -> Tensor {
        let found = try Self.elements(tensor).map { positions[$0] }
        if values.elementType == .bytes {
            guard let strings = values.byteStrings, let fallback = fallback.byteStrings?.first
            else {
                throw OperatorError("the labels do not hold as many strings as their shape says")
            }
            return Tensor(
                shape: tensor.shape,
                byteStrings: found.map { $0.map { strings[$0] } ?? fallback }
            )
        }
        let width = values.elementType.width
        let table = unsafe values.bytes.withUnsafeBytes { unsafe Array($0) }
        let other = unsafe fallback.bytes.withUnsafeBytes { unsafe Array($0) }
        let bytes = found.flatMap { position in
            position.map { Array(table[($0 * width)..<(($0 + 1) * width)]) } ?? other
        }
        return Tensor(
            elementType: values.elementType,
            shape: tensor.shape,
            copyingBytes: bytes
        )
    }
}
