package import TernGraph
package import TernKernels
package import TernTensor

/// What a kernel maker sees: one node, with the exact types and shapes of its operands.
package struct NodeContext: Sendable {
    /// The node, with its operator's version.
    package let node: Node
    /// The inputs, by position; `nil` where one is left out.
    package let inputs: [Operand?]
    /// The outputs, by position; `nil` where one is left out.
    package let outputs: [Operand?]
    /// What the node's subgraphs capture, as ``Node/capturedValues`` lists it; to the kernel, these
    /// are further inputs after the node's own.
    package let captures: [Operand]
    /// The model's operators, packed weights and limits.
    package let environment: Evaluator

    /// Where the kernel will run; how much scratch memory it needs depends on it.
    package var kernels: KernelContext { environment.context }

    /// Makes a context.
    package init(
        node: Node,
        inputs: [Operand?],
        outputs: [Operand?],
        captures: [Operand] = [],
        environment: Evaluator
    ) {
        self.node = node
        self.inputs = inputs
        self.outputs = outputs
        self.captures = captures
        self.environment = environment
    }

    /// The same node with other operands, of the same shapes.
    package func replacing(inputs: [Operand?], outputs: [Operand?]) -> NodeContext {
        NodeContext(
            node: node,
            inputs: inputs,
            outputs: outputs,
            captures: captures,
            environment: environment
        )
    }

    /// The version of the operator that the node means.
    package var version: Int { node.operatorVersion }

    /// Whether the input is there.
    package func hasInput(_ index: Int) -> Bool {
        index < inputs.count && inputs[index] != nil
    }

    /// Whether the output is asked for.
    package func hasOutput(_ index: Int) -> Bool {
        index < outputs.count && outputs[index] != nil
    }

    /// An input that must be there.
    package func input(_ index: Int) throws(OperatorError) -> Operand {
        guard index < inputs.count, let operand = inputs[index] else {
            throw OperatorError("input \(index) is missing")
        }
        return operand
    }

    /// An output that must be there.
    package func output(_ index: Int = 0) throws(OperatorError) -> Operand {
        guard index < outputs.count, let operand = outputs[index] else {
            throw OperatorError("output \(index) is missing")
        }
        return operand
    }

    /// The whole numbers of an input that the declaration lists among its parameters; `nil` if it is
    /// left out.
    package func integers(_ index: Int) throws(OperatorError) -> [Int]? {
        guard hasInput(index) else { return nil }
        guard let constant = inputs[index]?.constant, let elements = constant.integerElements else {
            throw OperatorError("input \(index) must be whole numbers that are known")
        }
        return elements
    }

    /// Requires an input's elements to be of one of the types.
    package func requireElementType(
        _ index: Int,
        in types: Set<ElementType>
    ) throws(OperatorError) {
        let found = try input(index).elementType
        guard types.contains(found) else {
            let names = types.map(\.name).sorted().joined(separator: ", ")
            throw OperatorError("input \(index) is \(found), expected one of \(names)")
        }
    }

    /// Makes something of a weight, once for the whole model however many plans use it.
    ///
    /// - Parameters:
    ///   - index: Which input; if it is not a weight, `make` is called each time.
    ///   - variant: What is made, with whatever it depends on besides the weight.
    ///   - make: Makes it.
    /// - Returns: What was made, now or before.
    /// - Throws: What `make` throws.
    package func prepared<Value: Sendable>(
        from index: Int,
        variant: String,
        _ make: () throws(OperatorError) -> Value
    ) throws(OperatorError) -> Value {
        guard let operand = inputs[index], operand.isWeight, let weight = operand.constant else {
            return try make()
        }
        return try environment.prepared.value(of: .weight(weight), variant: variant, make)
    }

    /// Packs a weight, once for the whole model however many plans use it; not at all if the model
    /// came with it packed.
    ///
    /// - Parameters:
    ///   - index: Which input; if it is not a weight, it is packed each time.
    ///   - variant: How it is packed; the same words in every process.
    ///   - make: Packs it into the memory it is given.
    /// - Returns: What was packed, now or before.
    /// - Throws: What `make` throws.
    package func packed<Value: PackedWeights>(
        from index: Int,
        variant: String,
        _ make: (PanelMemory) throws(OperatorError) -> Value
    ) throws(OperatorError) -> Value {
        guard let operand = inputs[index], operand.isWeight, let weight = operand.constant else {
            return try make(PanelMemory())
        }
        return try environment.prepared.packed(weight, variant: variant, make)
    }

    /// Makes something of the node's attributes, once for the whole model however many plans use it.
    ///
    /// - Parameters:
    ///   - variant: What is made, with whatever it depends on besides the attributes.
    ///   - make: Makes it.
    /// - Returns: What was made, now or before.
    /// - Throws: What `make` throws.
    package func preparedFromAttributes<Value: Sendable>(
        variant: String,
        _ make: () throws(OperatorError) -> Value
    ) throws(OperatorError) -> Value {
        try environment.preparedFromAttributes(of: node, variant: variant, make)
    }
}
