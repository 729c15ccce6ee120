import TernGraph
import TernTensor

/// What runs a graph for any shapes at all, at once: its nodes one by one, each made ready when its
/// inputs are there.
///
/// It is a plan without steps. Memory is taken for each node's outputs, and given back after the last
/// node that reads them; ``Evaluator/outputByteCountLimit`` bounds what is held at any time.
struct GeneralPlan: Sendable {
    private let graph: Graph
    private let nodes: [Int]
    private let releases: [[ValueID]]
    private let constants: [Tensor]
    private let constantInputs:
        [ValueID: (place: ExecutionPlan.Place, elementType: ElementType, shape: Shape)]
    private let inputs: [(value: ValueID, index: Int, elementType: ElementType)]
    private let sources: [ExecutionPlan.Source]

    /// Finds out what has to run.
    init(_ graph: Graph) {
        self.graph = graph
        nodes = Self.neededNodes(graph)
        releases = DynamicValues.releases(of: nodes, in: graph)
        let used = Set(nodes.flatMap { graph.nodes[$0].usedValues } + graph.outputs.map(\.value))
        var constants: [Tensor] = []
        var constantInputs:
            [ValueID: (place: ExecutionPlan.Place, elementType: ElementType, shape: Shape)] = [:]
        var indices: [ValueID: Int] = [:]
        for (id, tensor) in graph.initializers where used.contains(id) {
            indices[id] = constants.count
            constantInputs[id] = (
                ExecutionPlan.Place(
                    source: .constant(constants.count),
                    byteCount: tensor.storage.byteCount
                ),
                tensor.elementType, tensor.shape
            )
            constants.append(tensor)
        }
        self.constants = constants
        self.constantInputs = constantInputs
        inputs = graph.inputs.enumerated().compactMap { index, port in
            guard let type = graph[port.value].elementType else { return nil }
            return (port.value, index, type)
        }
        sources = graph.outputs.map { port in
            if let index = indices[port.value] { return .constant(index) }
            if let index = graph.inputs.firstIndex(where: { $0.value == port.value }) {
                return .input(index)
            }
            return .dynamic(port.value)
        }
    }

    /// The nodes that an output depends on, in order.
    private static func neededNodes(_ graph: Graph) -> [Int] {
        var needed = Set(graph.outputs.map(\.value))
        var nodes: [Int] = []
        for (index, node) in graph.nodes.enumerated().reversed()
        where node.outputs.contains(where: { id in id.map { needed.contains($0) } ?? false }) {
            needed.formUnion(node.usedValues)
            nodes.append(index)
        }
        return nodes.reversed()
    }

    /// The plan for the inputs' shapes, which have been held against what the graph declares of each.
    func plan(for shapes: [Shape]) -> ExecutionPlan {
        var given = constantInputs
        for (value, index, elementType) in inputs {
            let byteCount = shapes[index].byteCount(of: elementType) ?? 0
            given[value] = (
                ExecutionPlan.Place(source: .input(index), byteCount: byteCount), elementType,
                shapes[index]
            )
        }
        return ExecutionPlan(
            graph: graph,
            inputShapes: shapes,
            steps: [],
            places: [],
            constants: constants,
            arenaByteCount: 0,
            liveByteCount: 0,
            outputs: zip(graph.outputs, sources).map { port, source in
                let shape: Shape? =
                    switch source {
                    case .input(let index): shapes[index]
                    case .constant(let index): constants[index].shape
                    default: nil
                    }
                let elementType = graph[port.value].elementType
                return ExecutionPlan.Output(
                    source: source,
                    elementType: elementType,
                    shape: shape,
                    byteCount: elementType.flatMap { shape?.byteCount(of: $0) }
                )
            },
            dynamicNodes: nodes,
            dynamicReleases: releases,
            dynamicInputs: given
        )
    }
}
