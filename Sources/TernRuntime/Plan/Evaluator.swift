package import TernGraph
package import TernKernels
package import TernTensor

/// Runs single nodes outside any plan, on tensors: for constants when a model is compiled, and for
/// what depends on data during a call.
///
/// Every call infers the node's shapes, makes its kernel and takes memory for its outputs, so it
/// costs microseconds where a planned step costs nanoseconds.
package struct Evaluator: Sendable {
    private let operators: OperatorLibrary
    private let prepared: PreparedWeights
    private let context: KernelContext
    private let outputByteCountLimit: Int

    /// Sets evaluation up.
    ///
    /// - Parameters:
    ///   - operators: The operators.
    ///   - context: Where to run.
    ///   - prepared: Where to find packed weights, and keep new ones.
    ///   - outputByteCountLimit: How long one output may be.
    package init(
        operators: OperatorLibrary,
        context: KernelContext,
        prepared: PreparedWeights = PreparedWeights(),
        outputByteCountLimit: Int = 1 << 30
    ) {
        self.operators = operators
        self.context = context
        self.prepared = prepared
        self.outputByteCountLimit = outputByteCountLimit
    }

    /// Computes a node's outputs.
    ///
    /// - Parameters:
    ///   - node: The node, with its operator's version.
    ///   - inputs: The inputs; `nil` where one is left out.
    ///   - weights: Which of the inputs are weights of the model.
    /// - Returns: The outputs, as many as the node has; `nil` for those that are left out.
    /// - Throws: ``OperatorError`` if the inputs do not fit the operator or the outputs would be too
    ///   long.
    package func evaluate(
        _ node: Node,
        inputs: [Tensor?],
        weights: [ValueID?] = []
    ) throws(OperatorError) -> [Tensor?] {
        guard let declaration = operators.declaration(of: node) else {
            throw OperatorError("there is no such operator here")
        }
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
                        Operand(
                            elementType: $0.elementType,
                            shape: $0.shape,
                            constant: $0,
                            weight: index < weights.count ? weights[index] : nil
                        )
                    }
                },
                outputs: outputs,
                kernels: context,
                prepared: prepared
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
        try unsafe withUnsafePointer(to: context) { (context) throws(OperatorError) in
            try withExtendedLifetime(buffers) { () throws(OperatorError) in
                // SAFETY: the table holds these inputs, outputs and the scratch memory, all kept
                // alive, as is the context.
                let frame = unsafe KernelFrame(
                    slots: table.baseAddress,
                    inputCount: inputs.count,
                    outputCount: outputs.count,
                    context: context
                )
                try kernel.body(frame)
            }
        }
        return results
    }
}
