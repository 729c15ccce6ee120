/// What the graph needs to know of one operator: which versions there are, how many inputs and
/// outputs it takes, and how its outputs' types and shapes follow from its inputs.
///
/// The runtime makes one for each operator, in the same declaration that names the kernel, so that
/// adding an operator is one declaration in one place.
///
/// ``versions`` follow the specification: an operator's version is the number of the operator set
/// that last changed its definition. A declaration lists every version whose definition it
/// follows; its rule and kernel look at ``Node/operatorVersion`` where the definitions differ.
package struct OperatorSchema: Sendable {
    /// Sets the facts of a node's outputs from those of its inputs.
    package typealias ShapeRule =
        @Sendable (inout ShapeInferenceContext) throws(OperatorError) -> Void

    /// Which memory the first output may share.
    package enum Aliasing: Sendable, Hashable {
        /// The outputs need memory of their own.
        case none
        /// The first output is the same bytes as this input, seen with another shape: the kernel
        /// has nothing to do.
        case view(ofInput: Int)
        /// The kernel may write the first output over one of these inputs, if it is as long and
        /// nobody needs it any more. The earlier is preferred.
        case inPlace(overInputs: [Int])
    }

    /// The domain; the standard domain is `""`.
    package let domain: String
    /// The operator's name, such as `Conv`.
    package let name: String
    /// The versions of the operator that the declaration follows, ascending.
    package let versions: [Int]
    /// The first later version whose definition the declaration does not follow; `nil` if there is
    /// none up to the newest operator set known (see ``OperatorSet/newestOperatorSets``).
    package let supersededAt: Int?
    /// How many inputs a node may have.
    package let inputCount: ClosedRange<Int>
    /// The inputs that may be left out, although others after them have to be there.
    package let optionalInputs: Set<Int>
    /// How many outputs a node may have.
    package let outputCount: ClosedRange<Int>
    /// Which memory the first output may share.
    package let aliasing: Aliasing
    /// Whether equal inputs always give equal outputs, so that a node with constant inputs may be
    /// computed beforehand.
    package let isPure: Bool
    /// The rule for the outputs' types and shapes.
    package let inferShapes: ShapeRule

    /// Declares an operator.
    ///
    /// - Precondition: `versions` is not empty, ascending and positive.
    package init(
        domain: String = "",
        name: String,
        versions: [Int],
        supersededAt: Int? = nil,
        inputCount: ClosedRange<Int>,
        optionalInputs: Set<Int> = [],
        outputCount: ClosedRange<Int> = 1...1,
        aliasing: Aliasing = .none,
        isPure: Bool = true,
        inferShapes: @escaping ShapeRule
    ) {
        precondition(
            versions.first.map { $0 > 0 } == true
                && zip(versions, versions.dropFirst()).allSatisfy(<),
            "the versions of an operator must be positive and ascend"
        )
        if let supersededAt, let newest = versions.last {
            precondition(supersededAt > newest, "an operator is superseded by a newer version")
        }
        self.domain = domain
        self.name = name
        self.versions = versions
        self.supersededAt = supersededAt
        self.inputCount = inputCount
        self.optionalInputs = optionalInputs
        self.outputCount = outputCount
        self.aliasing = aliasing
        self.isPure = isPure
        self.inferShapes = inferShapes
    }
}

/// Why a node's inputs or attributes do not fit its operator: a sentence that names the thing, what
/// was expected and what was found.
package struct OperatorError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The sentence.
    package var message: String
    /// Whether the node may well fit, but only the data of a call can tell.
    package var dependsOnData = false

    /// Makes an error.
    package init(_ message: String) { self.message = message }

    /// Says that no kernel can be made before a call's data is there.
    package static var waitsForData: OperatorError {
        var error = OperatorError("what the node does depends on the data of a call")
        error.dependsOnData = true
        return error
    }

    /// The same as ``message``.
    package var description: String { message }
}
