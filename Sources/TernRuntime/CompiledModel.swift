package import TernGraph
package import TernKernels
package import TernTensor
package import TernThreadPool

/// A model made ready to run: operators found, constants folded, weights packed.
///
/// Immutable towards its users and shared by any number of ``Session``s on any threads. Making one
/// takes as long as packing its weights, so it never happens on a thread that answers requests.
///
/// What depends on the shapes of a call's inputs is an ``ExecutionPlan``. Plans are made when a
/// combination of shapes is first met, which costs a few times as many microseconds as the model has
/// nodes, and kept, up to ``Options/planCountLimit``; ``prepare(inputShapes:)`` makes one ahead of
/// time. A session either waits for the plan or runs without and lets it be made meanwhile; see
/// ``Session/Compilation``.
package final class CompiledModel: Sendable {
    /// How a model is compiled.
    package struct Options: Sendable {
        /// How many plans are kept; the one unused for longest makes way.
        package var planCountLimit: Int
        /// How many bytes of working memory one call may use.
        package var memoryByteCountLimit: Int
        /// How often the body of a loop may run before the call fails.
        package var iterationCountLimit: Int
        /// The operators.
        package var operators: OperatorLibrary
        /// The names of ``CompiledModel/fusionPasses`` that are left out.
        package var disabledFusions = CompiledModel.optionalPasses
        /// Where it is counted how often there was a plan.
        package var counters = PlanCounters.shared
        /// Whether ``CompiledModel/fusions`` tells what each pass changed, which takes time.
        package var recordsChanges = false

        /// Makes options; each has a default that suits a server.
        package init(
            planCountLimit: Int = 64,
            memoryByteCountLimit: Int = 4 << 30,
            iterationCountLimit: Int = 1 << 24,
            operators: OperatorLibrary = .standard
        ) {
            self.planCountLimit = planCountLimit
            self.memoryByteCountLimit = memoryByteCountLimit
            self.iterationCountLimit = iterationCountLimit
            self.operators = operators
        }
    }

    /// What callers give, in the model's order.
    package let inputs: [TensorDescriptor]
    /// What callers get, in the model's order.
    package let outputs: [TensorDescriptor]
    /// The graph that runs: operators resolved, constants folded, dead code gone.
    package var graph: Graph { program.graph }
    /// How many numbers the model learnt.
    package let parameterCount: Int
    /// What the passes did, in their order.
    package let fusions: [Fusion]

    /// Which kernels run the model, and the threads that may help.
    package let context: KernelContext
    let options: Options
    let evaluator: Evaluator
    private let program: GraphProgram

    /// Compiles a graph for this machine's kernels.
    ///
    /// - Parameters:
    ///   - graph: The graph as an importer made it.
    ///   - pool: The threads that may help a call; `nil` leaves it to the caller's thread.
    ///   - options: Limits, and the operators.
    /// - Throws: As ``init(_:context:options:)``.
    package convenience init(
        _ graph: Graph,
        pool: ThreadPool? = nil,
        options: Options = Options()
    ) throws(GraphError) {
        try self.init(graph, context: KernelContext(pool: pool), options: options)
    }

    /// Compiles a graph.
    ///
    /// - Parameters:
    ///   - graph: The graph as an importer made it.
    ///   - context: Which kernels run the model, and the threads that may help.
    ///   - options: Limits, and the operators.
    /// - Throws: ``GraphError/unsupportedOperators(_:)`` with every node that cannot run here, and
    ///   other cases if the graph contradicts itself.
    package init(
        _ graph: Graph,
        context: KernelContext,
        options: Options = Options()
    ) throws(GraphError) {
        var graph = graph
        parameterCount = graph.parameterCount
        let operators = options.operators.operators
        try operators.resolve(&graph)
        let evaluator = Evaluator(
            operators: options.operators,
            context: context,
            outputByteCountLimit: options.memoryByteCountLimit,
            iterationCountLimit: options.iterationCountLimit
        )
        // Constants are folded with packed weights of their own: what they are packed into is
        // needed once.
        let folding = Evaluator(operators: options.operators, context: context)
        var sequence = PassSequence(
            operators: operators,
            evaluator: folding.constantEvaluator,
            options: options
        )
        try sequence.optimize(&graph)
        fusions = sequence.fusions
        graph.numberNodes()
        try Self.checkPorts(of: graph)
        inputs = graph.inputDescriptors
        outputs = graph.outputDescriptors
        self.context = context
        self.options = options
        self.evaluator = evaluator
        program = GraphProgram(
            graph,
            planCountLimit: options.planCountLimit,
            counters: options.counters,
            passes: PassSequence.planPasses(for: graph, options: options)
        )
        packWeights()
    }

    /// Makes a model ready that was compiled before.
    ///
    /// The parts are not trusted further than a model's file is: operators are looked up and types
    /// and shapes inferred anew. Weights that come packed for these kernels are not packed again.
    ///
    /// - Parameters:
    ///   - parts: What ``parts(shapes:)`` gave, of a graph that ``Graph/validate()`` accepts.
    ///   - context: Which kernels run the model, and the threads that may help.
    ///   - options: Limits, and the operators.
    /// - Throws: As ``init(_:context:options:)``.
    package init(
        _ parts: CompiledParts,
        context: KernelContext,
        options: Options = Options()
    ) throws(GraphError) {
        var graph = parts.graph
        let operators = options.operators.operators
        try operators.resolve(&graph)
        let folding = Evaluator(operators: options.operators, context: context)
        let inference = ShapeInference(
            operators: operators,
            evaluator: folding.constantEvaluator
        )
        try inference.infer(graph).annotate(&graph)
        graph.numberNodes()
        try Self.checkPorts(of: graph)
        parameterCount = parts.parameterCount
        fusions = []
        inputs = graph.inputDescriptors
        outputs = graph.outputDescriptors
        self.context = context
        self.options = options
        let fits = parts.packing == context.table.packingIdentity
        evaluator = Evaluator(
            operators: options.operators,
            context: context,
            prepared: PreparedWeights(lent: fits ? parts.panels : []),
            outputByteCountLimit: options.memoryByteCountLimit,
            iterationCountLimit: options.iterationCountLimit
        )
        program = GraphProgram(
            graph,
            planCountLimit: options.planCountLimit,
            counters: options.counters,
            passes: PassSequence.planPasses(for: graph, options: options)
        )
        // Shapes that the model no longer takes are no reason to refuse it.
        for shapes in parts.shapes where shapes.count == inputs.count {
            try? prepare(inputShapes: shapes)
        }
        if parts.shapes.isEmpty, !fits { packWeights() }
    }

    /// What callers give and get must have types.
    private static func checkPorts(of graph: Graph) throws(GraphError) {
        let untyped = (graph.inputs + graph.outputs).filter {
            graph[$0.value].elementType == nil
        }
        guard untyped.isEmpty else {
            throw .invalid(
                untyped.map {
                    "the element type of \(GraphLocation.printable($0.name)) cannot be told"
                }
            )
        }
    }

    /// Makes one plan, so that the weights are packed before the first call.
    ///
    /// Sizes that the model leaves open are taken to be 1. If that does not fit the model, packing
    /// waits for the first call, which is then slower and nothing else.
    private func packWeights() {
        var shapes: [Shape] = []
        for input in inputs {
            guard let dimensions = input.dimensions,
                let shape = Shape(validating: dimensions.map { $0.fixedSize ?? 1 })
            else { return }
            shapes.append(shape)
        }
        try? prepare(inputShapes: shapes)
    }

    /// Makes the plan for a combination of input shapes, so that the first such call finds it.
    ///
    /// - Parameter inputShapes: The shape of each input, in order.
    /// - Throws: ``RuntimeError`` if the model does not take these shapes.
    package func prepare(inputShapes: [Shape]) throws(RuntimeError) {
        _ = try plan(for: inputShapes)
    }

    /// The plan for a combination of input shapes, found or made.
    ///
    /// Takes a lock; sessions keep the plans they use.
    func plan(for inputShapes: [Shape]) throws(RuntimeError) -> ExecutionPlan {
        try program.plan(for: .shapes(inputShapes), environment: evaluator)
    }

    /// The plan for a combination of input shapes, if it has been made; takes a lock.
    func foundPlan(for inputShapes: [Shape]) -> ExecutionPlan? {
        program.foundPlan(for: inputShapes)
    }

    /// A plan that runs at once, for shapes that have no plan of their own yet.
    func generalPlan(for inputShapes: [Shape]) -> ExecutionPlan {
        program.generalPlan(for: inputShapes)
    }

    /// Lets the plan for a combination of input shapes be made, unless it is there or being made.
    func compileInBackground(_ inputShapes: [Shape]) {
        program.compileInBackground(inputShapes, environment: evaluator, lane: .shared)
    }
}
