package import TernGraph
import TernKernels
package import TernTensor

/// A compiled model taken apart, as it can be kept in a file: the graph that runs, and its weights in
/// the layouts of some kernels.
package struct CompiledParts: Sendable {
    /// The graph after all passes.
    ///
    /// Each node's ``Node/operatorSetVersion`` is its operator's version.
    package var graph: Graph
    /// How many numbers the model learnt, before any of them were folded.
    package var parameterCount: Int
    /// Whom the panels are packed for, as `KernelTable.packingIdentity` says.
    package var packing: String
    /// The packed weights.
    package var panels: [PreparedPanels]
    /// The combinations of input shapes for which plans are made when the model is loaded.
    package var shapes: [[Shape]]

    /// Puts the parts of a model together.
    package init(
        graph: Graph,
        parameterCount: Int,
        packing: String,
        panels: [PreparedPanels],
        shapes: [[Shape]]
    ) {
        self.graph = graph
        self.parameterCount = parameterCount
        self.packing = packing
        self.panels = panels
        self.shapes = shapes
    }
}

extension CompiledModel {
    /// Takes the model apart.
    ///
    /// The panels are those of the plans that were made so far; whoever wants more prepares more
    /// shapes first. Only panels of the graph's own tensors are given: what was made in between, such
    /// as widened halves, has no place in a file.
    ///
    /// - Parameter shapes: The combinations of input shapes to plan for when the model is loaded.
    /// - Returns: The parts.
    /// - Precondition: ``releasePackedWeights()`` was not called.
    package func parts(shapes: [[Shape]]) -> CompiledParts {
        var graph = graph
        graph.pinOperatorVersions()
        let storages = graph.weightStorages
        precondition(
            !storages.contains(where: \.isReleased),
            "a model is taken apart whose weights were given back"
        )
        let weights = Set(storages.map { ObjectIdentifier($0) })
        return CompiledParts(
            graph: graph,
            parameterCount: parameterCount,
            packing: context.table.packingIdentity,
            panels: evaluator.prepared.panels.filter {
                weights.contains(ObjectIdentifier($0.weight))
            },
            shapes: shapes
        )
    }
}

extension Graph {
    /// Makes every node ask for exactly the version of its operator that was found for it.
    fileprivate mutating func pinOperatorVersions() {
        for index in nodes.indices {
            if nodes[index].operatorVersion > 0 {
                nodes[index].operatorSetVersion = nodes[index].operatorVersion
            }
            nodes[index].updateSubgraphs { _, subgraph in subgraph.pinOperatorVersions() }
        }
    }

    /// The memory of all initializers, subgraphs' included.
    var weightStorages: [AlignedBuffer] {
        initializers.values.map(\.storage)
            + nodes.flatMap { $0.subgraphs.flatMap { $0.graph.weightStorages } }
    }
}

extension CompiledModel {
    /// The same model after one more pass, such as ``BFloatWeights``.
    ///
    /// - Parameter pass: The pass.
    /// - Returns: The model, and how many places the pass changed.
    /// - Throws: ``GraphError`` if the pass fails, or what it makes cannot run.
    package func applying(_ pass: some Pass) throws(GraphError) -> (CompiledModel, changeCount: Int)
    {
        var parts = parts(shapes: [])
        (parts.packing, parts.panels) = ("", [])
        let changeCount = try pass.run(on: &parts.graph)
        // What was replaced.
        try parts.graph.apply([DeadCodeElimination()])
        return (try CompiledModel(parts, context: context, options: options), changeCount)
    }
}
