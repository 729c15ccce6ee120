import Foundation

/// A JSON document as a tree, so that what a frame means can be compared with a vector's file.
enum JSONValue: Equatable, Decodable {
    case null
    case bool(Bool)
    case unsigned(UInt64)
    case signed(Int64)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let number = try? value.decode(UInt64.self) {
            self = .unsigned(number)
        } else if let number = try? value.decode(Int64.self) {
            self = .signed(number)
        } else if let string = try? value.decode(String.self) {
            self = .string(string)
        } else if let array = try? value.decode([JSONValue].self) {
            self = .array(array)
        } else {
            self = .object(try value.decode([String: JSONValue].self))
        }
    }

    /// A number, in the one spelling that compares equal.
    static func number(_ value: some FixedWidthInteger) -> JSONValue {
        UInt64(exactly: value).map(JSONValue.unsigned) ?? .signed(Int64(value))
    }

    static func strings(_ values: [String]) -> JSONValue { .array(values.map(JSONValue.string)) }

    static func numbers(_ values: [UInt64]) -> JSONValue { .array(values.map(JSONValue.unsigned)) }
}
