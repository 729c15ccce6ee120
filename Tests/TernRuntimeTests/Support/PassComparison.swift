import TernGraph
import TernTensor

@testable import TernRuntime

/// A graph run with all passes, the optional ones too, and with none.
struct PassComparison {
    /// The operators that the plan runs with all passes.
    let operators: [String]
    /// The first output with all passes.
    let fused: Tensor
    /// The first output with none.
    let plain: Tensor

    /// Compiles and runs a graph both ways.
    init(_ graph: Graph, _ inputs: [Tensor]) throws {
        var options = CompiledModel.Options()
        options.disabledFusions = []
        let model = try CompiledModel(graph, options: options)
        let plan = try model.plan(for: inputs.map(\.shape))
        operators = plan.graph.nodes.map(\.qualifiedOperatorName)
        options.disabledFusions = Set(CompiledModel.fusionPasses.map(\.name))
        let reference = try CompiledModel(graph, options: options)
        fused = try Session(model)(inputs)[0]
        plain = try Session(reference)(inputs)[0]
    }

    /// How many nodes there are of an operator.
    func count(of name: String) -> Int { operators.count { $0 == name } }

    /// Whether the shapes are equal, and the numbers but for rounding.
    func isClose(_ tolerance: Float = 1e-5) -> Bool {
        fused.shape == plain.shape
            && zip(fused.floats, plain.floats).allSatisfy {
                abs($0 - $1) <= tolerance * max(1, abs($1)) || $0 == $1
            }
    }

    /// Whether shapes and bits are equal.
    var isEqual: Bool { fused.shape == plain.shape && fused.floats == plain.floats }
}

/// Numbers that follow no pattern, between -1 and 1.
func scattered(_ shape: Shape, seed: UInt32 = 1) -> Tensor {
    var state = seed &* 2_654_435_761
    return .floats(
        (0..<shape.elementCount).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return Float(state >> 8) / Float(1 << 23) - 1
        },
        shape
    )
}
