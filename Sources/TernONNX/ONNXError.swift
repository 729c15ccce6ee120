/// Why a file is not a usable ONNX model or tensor.
///
/// Where several things are wrong the error lists all of them, up to ``problemCountLimit``.
package enum ONNXError: Error, Equatable, Sendable {
    /// The most problems that one error lists.
    package static let problemCountLimit = 100

    /// The file could not be read or written; the sentence names it.
    case file(String)
    /// The bytes are not the protobuf message they should be.
    case malformed(String)
    /// The message contradicts itself or the specification. Each sentence names the thing, what was
    /// expected and what was found.
    case invalid([String])
    /// The model needs something that Tern does not do. Each sentence names it.
    case unsupported([String])
}

extension ONNXError: CustomStringConvertible {
    /// A sentence for people; lists go one line each.
    package var description: String {
        switch self {
        case .file(let sentence): sentence
        case .malformed(let sentence): "not an ONNX file: \(sentence)"
        case .invalid(let sentences): Self.list("the ONNX file is invalid", sentences)
        case .unsupported(let sentences):
            Self.list("the model needs what is not supported", sentences)
        }
    }

    private static func list(_ heading: String, _ lines: [String]) -> String {
        guard lines.count != 1 else { return "\(heading): \(lines[0])" }
        let shown = lines.prefix(problemCountLimit)
        let more = lines.count - shown.count
        let end = more > 0 ? ["and \(more) more"] : []
        return "\(heading):\n  " + (shown + end).joined(separator: "\n  ")
    }
}

/// Collects what is wrong with a file, so that it can be reported together.
struct ProblemList {
    private(set) var invalid: [String] = []
    private(set) var unsupported: [String] = []
    private var omittedCount = 0

    /// Whether there is room for more; once there is not, looking further is of no use.
    var isFull: Bool { invalid.count + unsupported.count >= ONNXError.problemCountLimit }

    mutating func addInvalid(_ sentence: String) {
        if isFull { omittedCount += 1 } else { invalid.append(sentence) }
    }

    mutating func addUnsupported(_ sentence: String) {
        if isFull { omittedCount += 1 } else { unsupported.append(sentence) }
    }

    /// Adds what a part reported by throwing.
    mutating func add(_ error: ONNXError, at place: String) {
        switch error {
        case .file(let sentence), .malformed(let sentence): addInvalid("\(place): \(sentence)")
        case .invalid(let sentences):
            for sentence in sentences { addInvalid("\(place): \(sentence)") }
        case .unsupported(let sentences):
            for sentence in sentences { addUnsupported("\(place): \(sentence)") }
        }
    }

    /// Throws what was collected: what is invalid goes before what is unsupported.
    func throwIfAny() throws(ONNXError) {
        let end = omittedCount > 0 ? ["and \(omittedCount) more"] : []
        if !invalid.isEmpty { throw .invalid(invalid + end) }
        if !unsupported.isEmpty { throw .unsupported(unsupported + end) }
    }
}
