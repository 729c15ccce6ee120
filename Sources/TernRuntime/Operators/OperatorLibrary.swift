package import TernGraph

/// All operators that can run, found by name.
package struct OperatorLibrary: Sendable {
    /// What the graph needs to know of them.
    package let operators: OperatorSet
    private let declarations: [OperatorSet.Key: OperatorDeclaration]

    /// Collects declarations.
    ///
    /// - Precondition: No operator is declared twice.
    package init(_ declarations: [OperatorDeclaration], newestOperatorSets: [String: Int]) {
        operators = OperatorSet(
            declarations.map(\.schema),
            newestOperatorSets: newestOperatorSets
        )
        self.declarations = Dictionary(
            uniqueKeysWithValues: declarations.map {
                (OperatorSet.Key(domain: $0.schema.domain, name: $0.schema.name), $0)
            }
        )
    }

    /// The operator of a node, whatever its version.
    package func declaration(of node: Node) -> OperatorDeclaration? {
        declarations[OperatorSet.Key(domain: node.domain, name: node.operatorName)]
    }

    /// The operators that Tern comes with: one list per family.
    ///
    /// The newest operator sets are the ones whose changes were checked against these declarations.
    package static let standard = OperatorLibrary(
        families.flatMap { $0 },
        newestOperatorSets: ["": 28, "ai.onnx.ml": 5, "com.microsoft": 1]
    )
}
