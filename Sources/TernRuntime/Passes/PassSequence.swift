package import TernGraph
import TernTensor

extension CompiledModel {
    /// What a pass did.
    package struct Fusion: Sendable {
        /// The pass's name.
        package let name: String
        /// How many nodes became part of others, or went.
        package let nodeCount: Int
        /// What changed, if ``Options/recordsChanges`` asks for it.
        package let change: GraphChange?
    }

    /// What puts operators on bytes in place of others, before weights are dequantised.
    fileprivate static let quantized: [any Pass] = [QuantizedFusion(), WeightDequantization()]

    /// What needs the types and shapes that inference has found, in the order in which it is done.
    ///
    /// Views go first, so that patterns are not interrupted by them; what a product can take over is
    /// looked for last, when it is certain what follows it.
    fileprivate static let shaped: [any Pass] = [
        HalfWidening(), ViewRemoval(),
        CommonSubexpressions(operators: OperatorLibrary.standard.operators),
        TransposeCancellation(), PaddingFusion(), BatchNormalizationFolding(),
        ActivationPatterns(), NormalizationPatterns(), RotaryPatterns(), AttentionFusion(),
        TransposedOperands(), OneHotFusion(), IntegerProductFusion(), EpilogueFusion(),
    ]

    /// The passes that can be switched off, in the order in which they run.
    package static let fusionPasses: [any Pass] = quantized + shaped

    /// The names of those that are left out unless they are asked for.
    ///
    /// A product that dequantises its weight takes as long as one with a weight that was folded: both read the same
    /// packed floats. Peak memory is an eighth less, but loading takes three times as long, and activations and
    /// residuals stay outside.
    package static let optionalPasses: Set<String> = [WeightDequantization().name]

    /// The passes that may find more once all sizes are known: those that make no weights, which would have to
    /// be packed for every plan.
    fileprivate static let perPlan: [any Pass] = [
        ViewRemoval(), TransposeCancellation(), NormalizationPatterns(), RotaryPatterns(),
        AttentionFusion(), TransposedOperands(), EpilogueFusion(),
    ]
}

/// The way of a graph from its file to the one that plans are made of.
struct PassSequence {
    private let operators: OperatorSet
    private let evaluator: ConstantEvaluator
    private let options: CompiledModel.Options
    private var foldedByteCountLimit = 0
    /// What was done so far.
    private(set) var fusions: [CompiledModel.Fusion] = []

    init(
        operators: OperatorSet,
        evaluator: @escaping ConstantEvaluator,
        options: CompiledModel.Options
    ) {
        self.operators = operators
        self.evaluator = evaluator
        self.options = options
    }

    /// Folds what is known and runs the passes.
    ///
    /// - Parameter graph: A graph whose operators are resolved; afterwards it has types and shapes.
    /// - Throws: ``GraphError`` if the graph contradicts itself.
    mutating func optimize(_ graph: inout Graph) throws(GraphError) {
        foldedByteCountLimit = Self.foldedByteCountLimit(graph)
        try run(
            [IdentityRemoval(), constantFolding(keeping: ["DequantizeLinear"])],
            on: &graph
        )
        try run(enabled(CompiledModel.quantized), on: &graph)
        let cleaning: [any Pass] = [
            IdentityRemoval(), constantFolding(), DeadCodeElimination(),
        ]
        try run(cleaning, on: &graph)
        // What a branch brings with it may be constant as well, and decide further branches.
        while try run(BranchFolding(), on: &graph) > 0 { try run(cleaning, on: &graph) }
        let inference = ShapeInference(operators: operators, evaluator: evaluator)
        var shapes = try inference.infer(graph)
        while case let choices = BranchFolding.decided(in: graph, shapes: shapes), !choices.isEmpty
        {
            graph.inlineSubgraphs(choices)
            try run(cleaning, on: &graph)
            shapes = try inference.infer(graph)
        }
        graph.foldKnownValues(shapes)
        shapes.annotate(&graph)
        try run(enabled(CompiledModel.shaped), on: &graph)
        // Weights that were replaced, and constants that became attributes.
        try run(DeadCodeElimination(), on: &graph)
    }

    private func constantFolding(keeping kept: Set<String> = []) -> ConstantFolding {
        ConstantFolding(
            operators: operators,
            resultByteCountLimit: foldedByteCountLimit,
            keeping: kept,
            evaluator: evaluator
        )
    }

    /// How many bytes constants may grow to: a short file cannot take much memory by asking for it.
    ///
    /// What is folded beyond a model's own weights is weights of another type, four bytes for one at
    /// the most, or masks and positions, which are small; but for models that say the size of their
    /// weights and leave out the numbers, as ONNX's own large ones do: the largest has 575 MB.
    private static func foldedByteCountLimit(_ graph: Graph) -> Int {
        graph.initializers.values.reduce(768 << 20) { $0 + 8 * $1.storage.byteCount }
    }

    private func enabled(_ passes: [any Pass]) -> [any Pass] {
        Self.enabled(passes, options)
    }

    private static func enabled(
        _ passes: [any Pass],
        _ options: CompiledModel.Options
    ) -> [any Pass] {
        passes.filter { !options.disabledFusions.contains($0.name) }
    }

    private mutating func run(_ passes: [any Pass], on graph: inout Graph) throws(GraphError) {
        for pass in passes { try run(pass, on: &graph) }
    }

    @discardableResult
    private mutating func run(_ pass: any Pass, on graph: inout Graph) throws(GraphError) -> Int {
        let before = options.recordsChanges ? graph : nil
        let count = try pass.run(on: &graph)
        if count > 0 {
            fusions.append(
                CompiledModel.Fusion(
                    name: pass.name,
                    nodeCount: count,
                    change: before.map { GraphChange(from: $0, to: graph) }
                )
            )
        }
        return count
    }

    // MARK: Plans

    /// What is to be done to a graph once the shapes of a plan are known; nothing if they are known already.
    static func planPasses(for graph: Graph, options: CompiledModel.Options) -> [any Pass] {
        let isKnown = graph.nodes.allSatisfy { node in
            node.outputs.allSatisfy { id in
                guard let id else { return true }
                return graph[id].dimensions?.allSatisfy { $0.fixedSize != nil } ?? false
            }
        }
        return isKnown ? [] : enabled(CompiledModel.perPlan, options)
    }
}
