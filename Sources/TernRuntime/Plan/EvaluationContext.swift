package import TernGraph
package import TernTensor

/// What an operator sees that computes its outputs from tensors; see
/// ``OperatorDeclaration/evaluate``.
package struct EvaluationContext: Sendable {
    /// The node, with its operator's version.
    package let node: Node
    /// The inputs, by position; `nil` where one is left out.
    package let inputs: [Tensor?]
    /// What the node's subgraphs capture, as ``Node/capturedValues`` lists it.
    package let captures: [Tensor]
    /// The model's operators, packed weights and limits.
    package let environment: Evaluator
    /// How somebody may stop it.
    package let interruption: Interruption?

    /// An input; `nil` if it is left out.
    package func input(_ index: Int) -> Tensor? { index < inputs.count ? inputs[index] : nil }

    /// An input that must be there.
    package func requiredInput(_ index: Int) throws(OperatorError) -> Tensor {
        guard let tensor = input(index) else { throw OperatorError("input \(index) is missing") }
        return tensor
    }

    /// Runs a subgraph of the node.
    ///
    /// - Parameters:
    ///   - name: The attribute that holds it.
    ///   - inputs: Its own inputs; what it captures is added.
    /// - Returns: Its outputs.
    /// - Throws: ``OperatorError`` if it cannot be run.
    package func run(_ name: String, _ inputs: [Tensor] = []) throws(OperatorError) -> [Tensor] {
        let program = try environment.program(of: node, name)
        guard program.graph.inputs.count == inputs.count + program.captureIndices.count else {
            throw OperatorError(
                "\(name) takes \(program.graph.inputs.count - program.captureIndices.count) "
                    + "inputs, \(inputs.count) are given"
            )
        }
        if let interruption, interruption.isRequested { throw OperatorError("it was stopped") }
        do throws(RuntimeError) {
            return try program.run(
                inputs + program.captureIndices.map { captures[$0] },
                environment: environment,
                interruption: interruption
            )
        } catch {
            throw OperatorError("in \(name): \(error)")
        }
    }
}
