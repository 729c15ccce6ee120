import Synchronization
package import TernTensor

/// Computes a node's outputs from constant inputs, with the kernel that would run it.
///
/// - Parameters:
///   - node: The node, with its operator's version.
///   - inputs: The inputs; `nil` where one is left out.
/// - Returns: The outputs, as many as the node has; `nil` if the node cannot be computed alone.
package typealias ConstantEvaluator =
    @Sendable (_ node: Node, _ inputs: [Tensor?]) throws(OperatorError) -> [Tensor]?

/// Finds the types and shapes of all values of a graph by running each operator's shape rule, in
/// the nodes' order.
///
/// It runs twice in a model's life: once when the model is loaded, with the sizes that the model
/// leaves open known by name only, and once for each combination of input shapes that callers
/// bring, with numbers. Small integer values are carried along where they are known (the result of
/// Shape, a constant that Reshape reads), so that shape arithmetic inside the model comes out.
///
/// Whatever is wrong with one node does not hide what is wrong with others: its outputs count as
/// unknown, and all problems are reported together.
package struct ShapeInference: Sendable {
    /// The largest value, in elements, that something is computed of during inference.
    package static let contentElementLimit = 1024
    /// The largest value, in elements, that is computed during inference: a few small numbers in a
    /// file can ask for any size.
    package static let resultElementLimit = 1 << 20
    /// The deepest nesting of subgraphs.
    package static let subgraphDepthLimit = 64
    /// How often subgraphs are inferred for one model: a loop may need more than one look at its
    /// body, so that loops in loops could take time without end.
    package static let subgraphInferenceLimit = 10_000

    private let operators: OperatorSet
    private let evaluator: ConstantEvaluator?

    /// Sets inference up.
    ///
    /// - Parameters:
    ///   - operators: The operators, with their shape rules.
    ///   - evaluator: Computes small nodes whose inputs are all known, so that shape arithmetic
    ///     needs no rule of its own for contents.
    package init(operators: OperatorSet, evaluator: ConstantEvaluator? = nil) {
        self.operators = operators
        self.evaluator = evaluator
    }

    /// Infers with the sizes that the model leaves open known by name.
    ///
    /// An input axis without a name gets one, such as `x.0`, so that it can be followed.
    ///
    /// - Parameter graph: A graph whose operators are resolved.
    /// - Returns: What is known of every value.
    /// - Throws: ``GraphError/inconsistentShapes(_:)`` with every node that cannot be right.
    package func infer(_ graph: Graph) throws(GraphError) -> InferredShapes {
        let inputs = graph.inputs.map { port in
            let value = graph[port.value]
            let dimensions = value.dimensions?.enumerated().map { axis, dimension in
                dimension == .unknown ? Dimension.symbolic("\(port.name).\(axis)") : dimension
            }
            return ValueFact(elementType: value.elementType, dimensions: dimensions)
        }
        return try run(graph, inputs: inputs, symbols: [:], believesFile: true)
    }

    /// Infers with given shapes of the inputs.
    ///
    /// - Parameters:
    ///   - graph: A graph whose operators are resolved.
    ///   - inputShapes: The shape of each input, in order.
    /// - Returns: What is known of every value; what is still unknown depends on the data.
    /// - Throws: ``GraphError/invalid(_:)`` if the shapes do not match the inputs, and
    ///   ``GraphError/inconsistentShapes(_:)`` with every node that cannot take them.
    package func infer(
        _ graph: Graph,
        inputShapes: [Shape]
    ) throws(GraphError) -> InferredShapes {
        let symbols = try Self.bindSymbols(graph, to: inputShapes)
        for (port, shape) in zip(graph.inputs, inputShapes) where !shape.isBounded {
            throw .invalid(["input \(port.name) is \(shape), which is too large"])
        }
        let inputs = zip(graph.inputs, inputShapes).map { port, shape in
            ValueFact(
                elementType: graph[port.value].elementType,
                dimensions: shape.map { .fixed($0) }
            )
        }
        return try run(graph, inputs: inputs, symbols: symbols)
    }

    /// Infers with whatever is known of the inputs, such as the contents of some.
    ///
    /// - Parameters:
    ///   - graph: A graph whose operators are resolved.
    ///   - inputs: What is known of each input, in order.
    /// - Returns: What is known of every value.
    /// - Throws: ``GraphError/inconsistentShapes(_:)`` with every node that cannot be right.
    package func infer(
        _ graph: Graph,
        inputs: [ValueFact]
    ) throws(GraphError) -> InferredShapes {
        precondition(inputs.count == graph.inputs.count, "there must be a fact for each input")
        for (port, fact) in zip(graph.inputs, inputs) where fact.shape?.isBounded == false {
            throw .invalid(["input \(port.name) is \(fact), which is too large"])
        }
        return try run(graph, inputs: inputs, symbols: [:])
    }

    /// Finds the size of each name from the shapes of the inputs.
    private static func bindSymbols(
        _ graph: Graph,
        to shapes: [Shape]
    ) throws(GraphError) -> [String: Int] {
        guard shapes.count == graph.inputs.count else {
            throw .invalid([
                "\(shapes.count) input shapes are given, the model has \(graph.inputs.count) inputs"
            ])
        }
        var symbols: [String: (size: Int, input: String)] = [:]
        var problems: [String] = []
        for (port, shape) in zip(graph.inputs, shapes) {
            guard let dimensions = graph[port.value].dimensions else { continue }
            let expected = ShapeInferenceContext.text(dimensions)
            guard dimensions.count == shape.rank else {
                problems.append(
                    "input \(port.name): expected \(expected), found \(shape): "
                        + "\(shape.rank) axes instead of \(dimensions.count)"
                )
                continue
            }
            for (axis, dimension) in dimensions.enumerated() {
                switch dimension {
                case .fixed(let size):
                    guard size != shape[axis] else { continue }
                    problems.append(
                        "input \(port.name): expected \(expected), found \(shape): axis \(axis) is "
                            + "\(shape[axis]) instead of \(size)"
                    )
                case .symbolic(let name):
                    let bound = symbols[name, default: (shape[axis], port.name)]
                    if bound.size != shape[axis] {
                        problems.append(
                            "input \(port.name): axis \(axis) (\(name)) is \(shape[axis]), but "
                                + "input \(bound.input) says \(name) is \(bound.size)"
                        )
                    }
                    symbols[name] = bound
                case .unknown: continue
                }
            }
        }
        guard problems.isEmpty else { throw .invalid(problems) }
        return symbols.mapValues(\.size)
    }

    private func run(
        _ graph: Graph,
        inputs: [ValueFact],
        symbols: [String: Int],
        believesFile: Bool = false
    ) throws(GraphError) -> InferredShapes {
        var problems: [ShapeProblem] = []
        let shapes = infer(
            graph,
            inputs: inputs,
            captures: [],
            symbols: symbols,
            path: [],
            budget: InferenceBudget(Self.subgraphInferenceLimit, believesFile: believesFile),
            problems: &problems
        )
        guard problems.isEmpty else { throw .inconsistentShapes(problems) }
        return shapes
    }

    /// Infers one graph; problems are collected.
    private func infer(
        _ graph: Graph,
        inputs: [ValueFact],
        captures: [ValueFact],
        symbols: [String: Int],
        path: [String],
        budget: InferenceBudget,
        problems: inout [ShapeProblem]
    ) -> InferredShapes {
        var shapes = InferredShapes(
            facts: Array(repeating: ValueFact(), count: graph.values.count),
            subgraphs: [:],
            symbols: symbols
        )
        for (id, tensor) in graph.initializers { shapes.facts[id.index] = ValueFact(tensor) }
        for (port, fact) in zip(graph.inputs, inputs) {
            shapes.facts[port.value.index] = Self.completing(
                fact,
                with: graph[port.value],
                symbols: symbols
            )
        }
        for (capture, fact) in zip(graph.captures, captures) {
            shapes.facts[capture.inner.index] = fact
        }
        for (index, node) in graph.nodes.enumerated() {
            do throws(OperatorError) {
                let outputs = try self.outputs(
                    of: node,
                    at: index,
                    in: graph,
                    shapes: &shapes,
                    path: path,
                    budget: budget,
                    problems: &problems
                )
                for (id, fact) in zip(node.outputs, outputs) {
                    guard let id else { continue }
                    shapes.facts[id.index] =
                        budget.believesFile
                        ? Self.completing(fact, with: graph[id], symbols: symbols)
                        : Self.typed(fact, by: graph[id])
                }
            } catch {
                problems.append(
                    ShapeProblem(
                        node: GraphLocation.describe(node, at: index, path: path),
                        operatorName: GraphLocation.printable(node.qualifiedOperatorName),
                        reason: error.message
                    )
                )
            }
        }
        return shapes
    }

    /// Infers the outputs of one node.
    private func outputs(
        of node: Node,
        at index: Int,
        in graph: Graph,
        shapes: inout InferredShapes,
        path: [String],
        budget: InferenceBudget,
        problems: inout [ShapeProblem]
    ) throws(OperatorError) -> [ValueFact] {
        guard let schema = operators.schema(of: node) else {
            throw OperatorError("there is no such operator here")
        }
        let inputs = node.inputs.map { id in id.map { shapes.facts[$0.index] } }
        if let known = try evaluated(node, schema, inputs) { return known.map { ValueFact($0) } }
        let found = SubgraphFindings()
        let facts = shapes.facts
        let symbols = shapes.symbols
        var context = ShapeInferenceContext(
            node: node,
            inputs: inputs,
            inputNames: node.inputs.map { id in id.map { graph[$0].name } ?? "" }
        ) { (name, subgraphInputs, isTentative) throws(OperatorError) in
            guard path.count < Self.subgraphDepthLimit else {
                throw OperatorError(
                    "subgraphs are nested more than \(Self.subgraphDepthLimit) deep"
                )
            }
            guard budget.take() else {
                throw OperatorError(
                    "subgraphs would have to be looked at more than "
                        + "\(Self.subgraphInferenceLimit) times"
                )
            }
            let subgraph = try node.graph(name)
            guard subgraph.inputs.count == subgraphInputs.count else {
                throw OperatorError(
                    "\(name) takes \(subgraph.inputs.count) inputs, \(subgraphInputs.count) are given"
                )
            }
            var inner: [ShapeProblem] = []
            let shapes = infer(
                subgraph,
                inputs: subgraphInputs,
                captures: subgraph.captures.map { facts[$0.outer.index] },
                symbols: symbols,
                path: path + ["\(name) of \(GraphLocation.describe(node, at: index))"],
                budget: budget,
                problems: &inner
            )
            if isTentative, !inner.isEmpty {
                throw OperatorError(
                    inner.map { "\($0.node): \($0.operatorName): \($0.reason)" }
                        .joined(separator: "; ")
                )
            }
            found.record(.init(nodeIndex: index, attribute: name), shapes, inner)
            return subgraph.outputs.map { shapes[$0.value] }
        }
        defer { found.move(into: &shapes, &problems) }
        try schema.inferShapes(&context)
        for (output, fact) in context.outputs.enumerated() {
            guard let dimensions = fact.dimensions else { continue }
            guard dimensions.count <= Shape.maximumRank else {
                throw OperatorError(
                    "output \(output) would have \(dimensions.count) axes, at most "
                        + "\(Shape.maximumRank) are possible"
                )
            }
            guard dimensions.allSatisfy({ ($0.fixedSize ?? 0) >= 0 }) else {
                throw OperatorError(
                    "output \(output) would have the shape "
                        + ShapeInferenceContext.text(dimensions)
                )
            }
            guard fact.shape?.isBounded ?? true else {
                throw OperatorError(
                    "output \(output) would have the shape "
                        + "\(ShapeInferenceContext.text(dimensions)), which is too large"
                )
            }
        }
        return context.outputs
    }

    /// Computes the outputs of a small node whose inputs are all known; `nil` if it is not one.
    private func evaluated(
        _ node: Node,
        _ schema: OperatorSchema,
        _ inputs: [ValueFact?]
    ) throws(OperatorError) -> [Tensor]? {
        guard let evaluator, schema.isPure, node.subgraphs.isEmpty, !inputs.isEmpty else {
            return nil
        }
        var tensors: [Tensor?] = []
        for input in inputs {
            guard let input else {
                tensors.append(nil)
                continue
            }
            guard let tensor = input.constant,
                tensor.shape.elementCount <= Self.contentElementLimit
            else { return nil }
            tensors.append(tensor)
        }
        guard try isSmall(node, schema, inputs),
            let outputs = try evaluator(node, tensors), outputs.count == node.outputs.count
        else { return nil }
        return outputs
    }

    /// Whether a node's outputs are small enough to be computed now, as far as its inputs tell.
    private func isSmall(
        _ node: Node,
        _ schema: OperatorSchema,
        _ inputs: [ValueFact?]
    ) throws(OperatorError) -> Bool {
        var context = ShapeInferenceContext(node: node, inputs: inputs)
        try schema.inferShapes(&context)
        return context.outputs.allSatisfy { fact in
            guard let dimensions = fact.dimensions else { return true }
            // In floating point, where nothing overflows.
            return dimensions.reduce(1.0) { $0 * Double($1.fixedSize ?? 1) }
                <= Double(Self.resultElementLimit)
        }
    }

    /// Fills in the type that the model's file says a value has, where nothing better is known.
    ///
    /// What is planned for a call has to be right: a size that only the file tells may be wrong, and
    /// memory would be taken by it.
    private static func typed(_ fact: ValueFact, by declared: Value) -> ValueFact {
        var fact = fact
        fact.elementType = fact.elementType ?? declared.elementType
        return fact
    }

    /// Fills in what the model's file says of a value where nothing better is known.
    private static func completing(
        _ fact: ValueFact,
        with declared: Value,
        symbols: [String: Int]
    ) -> ValueFact {
        var fact = fact
        fact.elementType = fact.elementType ?? declared.elementType
        guard let dimensions = declared.dimensions else { return fact }
        let sized = dimensions.map { dimension in
            guard case .symbolic(let name) = dimension, let size = symbols[name] else {
                return dimension
            }
            return Dimension.fixed(size)
        }
        guard let known = fact.dimensions else {
            fact.dimensions = sized
            return fact
        }
        if known.count == sized.count {
            fact.dimensions = zip(known, sized).map { $0 == .unknown ? $1 : $0 }
        }
        return fact
    }
}

/// Counts how many subgraphs may still be looked at, and says what is believed.
private final class InferenceBudget: Sendable {
    /// Whether sizes that only the model's file tells are taken for true.
    let believesFile: Bool
    private let left: Atomic<Int>

    init(_ count: Int, believesFile: Bool) {
        left = Atomic(count)
        self.believesFile = believesFile
    }

    /// Takes one; `false` if none is left.
    ///
    /// One thread asks, so that order does not matter.
    func take() -> Bool { left.subtract(1, ordering: .relaxed).newValue >= 0 }
}

/// Carries what was found in subgraphs out of the shape rules that asked.
private final class SubgraphFindings: Sendable {
    private struct State {
        var shapes: [InferredShapes.SubgraphKey: InferredShapes] = [:]
        var problems: [ShapeProblem] = []
    }

    private let state = Mutex(State())

    /// Remembers what the last look at a subgraph found.
    func record(
        _ key: InferredShapes.SubgraphKey,
        _ shapes: InferredShapes,
        _ problems: [ShapeProblem]
    ) {
        state.withLock {
            $0.shapes[key] = shapes
            $0.problems += problems
        }
    }

    func move(into shapes: inout InferredShapes, _ problems: inout [ShapeProblem]) {
        let found = state.withLock { $0 }
        shapes.subgraphs.merge(found.shapes) { _, newer in newer }
        problems += found.problems
    }
}
