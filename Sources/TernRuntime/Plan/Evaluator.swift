package import TernGraph
package import TernKernels
package import TernTensor

/// Runs single nodes outside any plan, on tensors: for constants when a model is compiled, and for
/// what depends on data during a call.
///
/// Every call infers the node's shapes, makes its kernel and takes memory for its outputs, so it
/// costs microseconds where a planned step costs nanoseconds.
package struct Evaluator: Sendable {
    /// The operators.
    package let operators: OperatorLibrary
    /// What was made of the model's weights.
    package let prepared: PreparedWeights
    /// Where to run.
    package let context: KernelContext
    /// How many bytes one output, or the working memory of one call, may have.
    package let outputByteCountLimit: Int
    /// How often the body of a loop may run.
    package let iterationCountLimit: Int

    /// Sets evaluation up.
    ///
    /// - Parameters:
    ///   - operators: The operators.
    ///   - context: Where to run.
    ///   - prepared: Where to find packed weights, and keep new ones.
    ///   - outputByteCountLimit: How long one output may be.
    ///   - iterationCountLimit: How often the body of a loop may run.
    package init(
        operators: OperatorLibrary,
        context: KernelContext,
        prepared: PreparedWeights = PreparedWeights(),
        outputByteCountLimit: Int = 1 << 30,
        iterationCountLimit: Int = 1 << 24
    ) {
        self.operators = operators
        self.context = context
        self.prepared = prepared
        self.outputByteCountLimit = outputByteCountLimit
        self.iterationCountLimit = iterationCountLimit
    }

    /// Computes a node's outputs.
    ///
    /// - Parameters:
    ///   - node: The node, with its operator's version.
    ///   - inputs: The inputs; `nil` where one is left out.
    ///   - areWeights: Which of the inputs are weights of the model.
    ///   - captures: What the node's subgraphs capture, as ``Node/capturedValues`` lists it.
    ///   - interruption: How somebody may stop it.
    /// - Returns: The outputs, as many as the node has; `nil` for those that are left out.
    /// - Throws: ``OperatorError`` if the inputs do not fit the operator or the outputs would be too
    ///   long.
    package func evaluate(
        _ node: Node,
        inputs: [Tensor?],
        areWeights: [Bool] = [],
        captures: [Tensor] = [],
        interruption: Interruption? = nil
    ) throws(OperatorError) -> [Tensor?] {
        guard let declaration = operators.declaration(of: node) else {
            throw OperatorError("there is no such operator here")
        }
        if let evaluate = declaration.evaluate {
            return try evaluate(
                EvaluationContext(
                    node: node,
                    inputs: inputs,
                    captures: captures,
                    environment: self,
                    interruption: interruption
                )
            )
        }
        return try run(node, declaration, inputs, areWeights)
    }

    /// Computes a node's outputs with its kernel, whatever ``OperatorDeclaration/evaluate`` says.
    ///
    /// - Parameters:
    ///   - node: The node, with its operator's version.
    ///   - inputs: The inputs; `nil` where one is left out.
    /// - Returns: As ``evaluate(_:inputs:areWeights:captures:interruption:)``.
    /// - Throws: As ``evaluate(_:inputs:areWeights:captures:interruption:)``.
    package func runKernel(
        of node: Node,
        inputs: [Tensor?]
    ) throws(OperatorError) -> [Tensor?] {
        guard let declaration = operators.declaration(of: node) else {
            throw OperatorError("there is no such operator here")
        }
        return try run(node, declaration, inputs, [])
    }

    private func run(
        _ node: Node,
        _ declaration: OperatorDeclaration,
        _ inputs: [Tensor?],
        _ areWeights: [Bool]
    ) throws(OperatorError) -> [Tensor?] {
        var inference = ShapeInferenceContext(
            node: node,
            inputs: inputs.map { $0.map(ValueFact.init) }
        )
        try declaration.schema.inferShapes(&inference)
        let facts = inference.outputs
        if let view = view(by: declaration, of: inputs, as: facts) { return view }
        if zip(node.outputs, facts).allSatisfy({ $0 == nil || $1.constant != nil }) {
            return zip(node.outputs, facts).map { id, fact in id == nil ? nil : fact.constant }
        }
        let outputs = try operands(of: node, facts)
        let kernel = try declaration.makeKernel(
            NodeContext(
                node: node,
                inputs: inputs.enumerated().map { index, tensor in
                    tensor.map {
                        let isWeight = index < areWeights.count && areWeights[index]
                        // What a kernel maker knows it may pack, which is not worth it for once.
                        let isKnown =
                            isWeight || areWeights.isEmpty
                            || declaration.parameterInputs.contains(index)
                            || $0.shape.elementCount <= ShapeInference.contentElementLimit
                        return Operand(
                            elementType: $0.elementType,
                            shape: $0.shape,
                            constant: isKnown ? $0 : nil,
                            isWeight: isWeight
                        )
                    }
                },
                outputs: outputs,
                environment: self
            )
        )
        return try run(kernel, inputs: inputs, outputs: outputs)
    }

    /// Computes a node of constants, for ``ConstantFolding`` and ``ShapeInference``.
    package var constantEvaluator: ConstantEvaluator {
        { (node, inputs) throws(OperatorError) in
            let outputs = try evaluate(node, inputs: inputs)
            let complete = outputs.compactMap { $0 }
            // An output that is left out has no tensor, and the passes want one for each.
            return complete.count == outputs.count ? complete : nil
        }
    }

    /// Makes something of a node's attributes, once for the whole model; see
    /// ``NodeContext/preparedFromAttributes(variant:_:)``.
    package func preparedFromAttributes<Value: Sendable>(
        of node: Node,
        variant: String,
        _ make: () throws(OperatorError) -> Value
    ) throws(OperatorError) -> Value {
        // A node without a number is not part of a finished model.
        guard node.identity > 0 else { return try make() }
        return try prepared.value(of: .attributes(node.identity), variant: variant, make)
    }

    /// The outputs if the node only shows its input's bytes in another shape.
    private func view(
        by declaration: OperatorDeclaration,
        of inputs: [Tensor?],
        as facts: [ValueFact]
    ) -> [Tensor?]? {
        guard case .view(let index) = declaration.schema.aliasing, facts.count == 1,
            index < inputs.count, let source = inputs[index],
            facts[0].elementType == source.elementType, let shape = facts[0].shape,
            shape.checkedElementCount == source.shape.checkedElementCount
        else { return nil }
        return [
            Tensor(elementType: source.elementType, shape: shape, storage: source.storage)
        ]
    }

    private func operands(
        of node: Node,
        _ facts: [ValueFact]
    ) throws(OperatorError) -> [Operand?] {
        var operands: [Operand?] = []
        for (index, fact) in facts.enumerated() {
            guard node.outputs[index] != nil else {
                operands.append(nil)
                continue
            }
            guard let type = fact.elementType, let shape = fact.shape else {
                throw OperatorError("the shape of output \(index) cannot be told from the inputs")
            }
            guard shape.isBounded, let byteCount = shape.byteCount(of: type) else {
                throw OperatorError("output \(index), \(type)\(shape), has no size in bytes")
            }
            guard byteCount <= outputByteCountLimit else {
                throw OperatorError(
                    "output \(index) would have \(byteCount) bytes, at most "
                        + "\(outputByteCountLimit) are allowed"
                )
            }
            operands.append(Operand(elementType: type, shape: shape))
        }
        return operands
    }

    private func run(
        _ kernel: Kernel,
        inputs: [Tensor?],
        outputs: [Operand?]
    ) throws(OperatorError) -> [Tensor?] {
        let scratch = AlignedBuffer(byteCount: kernel.scratchByteCount)
        let results = outputs.map { operand in
            operand.map {
                Tensor(
                    elementType: $0.elementType,
                    shape: $0.shape,
                    storage: AlignedBuffer(
                        byteCount: $0.shape.byteCount(of: $0.elementType) ?? 0
                    )
                )
            }
        }
        let buffers =
            inputs.map { $0?.storage } + results.map { $0?.storage } + [scratch]
        let table = OperandTable(count: buffers.count)
        for (index, buffer) in buffers.enumerated() {
            guard let buffer else { continue }
            unsafe table[index] = OperandSlot(buffer.baseAddress, byteCount: buffer.byteCount)
        }
        try unsafe withUnsafePointer(to: CallContext(kernels: context)) {
            (call) throws(OperatorError) in
            try withExtendedLifetime(buffers) { () throws(OperatorError) in
                // SAFETY: the table holds these inputs, outputs and the scratch memory, all kept
                // alive, as is the context.
                let frame = unsafe KernelFrame(
                    slots: table.baseAddress,
                    inputCount: inputs.count,
                    outputCount: outputs.count,
                    call: call
                )
                try kernel.body(frame)
            }
        }
        return results
    }
}
