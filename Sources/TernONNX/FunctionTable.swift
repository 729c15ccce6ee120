import SwiftProtobuf
import TernGraph

/// The functions that a model brings along, found by name.
struct FunctionTable {
    /// What a call names.
    struct Key: Hashable {
        let domain: String
        let name: String
        let overload: String

        init(_ domain: String, _ name: String, _ overload: String) {
            self.domain = domain
            self.name = name
            self.overload = overload
        }
    }

    /// A function, and how long it is in the file.
    struct Entry {
        let message: ONNXFunctionProto
        let byteCount: Int
    }

    private let functions: [Key: Entry]

    /// Collects the functions.
    ///
    /// - Parameter messages: The functions of a model.
    /// - Throws: ``ONNXError/invalid(_:)`` if one has no name, or the name of another.
    init(_ messages: [ONNXFunctionProto]) throws(ONNXError) {
        var table: [Key: Entry] = [:]
        var problems = ProblemList()
        for (index, message) in messages.enumerated() {
            guard !message.name.isEmpty else {
                problems.addInvalid("function \(index) has no name")
                continue
            }
            let key = Key(
                GraphImporter.canonical(message.domain),
                message.name,
                message.overload
            )
            let bytes: [UInt8]
            do {
                bytes = try message.serializedBytes()
            } catch {
                throw .malformed("function \(index) cannot be read: \(error)")
            }
            let entry = Entry(message: message, byteCount: bytes.count)
            if table.updateValue(entry, forKey: key) != nil {
                let name = GraphLocation.printable("\(message.domain):\(message.name)")
                problems.addInvalid("the function \"\(name)\" is there twice")
            }
        }
        try problems.throwIfAny()
        functions = table
    }

    subscript(key: Key) -> Entry? { functions[key] }
}
