package import TernGraph
package import TernTensor

/// One operator: its versions, its shape rule and how its kernel is made.
///
/// Adding an operator is adding one of these to a family's list; nothing else lists operators.
package struct OperatorDeclaration: Sendable {
    /// Makes the kernel of a node; reads the attributes, packs weights, works out strides.
    package typealias KernelMaker = @Sendable (NodeContext) throws(OperatorError) -> Kernel

    /// Computes outputs whose shapes may follow from the data alone.
    package typealias Evaluation =
        @Sendable (EvaluationContext) throws(OperatorError) -> [Tensor?]

    /// What the graph needs to know.
    package let schema: OperatorSchema
    /// The inputs whose contents decide what the kernel does.
    ///
    /// Their operands have ``Operand/constant`` when the kernel is made. A node where one of them depends on the call is
    /// made ready during the call, which costs time and memory.
    package let parameterInputs: [Int]
    /// Makes the kernel.
    package let makeKernel: KernelMaker
    /// Computes a node's outputs from tensors, where no kernel can be made before they are there;
    /// `nil` for operators whose kernel can always be made then.
    package let evaluate: Evaluation?

    /// Declares an operator; see ``OperatorSchema`` for what the arguments mean.
    package init(
        _ name: String,
        domain: String = "",
        versions: [Int],
        inputs: ClosedRange<Int>,
        optionalInputs: Set<Int> = [],
        outputs: ClosedRange<Int> = 1...1,
        aliasing: OperatorSchema.Aliasing = .none,
        isPure: Bool = true,
        parameterInputs: [Int] = [],
        shape: @escaping OperatorSchema.ShapeRule,
        kernel: @escaping KernelMaker,
        evaluation: Evaluation? = nil
    ) {
        schema = OperatorSchema(
            domain: domain,
            name: name,
            versions: versions,
            inputCount: inputs,
            optionalInputs: optionalInputs,
            outputCount: outputs,
            aliasing: aliasing,
            isPure: isPure,
            inferShapes: shape
        )
        self.parameterInputs = parameterInputs
        makeKernel = kernel
        evaluate = evaluation
    }

    /// The same operator, with another way to compute its outputs from tensors.
    package init(_ other: OperatorDeclaration, evaluation: @escaping Evaluation) {
        schema = other.schema
        parameterInputs = other.parameterInputs
        makeKernel = other.makeKernel
        evaluate = evaluation
    }
}
