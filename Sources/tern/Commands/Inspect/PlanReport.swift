import TernGraph
import TernRuntime
import TernTensor

/// What compilation made of a graph, and the plan that runs, as lines of text.
struct PlanReport {
    private let source: Graph
    private let model: CompiledModel
    private let plan: PlanDescription

    /// Plans a model whose passes were recorded.
    ///
    /// - Parameters:
    ///   - source: The graph as the file has it.
    ///   - model: The model.
    ///   - sizes: The shapes that were asked for, by the inputs' names.
    /// - Throws: ``Failure`` if the model does not take these shapes.
    init(source: Graph, model: CompiledModel, shapes sizes: [String: Shape]) throws {
        self.source = source
        self.model = model
        let names = model.inputs.map(\.name)
        if let unknown = sizes.keys.sorted().first(where: { !names.contains($0) }) {
            throw Failure(
                .usage,
                "there is no input '\(unknown)'; there are \(names.joined(separator: ", "))"
            )
        }
        let shapes = try model.inputs.map { input in
            if let given = sizes[input.name] { return given }
            guard let dimensions = input.dimensions,
                let shape = Shape(validating: dimensions.map { $0.fixedSize ?? 1 })
            else {
                throw Failure(.usage, "the shape of '\(input.name)' must be given with --shape")
            }
            return shape
        }
        do throws(RuntimeError) {
            plan = try model.describePlan(inputShapes: shapes)
        } catch {
            throw Failure(.data, "\(error)")
        }
    }

    /// The report.
    var lines: [String] {
        var lines = ["before     \(source.nodes.count) nodes in the file"]
        lines += counts(source)
        lines.append("passes")
        for pass in model.fusions {
            lines.append("  \(pass.name): \(pass.nodeCount) nodes")
            if let change = pass.change { lines += self.lines(change) }
        }
        let given = zip(model.inputs, plan.inputShapes).map { "\($0.name): \($1)" }
        lines.append("once the shapes are known: \(given.joined(separator: ", "))")
        lines += self.lines(plan.change)
        lines.append("after      \(plan.steps.count) steps")
        for (index, step) in plan.steps.enumerated() {
            var line = "\(index)".leftPadding(to: 6) + "  \(step.operatorName)  \(step.node)"
            if step.scratchByteCount > 0 { line += ", \(step.scratchByteCount) bytes of scratch" }
            lines.append(line)
            for result in step.results {
                lines.append(
                    "          -> \(result.value), \(result.byteCount) bytes, \(result.place)"
                )
            }
        }
        if plan.dynamicNodeCount > 0 {
            lines.append("           \(plan.dynamicNodeCount) nodes wait for a call's data")
        }
        lines.append(
            "memory     \(plan.arenaByteCount) bytes for \(plan.resultByteCount) bytes of results; "
                + "\(plan.constantByteCount) bytes of constants"
        )
        return lines
    }

    private func counts(_ graph: Graph) -> [String] {
        graph.operatorCounts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            .map { "  \(String($0.value).leftPadding(to: 6))  \($0.key)" }
    }

    private func lines(_ change: GraphChange) -> [String] {
        var lines = change.counts.sorted { $0.key < $1.key }.map { name, pair in
            "    \(name): \(pair.before) before, \(pair.after) after"
        }
        for (label, nodes) in [("gone", change.removed), ("new ", change.added)] {
            lines += nodes.map { "      \(label) \($0)" }
        }
        return lines
    }
}
