package import TernTensor

/// What a shape rule sees: one node, what is known of its inputs, and a place for what follows for
/// its outputs.
///
/// A rule reads with ``dimensions(_:)``, ``elementType(_:)``, ``constant(_:)`` and
/// ``integers(_:)``, all of which may not be known, and states its conclusions with
/// ``setOutput(_:elementType:dimensions:)`` and ``setOutputIntegers(_:_:elementType:scalar:)``.
/// What it does not state stays unknown. It throws only if the inputs can never fit.
package struct ShapeInferenceContext: Sendable {
    /// Infers the outputs of one of the node's subgraphs from the facts of its inputs.
    ///
    /// With `isTentative` what is wrong inside is thrown, and otherwise reported with its own place.
    package typealias SubgraphInference =
        @Sendable (_ attribute: String, _ inputs: [ValueFact], _ isTentative: Bool)
        throws(OperatorError) -> [ValueFact]

    /// The node.
    package let node: Node
    /// What is known of each input; `nil` where one is left out.
    package let inputs: [ValueFact?]
    /// What the rule has stated of each output.
    package private(set) var outputs: [ValueFact]

    private let names: [String]
    private let inferSubgraph: SubgraphInference

    /// Makes a context.
    ///
    /// - Parameters:
    ///   - node: The node.
    ///   - inputs: What is known of each input, as many as the node has.
    ///   - inputNames: What the inputs are called, for messages.
    ///   - inferSubgraph: How the outputs of a subgraph are inferred.
    package init(
        node: Node,
        inputs: [ValueFact?],
        inputNames: [String] = [],
        inferSubgraph: @escaping SubgraphInference = { (name, _, _) throws(OperatorError) in
            throw OperatorError("the subgraph \(name) cannot be inferred here")
        }
    ) {
        self.node = node
        self.inputs = inputs
        self.names = inputNames
        self.inferSubgraph = inferSubgraph
        outputs = Array(repeating: ValueFact(), count: node.outputs.count)
    }

    /// The version of the operator that the node means.
    package var version: Int { node.operatorVersion }

    /// How many inputs the node has, holes included.
    package var inputCount: Int { inputs.count }

    /// How many outputs the node has, holes included.
    package var outputCount: Int { outputs.count }

    /// Whether the input is there: the node is long enough and the place is not left out.
    package func hasInput(_ index: Int) -> Bool { fact(index) != nil }

    /// All that is known of an input; `nil` if it is not there.
    package func fact(_ index: Int) -> ValueFact? {
        index >= 0 && index < inputs.count ? inputs[index] : nil
    }

    /// The type of an input's elements, if known.
    package func elementType(_ index: Int) -> ElementType? { fact(index)?.elementType }

    /// The axes of an input, if their number is known.
    package func dimensions(_ index: Int) -> [Dimension]? { fact(index)?.dimensions }

    /// The whole of an input, if it is known.
    package func constant(_ index: Int) -> Tensor? { fact(index)?.constant }

    /// An input that is a scalar or vector of whole numbers, as far as its elements are known.
    package func integers(_ index: Int) -> [Dimension]? { fact(index)?.integers }

    /// An input that is a scalar or vector of whole numbers, if all elements are known.
    package func fixedIntegers(_ index: Int) -> [Int]? {
        guard let elements = integers(index) else { return nil }
        let fixed = elements.compactMap(\.fixedSize)
        return fixed.count == elements.count ? fixed : nil
    }

    /// What an input is called, for messages: `input 1 ("weights")`.
    package func describe(_ index: Int) -> String {
        let name = index < names.count ? names[index] : ""
        return name.isEmpty
            ? "input \(index)" : "input \(index) (\"\(GraphLocation.printable(name))\")"
    }

    /// States the type and shape of an output; an output that the node does not have is ignored.
    package mutating func setOutput(
        _ index: Int = 0,
        elementType: ElementType?,
        dimensions: [Dimension]?
    ) {
        guard outputs.indices.contains(index) else { return }
        outputs[index] = ValueFact(elementType: elementType, dimensions: dimensions)
    }

    /// States that an output is a scalar or vector of whole numbers, and its elements as far as
    /// they are known.
    package mutating func setOutputIntegers(
        _ index: Int = 0,
        _ elements: [Dimension],
        elementType: ElementType = .int64,
        scalar: Bool = false
    ) {
        guard outputs.indices.contains(index) else { return }
        precondition(!scalar || elements.count == 1, "a scalar has one element")
        outputs[index] = ValueFact(
            elementType: elementType,
            dimensions: scalar ? [] : [.fixed(elements.count)],
            content: .integers(elements)
        )
    }

    /// States all that is known of an output.
    package mutating func setOutput(_ index: Int = 0, fact: ValueFact) {
        guard outputs.indices.contains(index) else { return }
        outputs[index] = fact
    }

    /// Infers the outputs of the subgraph that is the attribute `name`.
    ///
    /// - Parameters:
    ///   - name: The attribute, such as `then_branch`.
    ///   - inputs: What is known of the subgraph's inputs.
    /// - Returns: What follows for its outputs.
    /// - Throws: ``OperatorError`` if there is no such subgraph or something in it does not fit.
    package func inferSubgraph(
        _ name: String,
        inputs: [ValueFact] = []
    ) throws(OperatorError) -> [ValueFact] {
        try inferSubgraph(name, inputs, false)
    }

    /// Infers the outputs of a subgraph that may never run, or may run with other inputs.
    ///
    /// - Parameters:
    ///   - name: The attribute, such as `then_branch`.
    ///   - inputs: What is known of the subgraph's inputs.
    /// - Returns: What follows for its outputs.
    /// - Throws: ``OperatorError`` with all that does not fit in it.
    package func tentativelyInferSubgraph(
        _ name: String,
        inputs: [ValueFact] = []
    ) throws(OperatorError) -> [ValueFact] {
        try inferSubgraph(name, inputs, true)
    }
}
