import Foundation
import TernWire
import Testing

/// A pair of files under `Protocol/vectors`.
struct Vector: CustomTestStringConvertible {
    let name: String
    let frame: [UInt8]
    let document: JSONValue

    var testDescription: String { name }

    /// The folder `Protocol`.
    static let protocolFolder = URL(filePath: #filePath)
        .deletingLastPathComponent()
        .appending(path: "../../../Protocol")
        .standardizedFileURL

    static let valid = load("vectors/valid")
    static let invalid = load("vectors/invalid")

    private static func load(_ folder: String) -> [Vector] {
        let url = protocolFolder.appending(path: folder)
        do {
            return try FileManager.default.contentsOfDirectory(atPath: url.path).sorted()
                .filter { $0.hasSuffix(".bin") }
                .map { file in
                    let name = String(file.dropLast(4))
                    let document = try Data(contentsOf: url.appending(path: "\(name).json"))
                    return Vector(
                        name: name,
                        frame: [UInt8](try Data(contentsOf: url.appending(path: file))),
                        document: try JSONDecoder().decode(JSONValue.self, from: document)
                    )
                }
        } catch {
            preconditionFailure("the vectors in \(url.path) cannot be read: \(error)")
        }
    }

    static func valid(named name: String) -> Vector {
        guard let vector = valid.first(where: { $0.name == name }) else {
            preconditionFailure("there is no valid vector named \(name)")
        }
        return vector
    }

    /// A member of the document.
    subscript(key: String) -> JSONValue? {
        guard case .object(let members) = document else { return nil }
        return members[key]
    }

    func string(_ key: String) -> String? {
        guard case .string(let value) = self[key] else { return nil }
        return value
    }
}
