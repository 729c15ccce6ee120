package import TernGraph
package import TernTensor

/// Everything that is decided before a call, for one combination of input shapes: which kernels run
/// in which order, and where each of their operands lies.
///
/// Immutable; shared by all sessions of a model.
package final class ExecutionPlan: Sendable {
    /// Where an operand's bytes come from.
    package enum Source: Sendable, Hashable {
        /// What the caller bound.
        case input(Int)
        /// The session's arena.
        case arena(offset: Int)
        /// One of ``constants``.
        case constant(Int)
        /// An operand that is left out.
        case nothing
        /// What the part of the plan that depends on data made of this value.
        case dynamic(ValueID)
    }

    /// An operand's place.
    package struct Place: Sendable, Hashable {
        /// Where its bytes come from.
        package let source: Source
        /// How many there are.
        package let byteCount: Int
    }

    /// One kernel and its operands.
    package struct Step: Sendable {
        /// What runs.
        package let body: Kernel.Body
        /// The position of the first input in ``places``.
        package let firstPlace: Int
        /// How many places are inputs; the outputs follow, then one for scratch memory.
        package let inputCount: Int
        /// How many places are outputs.
        package let outputCount: Int
        /// The node's position in the graph, for messages.
        package let nodeIndex: Int
        /// How many multiplications and additions the operator's definition asks for; 0 where they
        /// are not what its time is spent on.
        package let operationCount: Double
    }

    /// What a caller gets.
    package struct Output: Sendable {
        /// Where its bytes are after the call.
        package let source: Source
        /// The type of its elements, if that does not depend on the data.
        package let elementType: ElementType?
        /// Its shape, if that does not depend on the data.
        package let shape: Shape?
        /// How many bytes it has, if that does not depend on the data and the elements have a size.
        package let byteCount: Int?
    }

    /// The graph that runs: the program's, with the branches inlined that these shapes decide.
    package let graph: Graph
    /// The shapes of the inputs, in order.
    package let inputShapes: [Shape]
    /// What runs, in order.
    package let steps: [Step]
    /// The operands of all steps.
    package let places: [Place]
    /// The tensors that operands refer to.
    package let constants: [Tensor]
    /// How long the arena must be.
    package let arenaByteCount: Int
    /// The most bytes that the steps need at one time; the arena cannot be shorter.
    package let liveByteCount: Int
    /// The outputs, in order.
    package let outputs: [Output]
    /// The nodes that are made ready one by one after the steps, because something about them
    /// depends on the data; usually none.
    package let dynamicNodes: [Int]
    /// For each of the dynamic nodes, the values that nobody reads after it.
    let dynamicReleases: [[ValueID]]
    /// The places of the values that the dynamic nodes take from the steps.
    package let dynamicInputs: [ValueID: (place: Place, elementType: ElementType, shape: Shape)]

    init(
        graph: Graph,
        inputShapes: [Shape],
        steps: [Step],
        places: [Place],
        constants: [Tensor],
        arenaByteCount: Int,
        liveByteCount: Int,
        outputs: [Output],
        dynamicNodes: [Int],
        dynamicReleases: [[ValueID]],
        dynamicInputs: [ValueID: (place: Place, elementType: ElementType, shape: Shape)]
    ) {
        self.graph = graph
        self.inputShapes = inputShapes
        self.steps = steps
        self.places = places
        self.constants = constants
        self.arenaByteCount = arenaByteCount
        self.liveByteCount = liveByteCount
        self.outputs = outputs
        self.dynamicNodes = dynamicNodes
        self.dynamicReleases = dynamicReleases
        self.dynamicInputs = dynamicInputs
    }
}
