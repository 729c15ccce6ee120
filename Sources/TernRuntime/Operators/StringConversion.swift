import TernGraph
import TernTensor

/// Numbers as text and back, as Cast has them.
enum StringConversion {
    /// Converts a tensor to strings, or strings to numbers.
    static func convert(_ tensor: Tensor, to type: ElementType) throws(OperatorError) -> Tensor {
        guard let strings = try StringRanks.strings(of: tensor) else {
            return Tensor(shape: tensor.shape, byteStrings: try texts(of: tensor))
        }
        if type == .bytes { return tensor }
        guard ElementType.numbers.contains(type) else {
            throw OperatorError("strings cannot be converted to \(type)")
        }
        if let integers = try wholeNumbers(strings, type, shape: tensor.shape) { return integers }
        var bytes: [UInt8] = []
        for string in strings {
            if type == .fp64 {
                let number = try number(string)
                bytes += unsafe withUnsafeBytes(of: number) { unsafe Array($0) }
            } else {
                bytes += try CastOperators.bytes(of: Float(try number(string)), as: type)
            }
        }
        return Tensor(elementType: type, shape: tensor.shape, copyingBytes: bytes)
    }

    private static func texts(of tensor: Tensor) throws(OperatorError) -> [[UInt8]] {
        switch tensor.elementType {
        case .fp64: return tensor.elements(as: Double.self).map(text)
        case .uint64: return tensor.elements(as: UInt64.self).map { Array(String($0).utf8) }
        case .fp32: return tensor.elements(as: Float.self).map(text)
        case .fp16, .bf16: return try CastOperators.doubles(tensor).map { text(Float($0)) }
        default:
            guard let numbers = tensor.integerElements else {
                throw OperatorError("\(tensor.elementType) cannot be converted to strings")
            }
            return numbers.map { Array(String($0).utf8) }
        }
    }

    /// The shortest digits that give the number again.
    private static func text<Real: RealElement & CustomStringConvertible>(
        _ number: Real
    ) -> [UInt8] {
        if number.isNaN { return Array("NaN".utf8) }
        if number.isInfinite { return Array((number < 0 ? "-INF" : "INF").utf8) }
        return Array(number.description.utf8)
    }

    private static func number(_ text: [UInt8]) throws(OperatorError) -> Double {
        let text = String(decoding: text, as: UTF8.self)
        switch text.lowercased() {
        case "nan", "+nan", "-nan": return .nan
        case "inf", "+inf": return .infinity
        case "-inf": return -.infinity
        default: break
        }
        guard let number = Double(text) else {
            throw OperatorError("\"\(GraphLocation.printable(text))\" is not a number")
        }
        return number
    }

    /// Strings of digits, exactly; `nil` if the type is not one of 64-bit whole numbers.
    private static func wholeNumbers(
        _ strings: [[UInt8]],
        _ type: ElementType,
        shape: Shape
    ) throws(OperatorError) -> Tensor? {
        func parse<Integer: FixedWidthInteger & BitwiseCopyable>(
            _: Integer.Type
        ) throws(OperatorError) -> Tensor {
            var values: [Integer] = []
            for string in strings {
                let text = String(decoding: string, as: UTF8.self)
                guard let value = Integer(text) else {
                    throw OperatorError(
                        "\"\(GraphLocation.printable(text))\" is not a whole number of \(type)"
                    )
                }
                values.append(value)
            }
            return Tensor(elementType: type, shape: shape, values: values)
        }
        switch type {
        case .int64: return try parse(Int64.self)
        case .uint64: return try parse(UInt64.self)
        case .int32: return try parse(Int32.self)
        case .uint32: return try parse(UInt32.self)
        case .int16: return try parse(Int16.self)
        case .uint16: return try parse(UInt16.self)
        case .int8: return try parse(Int8.self)
        case .uint8: return try parse(UInt8.self)
        default: return nil
        }
    }
}
