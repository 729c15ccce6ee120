/// Why a model cannot be used.
///
/// Where several things are wrong the error lists all of them, so that one look is enough.
package enum GraphError: Error, Equatable, Sendable {
    /// The graph contradicts itself: each sentence names the thing, what was expected and what was
    /// found.
    case invalid([String])
    /// Operators that are not there, or not in the version that the model asks for.
    case unsupportedOperators([UnsupportedNode])
    /// Nodes whose inputs cannot have the types or sizes they have.
    case inconsistentShapes([ShapeProblem])
    /// A constant could not be computed beforehand.
    case foldingFailed(node: String, reason: String)
}

/// A node that no declared operator can run.
package struct UnsupportedNode: Equatable, Sendable {
    /// The node, by name or position; see ``GraphLocation``.
    package var node: String
    /// The operator with its domain, such as `com.microsoft:QGemm`.
    package var operatorName: String
    /// The version of the operator set that the model asks for.
    package var operatorSetVersion: Int
    /// What is missing: the operator as such, or a version of it.
    package var reason: String

    /// Describes an unsupported node.
    package init(node: String, operatorName: String, operatorSetVersion: Int, reason: String) {
        self.node = node
        self.operatorName = operatorName
        self.operatorSetVersion = operatorSetVersion
        self.reason = reason
    }
}

/// A node whose inputs do not fit.
package struct ShapeProblem: Equatable, Sendable {
    /// The node, by name or position.
    package var node: String
    /// The operator with its domain.
    package var operatorName: String
    /// What was expected and what was found, with names and numbers.
    package var reason: String

    /// Describes a problem.
    package init(node: String, operatorName: String, reason: String) {
        self.node = node
        self.operatorName = operatorName
        self.reason = reason
    }
}

extension GraphError: CustomStringConvertible {
    /// A sentence for people; lists go one line each.
    package var description: String {
        switch self {
        case .invalid(let sentences):
            return Self.list("the graph is invalid", sentences)
        case .unsupportedOperators(let nodes):
            return Self.list(
                "\(nodes.count) unsupported node\(nodes.count == 1 ? "" : "s")",
                nodes.map {
                    "\($0.node): \($0.operatorName), operator set \($0.operatorSetVersion): \($0.reason)"
                }
            )
        case .inconsistentShapes(let problems):
            return Self.list(
                "the types or shapes do not fit",
                problems.map { "\($0.node): \($0.operatorName): \($0.reason)" }
            )
        case .foldingFailed(let node, let reason):
            return "\(node) has constant inputs but could not be computed: \(reason)"
        }
    }

    private static func list(_ heading: String, _ lines: [String]) -> String {
        lines.count == 1
            ? "\(heading): \(lines[0])" : "\(heading):\n  " + lines.joined(separator: "\n  ")
    }
}
