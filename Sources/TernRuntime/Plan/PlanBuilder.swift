import TernGraph
import TernTensor

/// Makes the plan of a graph for one combination of input shapes.
struct PlanBuilder {
    /// What is known of the inputs.
    enum Inputs {
        /// The shape of each, as a caller gives it: checked against what the graph declares.
        case shapes([Shape])
        /// Whatever is known of each, and its shape.
        case facts([ValueFact], [Shape])

        /// The shape of each.
        var shapes: [Shape] {
            switch self {
            case .shapes(let shapes), .facts(_, let shapes): shapes
            }
        }
    }

    private let graph: Graph
    private let environment: Evaluator
    private let shapes: InferredShapes
    private var kernels: [Int: Kernel] = [:]
    private var problems: [String] = []
    /// The first node that cannot be made ready before its inputs are there.
    private var firstDynamicNode: Int

    private var places: [ExecutionPlan.Place] = []
    private var constants: [Tensor] = []
    private var constantIndices: [ValueID: Int] = [:]

    /// Builds a plan.
    ///
    /// - Parameters:
    ///   - graph: The graph, with resolved operators and folded constants.
    ///   - inputs: What is known of its inputs.
    ///   - passes: What is done to the graph once its shapes are known.
    ///   - environment: The operators, the packed weights, and how long the arena may be.
    /// - Returns: The plan.
    /// - Throws: ``RuntimeError`` if the shapes do not fit, or too much memory would be needed.
    static func build(
        _ graph: Graph,
        inputs: Inputs,
        passes: [any Pass] = [],
        environment: Evaluator
    ) throws(RuntimeError) -> ExecutionPlan {
        let inference = ShapeInference(
            operators: environment.operators.operators,
            evaluator: environment.constantEvaluator
        )
        var graph = graph
        var shapes: InferredShapes
        do throws(GraphError) {
            shapes = try infer(graph, inputs, inference)
            // Branches that these shapes decide become part of the graph, and may decide others.
            while case let choices = BranchFolding.decided(in: graph, shapes: shapes),
                !choices.isEmpty
            {
                graph.inlineSubgraphs(choices)
                shapes = try infer(graph, inputs, inference)
            }
            if !passes.isEmpty {
                graph.foldKnownValues(shapes)
                shapes.annotate(&graph)
                try graph.apply(passes + [DeadCodeElimination()])
                shapes = try infer(graph, inputs, inference)
            }
        } catch {
            throw RuntimeError(error)
        }
        var builder = PlanBuilder(graph: graph, environment: environment, shapes: shapes)
        return try builder.build(inputShapes: inputs.shapes)
    }

    private static func infer(
        _ graph: Graph,
        _ inputs: Inputs,
        _ inference: ShapeInference
    ) throws(GraphError) -> InferredShapes {
        switch inputs {
        case .shapes(let shapes): try inference.infer(graph, inputShapes: shapes)
        case .facts(let facts, _): try inference.infer(graph, inputs: facts)
        }
    }

    private init(graph: Graph, environment: Evaluator, shapes: InferredShapes) {
        self.graph = graph
        self.environment = environment
        self.shapes = shapes
        firstDynamicNode = graph.nodes.count
    }

    private var operators: OperatorLibrary { environment.operators }

    private mutating func build(inputShapes: [Shape]) throws(RuntimeError) -> ExecutionPlan {
        let memory: MemoryPlan
        do throws(GraphError) {
            memory = try MemoryPlan(
                graph,
                shapes: shapes,
                operators: operators.operators
            ) { index in
                makeKernel(of: index)
                return kernels[index]?.scratchByteCount ?? 0
            }
        } catch {
            throw RuntimeError(error)
        }
        guard problems.isEmpty else { throw .incompatibleShapes(problems) }
        guard memory.arenaByteCount <= environment.outputByteCountLimit else {
            throw .memoryLimitExceeded(
                neededByteCount: memory.arenaByteCount,
                limit: environment.outputByteCountLimit
            )
        }
        // Views have no kernel that would have told.
        let firstOpenNode = graph.nodes.firstIndex { node in
            let needed = node.outputs.compactMap { $0 }.filter { isNeeded($0, memory) }
            guard !needed.isEmpty, let declaration = operators.declaration(of: node) else {
                return false
            }
            return needed.contains { shapes[$0].shape == nil }
                || declaration.parameterInputs.contains { index in
                    guard index < node.inputs.count, let id = node.inputs[index] else {
                        return false
                    }
                    return shapes[id].constant == nil
                }
        }
        firstDynamicNode = min(firstDynamicNode, firstOpenNode ?? firstDynamicNode)
        var steps: [ExecutionPlan.Step] = []
        for index in memory.steps where index < firstDynamicNode {
            guard let kernel = kernels[index] else { continue }
            steps.append(step(of: index, kernel, memory))
        }
        let dynamicNodes = (firstDynamicNode..<graph.nodes.count).filter { index in
            graph.nodes[index].outputs.contains { id in
                id.map { isNeeded($0, memory) } ?? false
            }
        }
        let madeDynamically = Set(
            dynamicNodes.flatMap { graph.nodes[$0].outputs.compactMap { $0 } }
        )
        var dynamicInputs: [ValueID: (ExecutionPlan.Place, ElementType, Shape)] = [:]
        for index in dynamicNodes {
            for id in graph.nodes[index].usedValues where !madeDynamically.contains(id) {
                guard let type = shapes[id].elementType, let shape = shapes[id].shape else {
                    continue
                }
                dynamicInputs[id] = (place(of: id, memory), type, shape)
            }
        }
        let outputs = graph.outputs.map { port in
            let isDynamic = madeDynamically.contains(port.value)
            let fact = shapes[port.value]
            return ExecutionPlan.Output(
                source: isDynamic
                    ? .dynamic(port.value) : place(of: port.value, memory).source,
                elementType: fact.elementType,
                shape: isDynamic ? nil : fact.shape,
                byteCount: isDynamic ? nil : byteCount(of: port.value)
            )
        }
        return ExecutionPlan(
            graph: graph,
            inputShapes: inputShapes,
            steps: steps,
            places: places,
            constants: constants,
            arenaByteCount: memory.arenaByteCount,
            liveByteCount: memory.liveByteCount,
            outputs: outputs,
            dynamicNodes: dynamicNodes,
            dynamicReleases: DynamicValues.releases(of: dynamicNodes, in: graph),
            dynamicInputs: dynamicInputs
        )
    }

    /// Whether a value is made by running its node.
    private func isNeeded(_ id: ValueID, _ memory: MemoryPlan) -> Bool {
        switch memory[id] {
        case .unused, .inferredConstant: false
        default: true
        }
    }

    /// Makes a node's kernel; a node that has to wait for data ends the part of the plan that is
    /// fixed.
    private mutating func makeKernel(of index: Int) {
        guard index < firstDynamicNode, kernels[index] == nil else { return }
        let node = graph.nodes[index]
        guard let declaration = operators.declaration(of: node) else { return }
        guard let nodeContext = nodeContext(of: node, declaration) else {
            firstDynamicNode = index
            return
        }
        do throws(OperatorError) {
            kernels[index] = try declaration.makeKernel(nodeContext)
        } catch {
            guard !error.dependsOnData else {
                firstDynamicNode = index
                return
            }
            problems.append(
                "\(GraphLocation.describe(node, at: index)): "
                    + "\(GraphLocation.printable(node.qualifiedOperatorName)): \(error.message)"
            )
        }
    }

    /// What the kernel maker sees; `nil` if something is missing that only the data tells.
    private func nodeContext(of node: Node, _ declaration: OperatorDeclaration) -> NodeContext? {
        var inputs: [Operand?] = []
        for (position, id) in node.inputs.enumerated() {
            guard let id else {
                inputs.append(nil)
                continue
            }
            guard let operand = operand(id) else { return nil }
            if declaration.parameterInputs.contains(position), operand.constant == nil {
                return nil
            }
            inputs.append(operand)
        }
        var outputs: [Operand?] = []
        for id in node.outputs {
            guard let id else {
                outputs.append(nil)
                continue
            }
            guard let operand = operand(id) else { return nil }
            outputs.append(operand)
        }
        var captures: [Operand] = []
        for id in node.capturedValues {
            guard let operand = operand(id) else { return nil }
            captures.append(operand)
        }
        return NodeContext(
            node: node,
            inputs: inputs,
            outputs: outputs,
            captures: captures,
            environment: environment
        )
    }

    private func operand(_ id: ValueID) -> Operand? {
        let fact = shapes[id]
        guard let elementType = fact.elementType, let shape = fact.shape,
            shape.byteCount(of: elementType) != nil
        else { return nil }
        return Operand(
            elementType: elementType,
            shape: shape,
            constant: fact.constant,
            isWeight: graph.initializers[id] != nil
        )
    }

    private mutating func step(
        of index: Int,
        _ kernel: Kernel,
        _ memory: MemoryPlan
    ) -> ExecutionPlan.Step {
        let node = graph.nodes[index]
        let firstPlace = places.count
        let captured = node.capturedValues.map { ValueID?.some($0) }
        for id in node.inputs + captured + node.outputs {
            let operand = id.map { place(of: $0, memory) }
            places.append(operand ?? .init(source: .nothing, byteCount: 0))
        }
        places.append(
            .init(
                source: .arena(offset: memory.scratchOffsets[index]),
                byteCount: memory.scratchByteCounts[index]
            )
        )
        return ExecutionPlan.Step(
            body: kernel.body,
            firstPlace: firstPlace,
            inputCount: node.inputs.count + captured.count,
            outputCount: node.outputs.count,
            nodeIndex: index,
            operationCount: OperationCount.of(node) { id in shapes[id].shape }
        )
    }

    private mutating func place(of id: ValueID, _ memory: MemoryPlan) -> ExecutionPlan.Place {
        let source: ExecutionPlan.Source =
            switch memory[id] {
            case .input(let index): .input(index)
            case .arena(let offset, _): .arena(offset: offset)
            case .initializer(let id): constant(id, graph.initializers[id])
            case .inferredConstant(let id): constant(id, shapes[id].constant)
            case .dynamic: .dynamic(id)
            case .capture, .unused: .nothing
            }
        return .init(source: source, byteCount: byteCount(of: id) ?? 0)
    }

    private mutating func constant(_ id: ValueID, _ tensor: Tensor?) -> ExecutionPlan.Source {
        if let index = constantIndices[id] { return .constant(index) }
        guard let tensor else { return .nothing }
        constants.append(tensor)
        constantIndices[id] = constants.count - 1
        return .constant(constants.count - 1)
    }

    private func byteCount(of id: ValueID) -> Int? {
        guard let elementType = shapes[id].elementType else { return nil }
        return shapes[id].shape?.byteCount(of: elementType)
    }
}

extension RuntimeError {
    /// A problem with the graph that only these input shapes bring to light.
    init(_ error: GraphError) {
        switch error {
        case .invalid(let problems): self = .incompatibleShapes(problems)
        case .inconsistentShapes(let problems):
            self = .incompatibleShapes(
                problems.map { "\($0.node): \($0.operatorName): \($0.reason)" }
            )
        case .unsupportedOperators, .foldingFailed:
            self = .incompatibleShapes([error.description])
        }
    }
}
