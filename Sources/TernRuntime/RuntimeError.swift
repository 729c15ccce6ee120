package import TernTensor

/// Why a call of a model failed.
///
/// A model that cannot be compiled at all is a ``GraphError`` instead; whatever depends on the
/// inputs of one call is one of these, and leaves the session ready for the next call.
package enum RuntimeError: Error, Equatable, Sendable {
    /// The model has fewer inputs than that.
    case noSuchInput(index: Int, inputCount: Int)
    /// An input was not given before the model was run.
    case inputNotBound(name: String)
    /// An input has a shape that the model does not take; `expected` is what it declares.
    case shapeMismatch(input: String, expected: String, found: Shape)
    /// An input has more or fewer bytes than its shape says.
    case byteCountMismatch(input: String, expected: Int, found: Int)
    /// The inputs' shapes do not go together: each problem names the thing, what was expected and
    /// what was found.
    case incompatibleShapes([String])
    /// A node met values it cannot work with.
    case nodeFailed(node: String, operatorName: String, reason: String)
    /// Somebody asked for the call to stop; see ``Interruption``.
    case interrupted
    /// The call would need more memory than a session may use.
    case memoryLimitExceeded(neededByteCount: Int, limit: Int)
}

extension RuntimeError: CustomStringConvertible {
    /// A sentence for people.
    package var description: String {
        switch self {
        case .noSuchInput(let index, let inputCount):
            "there is no input \(index), the model has \(inputCount)"
        case .inputNotBound(let name):
            "the input \(name) is missing"
        case .shapeMismatch(let input, let expected, let found):
            "the input \(input) must have the shape \(expected), found \(found)"
        case .byteCountMismatch(let input, let expected, let found):
            "the input \(input) must have \(expected) bytes for its shape, found \(found)"
        case .incompatibleShapes(let problems):
            "the inputs' shapes do not fit: " + problems.joined(separator: "; ")
        case .nodeFailed(let node, let operatorName, let reason):
            "\(node): \(operatorName): \(reason)"
        case .interrupted:
            "the call was stopped"
        case .memoryLimitExceeded(let needed, let limit):
            "the call needs \(needed) bytes of working memory, at most \(limit) are allowed"
        }
    }
}
