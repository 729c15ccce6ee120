package import TernGraph
package import TernTensor

/// A node made ready to run: its attributes read, its shapes known, its weights packed.
///
/// Immutable; any number of sessions run it at the same time, each with a frame of its own.
package struct Kernel: Sendable {
    /// What runs.
    ///
    /// It allocates nothing, writes every byte of every output, and throws only what
    /// depends on the values it meets.
    package typealias Body = @Sendable (borrowing KernelFrame) throws(OperatorError) -> Void

    /// How many bytes of ``KernelFrame/scratch`` it needs.
    package let scratchByteCount: Int
    /// What runs.
    package let body: Body

    /// Makes a kernel.
    package init(scratchByteCount: Int = 0, _ body: @escaping Body) {
        self.scratchByteCount = scratchByteCount
        self.body = body
    }
}

/// What a kernel maker knows of one input or output: its type and exact shape, and perhaps all of
/// its contents.
package struct Operand: Sendable {
    /// The type of the elements.
    package let elementType: ElementType
    /// The size of each axis.
    package let shape: Shape
    /// The contents, if they do not depend on the call.
    package let constant: Tensor?
    /// Whether the constant is one of the model's weights; if not, nothing made of it should outlive
    /// the plan.
    package let isWeight: Bool

    /// Describes an operand.
    package init(
        elementType: ElementType,
        shape: Shape,
        constant: Tensor? = nil,
        isWeight: Bool = false
    ) {
        self.elementType = elementType
        self.shape = shape
        self.constant = constant
        self.isWeight = isWeight
    }

    /// All that is known of it.
    package var fact: ValueFact {
        ValueFact(
            elementType: elementType,
            dimensions: shape.map { .fixed($0) },
            content: constant.map { .tensor($0) }
        )
    }

    /// The number of elements.
    package var elementCount: Int { shape.elementCount }

    /// The number of axes.
    package var rank: Int { shape.rank }

    /// The product of the axes before `axis`.
    package func outerCount(_ axis: Int) -> Int { shape.prefix(axis).reduce(1, *) }

    /// The product of the axes after `axis`.
    package func innerCount(_ axis: Int) -> Int { shape.dropFirst(axis + 1).reduce(1, *) }
}
